"""The loss curve as a picture."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from tritstream.files import atomic_write_bytes


def draw(records: list[dict[str, Any]], picture: Path) -> str:
    """Draw training and validation loss of a run's log records; returns why not, or ""."""
    try:
        import matplotlib
    except ImportError:
        return "matplotlib is missing (pip install 'tritstream[train]')"
    matplotlib.use("Agg")
    from matplotlib import pyplot

    train = [r for r in records if r["event"] == "train"]
    validation = [r for r in records if r["event"] == "validation"]
    figure, axes = pyplot.subplots(figsize=(6.4, 3.6))
    axes.plot([r["step"] for r in train], [r["loss"] for r in train], lw=0.7, label="training")
    axes.plot(
        [r["step"] for r in validation],
        [r["loss"] for r in validation],
        "o-",
        ms=3,
        label="validation",
    )
    axes.set_xlabel("step")
    axes.set_ylabel("nats per token (measured)")
    axes.set_title("Loss")
    axes.grid(alpha=0.3)
    axes.legend()
    buffer = io.BytesIO()
    figure.tight_layout()
    figure.savefig(buffer, format="png", dpi=80)
    pyplot.close(figure)
    atomic_write_bytes(picture, buffer.getvalue())
    return ""
