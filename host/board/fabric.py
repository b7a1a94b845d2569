"""What the fabric holds before an overlay is loaded: whose engine, and whether it works."""

from __future__ import annotations

import time
from pathlib import Path
from types import ModuleType
from typing import Any
from xml.etree import ElementTree

from tritstream.board.errors import BoardBusyError
from tritstream.board.hwh import engine_base
from tritstream.kernels.arguments import CONTROL, IDLE, REGISTER_BITS
from tritstream.kernels.registers import IDENTITY, IDENTITY_VALUE, STOP

_FPGA_MANAGER = Path("/sys/class/fpga_manager/fpga0/state")
_POLL_S = 1e-3


def wait_until_idle(pynq: ModuleType, device: Any, time_limit_s: float) -> None:
    """Stop the engine that is in the fabric, if one is, or wait for it where it cannot be stopped.

    Configuring the fabric under an engine that works leaves transfers under way, to memory that
    others use by then. Raises BoardBusyError where it still works after the time limit.
    """
    bit = _loaded_bitstream(pynq, device)
    base = None if bit is None else _engine_of(bit)
    if base is None:
        return
    registers = pynq.MMIO(base, IDENTITY + REGISTER_BITS // 8, device)
    deadline = time.monotonic() + time_limit_s
    while not registers.read(CONTROL) & IDLE:
        if registers.read(IDENTITY) == IDENTITY_VALUE:
            registers.write(CONTROL, STOP)
        if time.monotonic() >= deadline:
            raise BoardBusyError(
                f"the engine of the overlay that is loaded ({bit}) still works on a start of an "
                f"earlier process after {time_limit_s:g} s: wait and try again, or restart the "
                f"board; loading an overlay now could leave its transfers under way"
            )
        time.sleep(_POLL_S)


def forget_stale_metadata() -> None:
    """Let pynq read an overlay's files and not what it remembers of the last one.

    pynq 3.0.1 and 3.1 keep the metadata of the last overlay between processes, and take it for that
    of any file at the same path (Xilinx/PYNQ issue 1409); where that file is gone, they load
    nothing. What they remember is kept if it names IPs to shut down before the next overlay, which
    ours never have.
    """
    try:
        from pynq.pl_server import global_state
    except ImportError:  # pynq before 3.0 remembers nothing
        return
    try:
        known = global_state.global_state_file_exists() and global_state.load_global_state()
        keep = bool(known) and bool(known.shutdown_ips)
    except Exception:  # whatever it makes of a file that is gone or damaged
        keep = False
    if not keep:
        global_state.clear_global_state()


def _loaded_bitstream(pynq: ModuleType, device: Any) -> Path | None:
    """The .bit in the fabric, as far as pynq knows; None where the fabric is empty."""
    try:
        if not _FPGA_MANAGER.read_text().startswith("operating"):
            return None
    except OSError:
        pass  # no such board: the device is a simulated one
    try:
        name = getattr(device, "bitfile_name", None) or pynq.PL.bitfile_name
    except Exception:  # pynq's state names a file that is gone, or there is no board behind it
        return None
    return Path(name) if name else None


def _engine_of(bit: Path) -> int | None:
    """The address of the engine's registers in an overlay; None where it has no engine of ours."""
    try:
        return engine_base(bit.with_suffix(".hwh").read_bytes())
    except (OSError, ElementTree.ParseError):
        return None
