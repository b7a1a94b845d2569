"""A simulated board whose fabric is a process of its own: it works on when the driver's has died.

The fabric holds the memory, gives it out as the kernel does, and runs the engine; drivers attach to
it, one process after another. When one ends, however it ends, its memory is given back at once,
as the kernel does, whether or not the engine still works on it.
"""

from __future__ import annotations

import json
import mmap
import selectors
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tritstream.board.overlays import Overlay
from tritstream.configurations import Configuration
from tritstream.files import scratch_folder
from tritstream.sim.board import activated, write_overlay
from tritstream.sim.engine import EngineBlock, Timing
from tritstream.sim.executions import SpecExecution
from tritstream.sim.faults import Faults
from tritstream.sim.memory import Bytes, Memory

if TYPE_CHECKING:
    from tritstream.sim.device import SimulatedDevice

_BASE = 0x6000_0000
_TICK_S = 5e-4
"""How often the fabric looks whether the engine is due."""
_START_S = 30.0


@dataclass(frozen=True)
class BoardProcess:
    """Where the fabric listens, and what drivers need to know of it."""

    socket: Path
    memory: Path
    cma_bytes: int
    configuration: Configuration
    overlay: Overlay
    lock_file: Path

    def told(self) -> dict[str, Any]:
        """``reports``: what no correct host makes a board do; ``orphaned``: how often the memory of
        a process that ended was given back under an engine at work; ``live``: buffers that are
        allocated; ``at_work``: whether the engine is."""
        with _Line(self.socket) as line:
            return line.ask("told")


@contextmanager
def board_process(
    configuration: Configuration, *, timing: Timing, cma_bytes: int = 16 << 20
) -> Iterator[BoardProcess]:
    """Start a fabric with nothing in it; it ends with the block. Raises TimeoutError."""
    with scratch_folder("board") as folder:
        board = BoardProcess(
            folder / "fabric",
            folder / "memory",
            cma_bytes,
            configuration,
            write_overlay(folder, configuration, interrupt=False),
            folder / "lock",
        )
        with open(board.memory, "wb") as file:
            file.truncate(cma_bytes)
        job = {
            "socket": str(board.socket),
            "memory": str(board.memory),
            "cma_bytes": cma_bytes,
            "configuration": configuration.table(),
            "timing": asdict(timing),
        }
        words = [sys.executable, "-W", "ignore", "-m", "tritstream.sim.process", json.dumps(job)]
        process = subprocess.Popen(words)
        try:
            deadline = time.monotonic() + _START_S
            while not board.socket.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise TimeoutError("the simulated fabric did not start")
                time.sleep(0.01)
            yield board
        finally:
            process.kill()
            process.wait()


@contextmanager
def attached(board: BoardProcess) -> Iterator[SimulatedDevice]:
    """This process as the one that drives the board; pynq's active device meanwhile."""
    import pynq

    with _Line(board.socket) as line, activated(pynq, _attached_device(board, line)) as device:
        yield device


def _attached_device(board: BoardProcess, line: _Line) -> SimulatedDevice:
    from tritstream.boards import BOARDS
    from tritstream.sim.device import SimulatedDevice

    class AttachedDevice(SimulatedDevice):
        """Its registers and memory are the fabric's."""

        def download(self, bitstream: Any, parser: Any = None) -> None:
            (engine,) = (ip for ip in parser.ip_dict.values() if "fullpath" in ip)
            line.ask(
                "download",
                bitfile=str(bitstream.bitfile_name),
                base=engine["phys_addr"],
                size=engine["addr_range"],
            )
            self.post_download(bitstream, parser, self.name)

        def read_registers(self, address: int, length: int) -> bytes:
            if address >= 0xF800_0000:  # the processor's own
                return super().read_registers(address, length)
            return bytes.fromhex(line.ask("read", address=address, length=length)["data"])

        def write_registers(self, address: int, data: Any) -> None:
            if address >= 0xF800_0000:
                super().write_registers(address, data)
            else:
                line.ask("write", address=address, data=bytes(data).hex())

    configuration = board.configuration
    device = AttachedDevice(
        configuration,
        _AttachedMemory(board, line),
        lambda memory, arguments: None,
        Faults(),
        Timing(),
        configuration.board or BOARDS["kv260"],
        board.lock_file,
    )
    device.bitfile_name = line.ask("told")["bitfile"]
    return device


class _AttachedMemory(Memory):
    """The fabric's memory, which the fabric gives out."""

    def __init__(self, board: BoardProcess, line: _Line) -> None:
        super().__init__(_BASE, board.cma_bytes, _mapped(board.memory, board.cma_bytes))
        self._line = line

    def allocate(self, count: int) -> int:
        address = self._line.ask("allocate", count=count)["address"]
        if address is None:
            raise MemoryError(f"no {count} bytes in one piece are free")
        self.live[address] = count
        return int(address)

    def release(self, start: int) -> None:
        del self.live[start]
        self._line.ask("release", address=start)


class _Line:
    """Questions and answers, a line of JSON each."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._file = self._socket.makefile("rwb")

    def __enter__(self) -> _Line:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()

    def ask(self, what: str, **values: Any) -> dict[str, Any]:
        self._file.write(json.dumps({"ask": what, **values}).encode() + b"\n")
        self._file.flush()
        answer: dict[str, Any] = json.loads(self._file.readline())
        return answer


class _Fabric:
    """The other end: memory and engine, and who has which buffer."""

    def __init__(self, job: dict[str, Any]) -> None:
        size = job["cma_bytes"]
        self.memory = Memory(_BASE, size, _mapped(Path(job["memory"]), size))
        self.configuration = Configuration(**job["configuration"])
        self.timing = Timing(**job["timing"])
        self.engine: EngineBlock | None = None
        self.place = 0, 0
        self.bitfile: str | None = None
        self.reports: list[str] = []
        self.orphaned = 0

    @property
    def at_work(self) -> bool:
        return self.engine is not None and self.engine.busy

    def tick(self) -> None:
        if self.engine is not None:
            self.engine.finish_if_due()

    def answer(self, asked: dict[str, Any], owned: set[int]) -> dict[str, Any]:
        """``owned`` are the buffers of whoever asks."""
        what = asked["ask"]
        if what == "told":
            return {
                "reports": self.reports,
                "orphaned": self.orphaned,
                "live": len(self.memory.live),
                "at_work": self.at_work,
                "bitfile": self.bitfile,
            }
        if what == "allocate":
            if self.at_work:
                self.reports.append("memory was given out while the engine worked")
            try:
                address = self.memory.allocate(asked["count"])
            except MemoryError:
                return {"address": None}
            owned.add(address)
            return {"address": address}
        if what == "release":
            if self.at_work:
                self.reports.append("memory was given back while the engine worked")
            owned.discard(asked["address"])
            self.memory.release(asked["address"])
        elif what == "download":
            if self.at_work:
                self.reports.append("an overlay was loaded while the engine worked")
            self.bitfile, self.place = asked["bitfile"], (asked["base"], asked["size"])
            self.engine = EngineBlock(
                self.memory,
                self.configuration,
                SpecExecution(self.configuration),
                Faults(),
                self.timing,
                lambda report: None,  # of an orphaned start; a start of a live driver ends wrongly
            )
        else:
            engine, (base, size) = self.engine, self.place
            at = asked["address"] - base
            assert engine is not None and 0 <= at < size, "nothing answers there"
            if what == "read":
                words = [engine.read(at + k) for k in range(0, asked["length"], 4)]
                return {"data": b"".join(w.to_bytes(4, "little") for w in words).hex()}
            data = bytes.fromhex(asked["data"])
            for k in range(0, len(data), 4):
                engine.write(at + k, int.from_bytes(data[k : k + 4], "little"))
        return {}

    def gone(self, owned: set[int]) -> None:
        """A process has ended: the kernel takes its memory back."""
        if owned and self.at_work:
            self.orphaned += 1
        for address in owned:
            self.memory.release(address)


def serve(job: dict[str, Any]) -> None:
    """Be the fabric until somebody ends the process."""
    fabric, selector = _Fabric(job), selectors.DefaultSelector()
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(job["socket"])
    listener.listen()
    selector.register(listener, selectors.EVENT_READ)
    while True:
        for key, _ in selector.select(_TICK_S):
            if key.fileobj is listener:
                connection, _ = listener.accept()
                owned: set[int] = set()
                selector.register(
                    connection, selectors.EVENT_READ, (connection, owned, bytearray())
                )
                continue
            connection, owned, waiting = key.data
            try:
                data = connection.recv(1 << 16)
            except ConnectionError:
                data = b""
            if not data:
                selector.unregister(connection)
                connection.close()
                fabric.gone(owned)
                continue
            waiting += data
            while (end := waiting.find(b"\n")) >= 0:
                asked = json.loads(waiting[:end])
                del waiting[: end + 1]
                answer = json.dumps(fabric.answer(asked, owned)).encode() + b"\n"
                with suppress(ConnectionError):  # it has ended meanwhile
                    connection.sendall(answer)
        fabric.tick()


def _mapped(path: Path, size: int) -> Bytes:
    with open(path, "r+b") as file:
        return np.frombuffer(mmap.mmap(file.fileno(), size), np.uint8)


if __name__ == "__main__":
    serve(json.loads(sys.argv[1]))
