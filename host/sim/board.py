"""Making a simulated board with an overlay for it."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tritstream.board.hwh import hardware_handoff
from tritstream.board.overlays import File, Overlay, manifest_of
from tritstream.board.package import import_pynq
from tritstream.configurations import Configuration
from tritstream.sim.engine import Timing
from tritstream.sim.executions import Execution, SpecExecution
from tritstream.sim.faults import Faults
from tritstream.sim.memory import Memory

if TYPE_CHECKING:
    from tritstream.sim.device import SimulatedDevice


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
) -> Iterator[tuple[SimulatedDevice, Overlay]]:
    """A board with an engine of ``configuration`` and its overlay; pynq's active device meanwhile.

    ``built`` is the configuration that the fabric really holds, where it is not what the overlay's
    manifest says. The default execution is the specification. Raises BoardError without pynq.
    """
    pynq = import_pynq()

    from tritstream.sim.device import SimulatedDevice

    really = built or configuration
    device = SimulatedDevice(
        really,
        Memory(memory_base, cma_bytes),
        execution or SpecExecution(really),
        faults or Faults(),
        timing or Timing(),
    )
    before = getattr(pynq.Device, "_active_device", None)
    with tempfile.TemporaryDirectory(prefix="tritstream-overlay-") as folder:
        overlay = _write_overlay(Path(folder), configuration, interrupt)
        pynq.Device.active_device = device
        try:
            yield device, overlay
        finally:
            device.shut_down()
            if pynq.Device._active_device is device:  # no other board has been made since
                if before is None:
                    del pynq.Device._active_device
                else:
                    pynq.Device.active_device = before


def _write_overlay(folder: Path, configuration: Configuration, interrupt: bool) -> Overlay:
    """An overlay whose bitstream is a placeholder: the simulated board takes any bytes."""
    bit = b"simulated\n"
    manifest = manifest_of(configuration)
    manifest = replace(
        manifest, bit=File("tritstream.bit", hashlib.sha256(bit).hexdigest(), "simulated")
    )
    (folder / "tritstream.bit").write_bytes(bit)
    (folder / manifest.hwh.file).write_bytes(hardware_handoff(configuration, interrupt))
    return Overlay(folder, manifest)
