"""A design's RTL and the netlist of its bitstream, simulated in one model under one processor.

Both see the same pins of the PS7, which `lockstep.cpp` drives from what the RTL does: registers
over GP0, memory behind HP0 to HP3 and the ACP. From the first cycle after reset on, the pins that
they drive are compared in every cycle; what a channel carries beside its valid counts while that is
high.

The RTL is built with Verilator; the netlist is data, so that one build serves any bitstream.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from tritstream.bitstream.netlist import Netlist
from tritstream.bitstream.processor import CLOCKS, Processor, connections, pins_of
from tritstream.caches import unwritable
from tritstream.errors import EngineError
from tritstream.files import atomic_write_bytes, scratch_folder
from tritstream.toolchain.cxx import Compiler, compile_all, compiler, link
from tritstream.toolchain.programs import load_library
from tritstream.toolchain.verilator import (
    SOUND,
    axi_memory,
    headers,
    model_flags,
    runtime_objects,
    verilate,
    verilator_version,
)
from tritstream.verilog import Assign, Item, Lines, Module, Port

# The design is compiled for a few thousand cycles, the netlist's evaluation for any design.
_QUICK, _FAST = "-O1", "-O2"
_ADDRESS = ("ADDR", "VALID", "LEN", "SIZE", "BURST", "READY")
_VERILATOR = (
    *("-Wno-fatal", "-Wno-lint", "-Wno-style", "-O3", "--output-split", "20000"),
    *("--x-assign", "0", "--x-initial", "0"),
)
GP0_SIGNALS = (
    *(f"{letters}{n}" for letters in ("AR", "AW") for n in _ADDRESS),
    *("RVALID", "RDATA", "RREADY", "WDATA", "WSTRB", "WLAST", "WVALID", "WREADY", "BVALID"),
    "BREADY",
)
HP_SIGNALS = (*GP0_SIGNALS, "ARID", "AWID", "RRESP", "RID", "RLAST", "BRESP", "BID")
_PAYLOAD = re.compile(r"(.*(?:AR|AW|W|R|B))(?:ADDR|LEN|DATA|STRB|LAST|ID|RESP)\d*$")
_MEMORY_PORTS = ("HP0", "HP1", "HP2", "HP3", "ACP")
_CLOCK_LEVELS = "{3'd0, lockstep.fclk0}"
_INITS = [f"INIT_{k:02X}" for k in range(128)]
_PARITIES = [f"INITP_{k:02X}" for k in range(16)]

Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Difference:
    """The first cycle in which the netlist drives a pin as the RTL does not, and all such pins."""

    cycle: int
    pins: tuple[str, ...]


class Lockstep:
    """A built simulation. ``rtl`` is the text of a design whose module ``top`` has no ports and a
    PS7 inside; ``folder`` keeps what is built, for the next time. Raises EngineError where it
    cannot be built."""

    def __init__(self, rtl: str, top: str, processor: Processor, folder: Path) -> None:
        self.processor = processor
        self.pins = processor.input_pins
        self._outputs = _places(processor.outputs)
        driven = connections(rtl)
        ports = {p: n for p, n in processor.inputs.items() if p in driven}
        self.connected = frozenset(pins_of(ports))
        """Pins that the RTL drives, the ones that are compared."""
        self._library = _load(_built(rtl, top, processor, folder))
        self._handle = self._library.lockstep_create()
        self._regions: list[Bytes] = []

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._library.lockstep_destroy(self._handle)

    def load(self, netlist: Netlist) -> None:
        """Put a netlist beside the RTL, both as after configuration: call it before anything else.

        Raises BitstreamError where the netlist has a loop.
        """
        arrays = netlist.circuit.arrays()
        order = ("tables", "inputs", "flip_flops", "memories", "rows")
        data = {name: np.ascontiguousarray(arrays[name]) for name in order}
        counts_with = np.array(self._counted(netlist), np.int32)
        inputs, outputs = (np.array(s, np.int32) for s in (netlist.inputs, netlist.outputs))
        self._library.lockstep_circuit(
            self._handle,
            len(netlist.circuit.names),
            len(data["tables"]), data["tables"].ctypes.data, data["inputs"].ctypes.data,
            len(data["flip_flops"]), data["flip_flops"].ctypes.data,
            len(data["memories"]), data["memories"].ctypes.data, data["rows"].ctypes.data,
            inputs.ctypes.data, outputs.ctypes.data, counts_with.ctypes.data,
        )  # fmt: skip

    def _counted(self, netlist: Netlist) -> list[int]:
        """By pin: itself, -1 where the RTL leaves it open, or the valid that it counts with."""
        places = _places(self.processor.inputs)
        counted = list(range(len(self.pins)))
        for n, pin in enumerate(self.pins):
            match = _PAYLOAD.match(pin)
            if pin not in self.connected:
                counted[n] = -1
            elif match and f"{match[1]}VALID" in places and pin not in netlist.constants:
                counted[n] = places[f"{match[1]}VALID"][0]
        return counted

    def set_conditions(self, seed: int = 1, stall: int = 0, latency: int = 1) -> None:
        """``stall`` of 256: the probability that a port waits; ``latency`` of memory in cycles."""
        self._library.lockstep_settings(self._handle, seed, stall, latency)

    def set_memory(self, regions: Sequence[tuple[int, Bytes, bool]]) -> None:
        """(address, bytes, whether they may be written) of all that answers, used in place."""
        self._regions = [data for _, data, _ in regions]
        bases = np.array([base for base, _, _ in regions], np.uint64)
        sizes = np.array([data.nbytes for data in self._regions], np.uint64)
        pointers = np.array([data.ctypes.data for data in self._regions], np.uint64)
        writable = np.array([may for _, _, may in regions], np.uint32)
        pointed = (a.ctypes.data for a in (bases, sizes, pointers, writable))
        self._library.lockstep_regions(self._handle, len(regions), *pointed)

    def reset(self, cycles: int = 16) -> None:
        self._library.lockstep_reset(self._handle, cycles)

    def read(self, address: int) -> int:
        """A word over GP0. Raises EngineError where nothing answers."""
        value = int(self._library.lockstep_read(self._handle, address))
        self._check()
        return value

    def write(self, address: int, value: int) -> None:
        self._library.lockstep_write(self._handle, address, value & 0xFFFF_FFFF)
        self._check()

    def advance(self, cycles: int) -> None:
        """Let time pass, until the first difference at most."""
        self._library.lockstep_run(self._handle, cycles)
        self._check()

    def drive(self, levels: Mapping[str, int]) -> None:
        """One cycle with these values at the processor's outputs (by port) and zeros elsewhere."""
        words = np.zeros(-(-len(self.processor.output_pins) // 32), np.uint32)
        value = sum(n << self._outputs[port][0] for port, n in levels.items())
        words[:] = np.frombuffer(value.to_bytes(words.nbytes, "little"), "<u4")
        self._library.lockstep_drive(self._handle, words.ctypes.data)

    @property
    def cycles(self) -> int:
        """Clock cycles so far (simulated)."""
        return int(self._counters()[0])

    @property
    def beats(self) -> int:
        """Words of 8 bytes that the HP ports moved."""
        return int(self._counters()[4])

    @property
    def clash(self) -> bool:
        """Whether both ports of a block RAM met in a way that the hardware leaves open."""
        return bool(self._counters()[5])

    @property
    def difference(self) -> Difference | None:
        counters = self._counters()
        if not counters[3]:
            return None
        names = tuple(p for p, on in zip(self.pins, self.levels()[2], strict=True) if on)
        return Difference(int(counters[2]), names)

    def levels(self) -> tuple[list[int], list[int], list[int]]:
        """By input pin: what RTL and netlist drive now, and whether they ever differed."""
        levels = np.zeros((3, len(self.pins)), np.uint8)
        self._library.lockstep_pins(self._handle, *(row.ctypes.data for row in levels))
        rtl, netlist, differing = levels.tolist()
        return rtl, netlist, differing

    def _counters(self) -> npt.NDArray[np.uint64]:
        values = np.zeros(6, np.uint64)
        self._library.lockstep_counters(self._handle, values.ctypes.data)
        return values

    def _check(self) -> None:
        problem = self._library.lockstep_problem(self._handle).decode()
        if problem:
            raise EngineError(f"the RTL under test fails: {problem}")


def _places(ports: Mapping[str, int | None]) -> dict[str, tuple[int, int]]:
    """Of each port, the place of its bit 0 among all pins, and its width."""
    at, places = 0, {}
    for port, width in ports.items():
        places[port] = (at, width or 1)
        at += width or 1
    return places


def _wrapper(top: str, processor: Processor) -> str:
    """The design, and its PS7, whose pins lead out of it."""
    clock = CLOCKS[0][:-1]
    ports: list[Port] = []
    items: list[Item] = []
    for port, (at, width) in _places(processor.outputs).items():
        ports.append(Port("output", port, width))
        levels = f"lockstep.ps_out[{at} +: {width}]"
        items.append(Assign(port, _CLOCK_LEVELS if port == clock else levels))
    for port, (at, width) in _places(processor.inputs).items():
        ports.append(Port("input", port, width))
        items.append(Assign(f"lockstep.rtl_in[{at} +: {width}]", port))
    inside = Module("PS7", ports, items)
    outside = [
        Port("input", "fclk0"),
        Port("input", "ps_out", len(processor.output_pins)),
        Port("output", "rtl_in", len(processor.input_pins)),
    ]
    around = Module("lockstep", outside, [Lines((f"{top} rtl ();",))])
    return inside.text() + around.text()


def _tables(processor: Processor) -> str:
    """``pins.inc``: where the ports are."""
    places = _places(processor.inputs) | _places(processor.outputs)
    used = [*(f"MAXIGP0{n}" for n in GP0_SIGNALS), "FCLKRESETN"]
    lines = ["constexpr Port {}{{{}, {}}};".format(port, *places[port]) for port in used]
    lines.append(f"struct Hp {{ Port {', '.join(HP_SIGNALS)}; }};")
    rows = [
        "{" + ", ".join("{{{}, {}}}".format(*places[f"SAXI{port}{n}"]) for n in HP_SIGNALS) + "}"
        for port in _MEMORY_PORTS
        if f"SAXI{port}ARADDR" in places
    ]
    lines.append(f"constexpr int HP_PORTS = {len(rows)};")
    lines.append(f"constexpr Hp HP[HP_PORTS] = {{{', '.join(rows)}}};")
    inputs, outputs = len(processor.input_pins), len(processor.output_pins)
    lines.append(f"constexpr int INPUTS = {inputs}, OUTPUTS = {outputs};")
    return "\n".join([*lines, ""])


def primitives(rtl: str) -> str:
    """What of the device's primitives the RTL instantiates and does not define itself."""
    folder = files("tritstream.bitstream")
    texts = []
    for name in ("BUFG", "RAMB36E1"):
        if re.search(rf"\b{name}\b", rtl) and not re.search(rf"\bmodule\s+{name}\b", rtl):
            texts.append((folder / f"{name.lower()}.v").read_text(encoding="utf-8"))
    text = "\n".join(texts)
    for mark, value in (
        ("INITS", ", ".join(f"{n} = 0" for n in _INITS + _PARITIES)),
        ("DATA", ", ".join(reversed(_INITS))),
        ("PARITY", ", ".join(reversed(_PARITIES))),
    ):
        text = text.replace(f"@{mark}@", value)
    return text


def _built(rtl: str, top: str, processor: Processor, folder: Path) -> Path:
    """The library, from the folder if what it is made of has not changed."""
    texts = {
        "rtl.sv": rtl,
        "primitives.v": primitives(rtl),
        "lockstep.sv": _wrapper(top, processor),
        "pins.inc": _tables(processor),
        "axi_memory.hpp": axi_memory(),
        "lockstep.cpp": (files("tritstream.bitstream") / "lockstep.cpp").read_text("utf-8"),
    }
    tool = compiler()
    flags = (*model_flags(tool, library=True), _QUICK, _FAST, *_VERILATOR, *SOUND)
    made_of = (tool.key, flags, verilator_version(), texts)
    key = hashlib.sha256(repr(made_of).encode()).hexdigest()[:16]
    library = folder / f"lockstep-{key}.so"
    if library.is_file():
        return library
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    with scratch_folder("lockstep") as place:
        atomic_write_bytes(library, _build(tool, texts, place).read_bytes())
    return library


def _build(tool: Compiler, texts: Mapping[str, str], folder: Path) -> Path:
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    sources = [folder / name for name in ("lockstep.sv", "rtl.sv", "primitives.v")]
    made = verilate(sources, folder / "obj", "lockstep", "Vlockstep", _VERILATOR)
    flags = model_flags(tool, library=True)
    own = (*flags, *headers(folder / "obj", folder))

    def options(source: Path) -> tuple[str, ...]:
        return (*own, _FAST if source.parent == folder else _QUICK)

    objects = compile_all(tool, [*made, folder / "lockstep.cpp"], options, folder)
    library = folder / "lockstep.so"
    link(tool, [*objects, *runtime_objects(tool, (*flags, _QUICK))], library, library=True)
    return library


def _load(path: Path) -> ctypes.CDLL:
    # A copy with its own name: the loader knows libraries by theirs, and would give the last one.
    handle, name = tempfile.mkstemp(suffix=".so", dir=path.parent)
    os.close(handle)
    shutil.copyfile(path, name)
    try:
        library = load_library(Path(name), "XDG_CACHE_HOME")
    finally:
        os.unlink(name)
    library.lockstep_create.restype = ctypes.c_void_p
    library.lockstep_read.restype = ctypes.c_uint32
    library.lockstep_problem.restype = ctypes.c_char_p
    pointer, word, long = ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64
    signatures: dict[str, list[Any]] = {
        "destroy": [], "settings": [word] * 3, "regions": [word] + [pointer] * 4, "reset": [word],
        "read": [word], "write": [word] * 2, "run": [long], "counters": [pointer],
        "pins": [pointer] * 3, "problem": [], "drive": [pointer],
        "circuit": [word, word, pointer, pointer, word, pointer, word] + [pointer] * 5,
    }  # fmt: skip
    for name, more in signatures.items():
        getattr(library, f"lockstep_{name}").argtypes = [pointer, *more]
    return library
