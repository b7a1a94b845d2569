"""How to run on a board."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BoardOptions:
    """Options of the board engines; the defaults suit everyday use."""

    overlay: Path | None = None
    """Folder of the overlay; by default the installed one that fits board and image."""
    cma_limit: int | None = None
    """Bytes: place the model as if no more contiguous memory were free."""
    time_limit_s: float = 10.0
    """How long one start of the engine may take."""
    interrupt: bool = True
    """Wait for the engine's interrupt where the overlay has one and no event loop is running."""
    self_test: bool = True
    """Compare the first layer with the specification when the model is loaded."""
    simulate: str = "spec"
    """What computes on a simulated board: ``spec``, the specification, ``csim``, the HLS C++, or
    ``rtl``, the simulated accelerator."""
    check: bool = False
    """Compare the logits of every token with the specification's; as slow as that is."""
