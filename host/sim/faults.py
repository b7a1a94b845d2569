"""What can be broken on a simulated board."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Faults:
    """Each field is one fault; change them at any time. The defaults are a board in order."""

    never_done: bool = False
    """The engine starts and never reports done, until the fabric is configured again."""
    axi_error: bool = False
    """The engine's accesses to memory are answered with errors: zeros are read, writes lost."""
    axi_error_reported: bool = False
    """The same, and the control register says so, as that of the project's own shell does."""
    wrong_bit: bool = False
    """One bit of every result, the residual and the first logit, comes out inverted."""
    allocations_left: int | None = None
    """How many more buffers the board gives out before it has no contiguous memory."""
    lost_flushes: bool = False
    """`sync_to_device` does nothing, as if the driver had forgotten it."""
    lost_invalidates: bool = False
    """`sync_from_device` does nothing."""
    no_shell: bool = False
    """The engine was packaged by Vitis HLS: it has none of the shell's registers, and no access is
    checked."""
    no_interrupt: bool = False
    """The engine's interrupt line is not connected, against what the .hwh says."""
