"""Making a simulated board with an overlay for it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from tritstream.board.hwh import hardware_handoff
from tritstream.board.overlays import File, Overlay, manifest_of
from tritstream.board.package import import_pynq
from tritstream.boards import BOARDS, Board
from tritstream.configurations import Configuration
from tritstream.files import scratch_folder
from tritstream.sim.engine import Timing
from tritstream.sim.executions import Execution, SpecExecution
from tritstream.sim.faults import Faults
from tritstream.sim.memory import Memory

if TYPE_CHECKING:
    from tritstream.sim.device import SimulatedDevice

_ANY_BOARD = "kv260"
"""Where a configuration is for none."""


@contextmanager
def simulated_board(
    configuration: Configuration,
    *,
    cma_bytes: int = 1 << 30,
    execution: Execution | None = None,
    faults: Faults | None = None,
    timing: Timing | None = None,
    interrupt: bool = True,
    built: Configuration | None = None,
    memory_base: int = 0x6000_0000,
    board: Board | None = None,
    lock_file: Path | None = None,
) -> Iterator[tuple[SimulatedDevice, Overlay]]:
    """A board with an engine of ``configuration`` and its overlay; pynq's active device meanwhile.

    ``built`` is the configuration that the fabric really holds, where it is not what the overlay's
    manifest says. ``board`` is the one that it stands on, by default the one it was built for.
    Boards that share a ``lock_file`` are one board to their users. The default execution is the
    specification. Raises BoardError without pynq.
    """
    pynq = import_pynq()

    from tritstream.sim.device import SimulatedDevice

    really = built or configuration
    with scratch_folder("overlay") as folder:
        device = SimulatedDevice(
            really,
            Memory(memory_base, cma_bytes),
            execution or SpecExecution(really),
            faults or Faults(),
            timing or Timing(),
            board or configuration.board or BOARDS[_ANY_BOARD],
            lock_file or folder / "lock",
        )
        overlay = write_overlay(folder, configuration, interrupt)
        with activated(pynq, device):
            yield device, overlay


@contextmanager
def activated(pynq: ModuleType, device: SimulatedDevice) -> Iterator[SimulatedDevice]:
    """Make a device, and its clocks, those that pynq uses."""
    from pynq import ps

    before = getattr(pynq.Device, "_active_device", None)
    before_clocks = getattr(pynq.Clocks, "_real_instance", None)
    pynq.Device.active_device = device
    # pynq makes its clocks once a process, and up to 3.1 for the processor that Python runs on.
    clocks = ps._ClocksZynq if device.board.ps_type == "zynq7" else ps._ClocksUltrascale
    pynq.Clocks._real_instance = clocks()
    try:
        yield device
    finally:
        device.shut_down()
        if pynq.Device._active_device is device:  # no other board has been made since
            for owner, name, value in (
                (pynq.Device, "_active_device", before),
                (pynq.Clocks, "_real_instance", before_clocks),
            ):
                if value is None:
                    delattr(owner, name)
                else:
                    setattr(owner, name, value)


def write_overlay(folder: Path, configuration: Configuration, interrupt: bool) -> Overlay:
    """An overlay whose bitstream is a placeholder: the simulated board takes any bytes."""
    bit = b"simulated\n"
    manifest = manifest_of(configuration)
    manifest = replace(
        manifest, bit=File("tritstream.bit", hashlib.sha256(bit).hexdigest(), "simulated")
    )
    (folder / "tritstream.bit").write_bytes(bit)
    (folder / manifest.hwh.file).write_bytes(hardware_handoff(configuration, interrupt))
    return Overlay(folder, manifest)
