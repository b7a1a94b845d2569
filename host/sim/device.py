"""A `pynq.Device` whose fabric is Python and whose DDR is an array. Importing it imports pynq."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pynq
from pynq.buffer import PynqBuffer
from pynq.interrupt import _InterruptController
from pynq.metadata.runtime_metadata_parser import RuntimeMetadataParser
from pynqmetadata.frontends import Metadata

from tritstream.board.memory import Cma
from tritstream.boards import Board
from tritstream.configurations import Configuration
from tritstream.kernels.arguments import VLNV
from tritstream.sim.clocks import ARCHITECTURES, clock_registers, fabric_hz
from tritstream.sim.engine import EngineBlock, Timing
from tritstream.sim.executions import Execution
from tritstream.sim.faults import Faults
from tritstream.sim.interrupts import InterruptController, Uio
from tritstream.sim.memory import Memory
from tritstream.sim.registers import RegisterBlock

_INTC = "xilinx.com:ip:axi_intc:4.1"
_PS_REGISTERS = range(0xF800_0000, 0x1_0000_0000)


class RegisterAccessError(RuntimeError):
    """A register access that nothing decodes; on a board the program dies of SIGBUS."""


class SimulatedBuffer(PynqBuffer):
    """A buffer that gives its memory back by itself: pynq's own way needs XRT."""

    _release: Callable[[], None] | None = None

    def freebuffer(self) -> None:
        release, self._release = self._release, None
        if release is not None:
            release()


class SimulatedDevice(pynq.Device):
    """One board. ``memory`` counts live buffers, ``accesses`` register accesses; see `Faults`."""

    def __init__(
        self,
        configuration: Configuration,
        memory: Memory,
        execution: Execution,
        faults: Faults,
        timing: Timing,
        board: Board,
        lock_file: Path,
    ) -> None:
        super().__init__(f"tritstream-{id(self):x}")
        self.name = "simulated"
        self.board = board
        self.arch = ARCHITECTURES[board.ps_type]
        self.lock_file = lock_file
        self.capabilities = {"REGISTER_RW": True, "MEMORY_MAPPED": False, "CALLABLE": False}
        self.memory = memory
        self.faults = faults
        self.execution = execution
        self.timing = timing
        self.accesses = 0
        self.downloads = 0
        self.reports: list[str] = []
        """What the engine did that no correct host makes it do."""
        self._engine: EngineBlock | None = None
        self.engine_base = 0
        self._configuration = configuration
        self._blocks: dict[int, tuple[int, RegisterBlock]] = {}
        self._ps = clock_registers(board)
        self._uio: Uio | None = None
        self._irq: int | None = None

    @property
    def cma(self) -> Cma:
        return Cma(self.memory.size, self.memory.free)

    @property
    def clock_hz(self) -> float:
        """The fabric's clock as the dividers and the board's oscillator make it."""
        return fabric_hz(self.board, self._ps)

    @property
    def engine(self) -> EngineBlock:
        """The engine of the overlay that is loaded; before that there is none."""
        if self._engine is None:
            raise RuntimeError("no overlay is loaded")
        return self._engine

    def shut_down(self) -> None:
        """Take the interrupt line out of pynq's tables."""
        if self._uio is not None:
            self._uio.close()
            if _InterruptController._uio_devices.get(self._irq) is self._uio:
                del _InterruptController._uio_devices[self._irq]
                _InterruptController._controllers.clear()
            self._uio = None

    # What pynq calls to load an overlay.

    def get_bitfile_metadata(self, bitfile_name: str, partial: bool = False) -> Any:
        parser = RuntimeMetadataParser(Metadata(input=Path(bitfile_name).with_suffix(".hwh")))
        parser.mem_dict["PSDDR"] = {
            "used": 1,
            "base_address": 0,
            "size": self.memory.size,
            "idx": 0,
            "raw_type": 1,
            "type": "DDR4",
            "streaming": False,
            "tag": "PSDDR",
            "phys_addr": 0,
            "addr_range": self.memory.size,
        }
        return parser

    def download(self, bitstream: Any, parser: Any = None) -> None:
        self.shut_down()
        if self._engine is not None and self._engine.seconds_left:
            self.reports.append("an overlay was loaded while the engine worked")
        self.downloads += 1
        self._blocks = {}
        kinds = {ip["type"]: ip for ip in parser.ip_dict.values() if "phys_addr" in ip}
        engine = EngineBlock(
            self.memory,
            self._configuration,
            self.execution,
            self.faults,
            self.timing,
            self.reports.append,
        )
        self._engine, self.engine_base = engine, kinds[VLNV]["phys_addr"]
        self._place(kinds[VLNV], engine)
        if _INTC in kinds:
            connected = not self.faults.no_interrupt
            controller = InterruptController(lambda: connected and engine.interrupt)
            self._place(kinds[_INTC], controller)
            (entry,) = parser.interrupt_controllers.values()
            self._irq = entry["raw_irq"]
            self._uio = Uio(engine, controller)
            # pynq keeps opened UIO devices here by interrupt number, and looks here first.
            _InterruptController._uio_devices[self._irq] = self._uio
        self.post_download(bitstream, parser, self.name)

    def _place(self, description: dict[str, Any], block: RegisterBlock) -> None:
        self._blocks[description["phys_addr"]] = (description["addr_range"], block)

    def gen_cache(self, bitstream: Any, parser: Any = None) -> None:
        """Nothing: there is no fabric that outlives the process."""

    def shutdown(self) -> None:
        """Nothing: no partial regions."""

    # Registers.

    def read_registers(self, address: int, length: int) -> bytes:
        block, offset = self._decode(address, length, "read")
        words = range(0, length, 4)
        if block is None:
            return b"".join(struct.pack("<I", self._ps.get(address + at, 0)) for at in words)
        self.accesses += len(words)
        return b"".join(struct.pack("<I", block.read(offset + at)) for at in words)

    def write_registers(self, address: int, data: Any) -> None:
        data = bytes(data)
        block, offset = self._decode(address, len(data), "write")
        for at in range(0, len(data), 4):
            (value,) = struct.unpack_from("<I", data, at)
            if block is None:
                self._ps[address + at] = value
            else:
                self.accesses += 1
                block.write(offset + at, value)

    def _decode(self, address: int, length: int, what: str) -> tuple[RegisterBlock | None, int]:
        for base, (size, block) in self._blocks.items():
            if base <= address and address + length <= base + size:
                return block, address - base
        if address in _PS_REGISTERS:
            return None, 0
        raise RegisterAccessError(f"bus error: {what} at {address:#x}, where nothing answers")

    # Memory.

    @property
    def default_memory(self) -> SimulatedDevice:
        return self

    def get_memory(self, description: Any) -> SimulatedDevice:
        return self

    def allocate(
        self,
        shape: int | tuple[int, ...],
        dtype: npt.DTypeLike = "u4",
        cacheable: int = 0,
        **_: Any,
    ) -> SimulatedBuffer:
        """A buffer; a cacheable one has a copy of its own, which only syncs bring to memory."""
        dtype = np.dtype(dtype)
        count = int(np.prod(shape)) * dtype.itemsize
        if self.faults.allocations_left is not None:
            if not self.faults.allocations_left:
                raise RuntimeError("Allocate failed: the simulated CMA is exhausted")
            self.faults.allocations_left -= 1
        try:
            address = self.memory.allocate(count)
        except MemoryError as error:
            raise RuntimeError(f"Allocate failed: {error}") from None
        physical = self.memory.view(address, count)
        cached = physical.copy() if cacheable else physical
        buffer = SimulatedBuffer(
            shape,
            dtype,
            buffer=cached,
            device=self,
            device_address=address,
            bo=(physical, cached),
            coherent=False,
        )
        buffer._release = lambda: self.memory.release(address)
        return buffer

    # pynq 4.0 syncs the whole buffer whatever slice it is asked for; so does this.

    def flush(self, bo: Any, offset: int, ptr: int, size: int) -> None:
        physical, cached = bo
        if not self.faults.lost_flushes and cached is not physical:
            physical[:] = cached

    def invalidate(self, bo: Any, offset: int, ptr: int, size: int) -> None:
        physical, cached = bo
        if not self.faults.lost_invalidates and cached is not physical:
            cached[:] = physical
