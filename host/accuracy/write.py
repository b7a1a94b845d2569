"""The accuracy report as Markdown, JSON and plots."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tritstream.accuracy.report import Report
from tritstream.accuracy.walk import NONE
from tritstream.errors import FileError, OptionError
from tritstream.files import atomic_write_bytes

Row = Sequence[object]


def write_report(report: Report, folder: Path, title: str) -> list[Path]:
    """Write `accuracy.md`, `accuracy.json` and two plots into a folder; the paths.

    Raises OptionError without matplotlib, FileError where the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise FileError(f"cannot make the folder {folder}: {error.strerror}") from error
    files = {
        "accuracy-position.png": _position_plot(report),
        "accuracy-contributions.png": _contribution_plot(report),
        "accuracy.json": json.dumps(report.as_json(), indent=1).encode() + b"\n",
        "accuracy.md": _markdown(report, title).encode(),
    }
    for name, data in files.items():
        atomic_write_bytes(folder / name, data)
    return [folder / name for name in files]


def _markdown(report: Report, title: str) -> str:
    exact = report.executions["float64"].perplexity
    parts = [
        f"# Accuracy of {title}\n",
        f"All figures are measured, on {report.tokens} predicted tokens read in windows of "
        f"{report.window} from a fresh state.\n",
        "## Executions\n",
        _table(
            ("execution", "perplexity", "to float64", "logits error (relative L2)")
            + ("top-1 agreement", "KL, nats", "saturations"),
            (
                (
                    name,
                    f"{e.perplexity:.4f}",
                    f"{100 * (e.perplexity / exact - 1):+.4f}%",
                    f"{e.logits_error:.2e}",
                    f"{100 * e.top1_agreement:.3f}%",
                    f"{e.kl_divergence:.2e}",
                    sum(e.saturations.values()),
                )
                for name, e in report.executions.items()
            ),
        ),
        "`float16` computes each operation in float32 and keeps its result in half precision, a "
        "favourable emulation of the released inference.\n",
        "## Error against position\n",
        "![error against position](accuracy-position.png)\n",
        _table(
            ("tokens up to", *report.position_errors),
            (
                (position, *(f"{e[k]:.2e}" for e in report.position_errors.values()))
                for k, position in enumerate(report.positions)
            ),
        ),
        "## Contribution of each operation\n",
        "Relative L2 error of the logits with one operation computed in float64 and rounded once "
        "into its result's format; `(none)` is all fixed. `norm_codes and exact weights` also "
        "takes the norm weights unrounded.\n",
        "![contribution of each operation](accuracy-contributions.png)\n",
        _table(
            ("in float", *report.contributions),
            (
                (name, *(f"{c[name]:.3e}" for c in report.contributions.values()))
                for name in next(iter(report.contributions.values()))
            ),
        ),
        "## Functions against exact ones\n",
        _table(
            ("profile", "sigmoid, absolute", "1 - sigmoid, relative, x < 12")
            + ("code before rounding, codes", "1/sqrt, relative"),
            (
                (
                    name,
                    f"{f.sigmoid_absolute:.1e}",
                    f"{f.sigmoid_relative:.1e}",
                    f"{f.reciprocal_codes:.1e}",
                    f"{f.root_relative:.1e}",
                )
                for name, f in report.functions.items()
            ),
        ),
        "## Embedding formats\n",
        "The float64 model with its embedding stored in another format. int4 is for comparison.\n",
        _table(
            ("format", "bits", "RMS error", "perplexity"),
            (
                (name, f"{e.bits:g}", f"{100 * e.rms_error:.3f}%", f"{e.perplexity:.4f}")
                for name, e in report.embeddings.items()
            ),
        ),
    ]
    return "\n".join(parts)


def _table(head: Row, rows: Iterable[Row]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(c) for c in row) + " |" for row in lines) + "\n"


def _position_plot(report: Report) -> bytes:
    figure = _figure()
    axes = figure.subplots()
    for name, errors in report.position_errors.items():
        axes.semilogy(report.positions, errors, marker="o", label=name)
    axes.set(xlabel="position in tokens", ylabel="relative L2 error of the logits (measured)")
    axes.legend()
    axes.grid(alpha=0.3)
    return _png(figure)


def _contribution_plot(report: Report) -> bytes:
    figure = _figure()
    axes = figure.subplots()
    names = [n for n in next(iter(report.contributions.values())) if n != NONE]
    height = 0.8 / len(report.contributions)
    for k, (profile, errors) in enumerate(report.contributions.items()):
        at = [n + k * height for n in range(len(names))]
        change = [100 * (errors[n] / errors[NONE] - 1) for n in names]
        axes.barh(at, change, height, label=f"{profile}, {errors[NONE]:.2e} all fixed")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.axvline(0, color="0.3", linewidth=0.8)
    axes.set(
        xlabel="change of the logits' error with it in float, % (measured)",
        title="What each operation contributes",
    )
    # Outside: in every corner there is a bar of some model.
    figure.legend(loc="outside lower center", ncols=len(report.contributions))
    return _png(figure)


def require_matplotlib() -> None:
    """Raises OptionError where the plots cannot be made, before the work that they are of."""
    if find_spec("matplotlib") is None:
        raise OptionError(
            "the plots of the accuracy report need matplotlib: pip install matplotlib"
        )


def _figure() -> Any:
    require_matplotlib()
    from matplotlib.figure import Figure

    return Figure(figsize=(7, 4), dpi=110, layout="constrained")


def _png(figure: Any) -> bytes:
    data = io.BytesIO()
    figure.savefig(data, format="png")
    return data.getvalue()
