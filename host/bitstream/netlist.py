"""The netlist that a bitstream holds, extracted to Verilog: from the processor's pins backwards.

Slices (look-up tables, flip-flops, carry chains, wide multiplexers), clock buffers, block RAM and
the processor's boundary are known; a used site of any other kind is an error that names its tile.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from tritstream.bitstream.database import Database, Site
from tritstream.bitstream.errors import BitstreamError
from tritstream.bitstream.memories import half_of, output_expression, write_half
from tritstream.bitstream.processor import CLOCKS, SITE, Processor, processor_of
from tritstream.bitstream.slices import Slice, SliceLogic
from tritstream.bitstream.wiring import Constant, Output, Source, Wiring

_SLICE = re.compile(r"(SLICE[LM]_X[01])\.(.+)")
_HALVES = {"FIFO18E1": ("BRAM_FIFO18_", False), "RAMB18E1": ("BRAM_RAMB18_", True)}


@dataclass(frozen=True)
class Netlist:
    """Verilog of module ``name`` with the files that it reads, and what it is made of.

    Its ports: ``fclk0`` to ``fclk3``; ``ps_out``, the processor's other outputs; ``ps_in``, its
    inputs, both in the order of ``processor``; ``clash``, whether a block RAM's ports ever met.
    """

    name: str
    text: str
    files: Mapping[str, str]
    processor: Processor
    constants: Mapping[str, int]
    """Inputs of the processor that are constant, unrouted ones (1) among them."""
    unrouted: frozenset[str]
    """Inputs of the processor to which nothing is routed."""
    counts: Mapping[str, int]


def extract(database: Database, wiring: Wiring, features: Mapping[str, list[str]]) -> Netlist:
    """The netlist behind the processor's input pins. Raises BitstreamError, naming the tile, for
    what contradicts itself or is not known."""
    return _Extraction(database, wiring, features).run("extracted")


class _Extraction:
    def __init__(
        self, database: Database, wiring: Wiring, features: Mapping[str, list[str]]
    ) -> None:
        self._database = database
        self._wiring = wiring
        self._features = features
        self._processor = processor_of(database)
        self._outputs = {p: k for k, p in enumerate(self._processor.output_pins)}
        self._declarations: list[str] = []
        self._statements: list[str] = []
        self._files: dict[str, str] = {}
        self._counts: Counter[str] = Counter()
        self._queue: deque[Output] = deque()
        self._asked: set[str] = set()
        self._logic: dict[tuple[str, str], SliceLogic] = {}
        self._memories: set[str] = set()
        self._clocks: dict[tuple[str, str], str] = {}

    def run(self, name: str) -> Netlist:
        constants, unrouted, inputs = {}, set(), []
        for pin in self._processor.input_pins:
            source = self._wiring.source(self._processor.tile, self._processor.wires[pin])
            if isinstance(source, Constant):
                constants[pin] = source.value
                if source.floating:
                    unrouted.add(pin)
            inputs.append(self._expression(source))
        while self._queue:
            self._make(self._queue.popleft())
        clash = " | ".join(f"{m}_clash" for m in sorted(self._memories)) or "1'b0"
        ports = [f"input fclk{k}" for k in range(len(CLOCKS))]
        ports += [
            f"input [{len(self._outputs) - 1}:0] ps_out",
            f"output [{len(inputs) - 1}:0] ps_in",
            "output clash",
        ]
        text = "\n".join(
            [
                (files("tritstream.bitstream") / "memory_half.v").read_text(encoding="utf-8"),
                f"module {name}({', '.join(ports)});",
                *self._declarations,
                *self._statements,
                *(f"assign ps_in[{k}] = {e};" for k, e in enumerate(inputs)),
                f"assign clash = {clash};",
                "endmodule\n",
            ]
        )
        return Netlist(
            name,
            text,
            self._files,
            self._processor,
            constants,
            frozenset(unrouted),
            dict(self._counts),
        )

    def _expression(self, source: Source) -> str:
        """A signal by what drives it; asks for it to be written."""
        if isinstance(source, Constant):
            return f"1'b{source.value}"
        kind = source.site.type
        if kind == SITE:
            if source.pin in CLOCKS:
                return f"fclk{CLOCKS.index(source.pin)}"
            return f"ps_out[{self._outputs[source.pin]}]"
        if kind in ("BUFGCTRL", "BUFHCE"):
            return self._clock(source)
        if kind in _HALVES:
            start, _ = _HALVES[kind]
            prefix = f"{source.tile}_{start[5:-1]}"
            self._ask(source, prefix)
            return output_expression(prefix, source.site.wires[source.pin].removeprefix(start))
        if kind in ("SLICEL", "SLICEM"):
            signal = f"{source.tile}_{source.site.name[:2]}_{source.pin}"
            self._ask(source, signal)
            return signal
        raise BitstreamError(
            f"{source.tile} uses {kind} {source.site.name} ({source.pin}), which this extraction "
            f"does not know"
        )

    def _ask(self, source: Output, key: str) -> None:
        if key not in self._asked:
            self._asked.add(key)
            self._queue.append(source)

    def _declare(self, name: str, declaration: str, statement: str) -> None:
        if declaration:
            self._declarations.append(declaration)
        if statement:
            self._statements.append(statement)
        if declaration.startswith("reg "):
            self._counts["flip-flops"] += 1
        elif re.search(r"_[ABCD]_O[56]$", name):
            self._counts["look-up tables"] += 1

    def _make(self, source: Output) -> None:
        if source.site.type in _HALVES:
            self._memory(source)
        else:
            signal = self._expression(source)
            made = self._slice(source.tile, source.site).output(source.pin)
            self._declare("", f"wire {signal};", f"assign {signal} = {made};")

    def _slice(self, tile: str, site: Site) -> SliceLogic:
        key = (tile, site.name)
        if key not in self._logic:
            start = f"{site.type}_{site.name[:2]}"
            configuration = Slice(f"{tile}.{start}")
            for feature in self._features.get(tile, ()):
                match = _SLICE.match(feature)
                if match and match[1] == start:
                    configuration.add(match[2])
            self._counts["slices"] += 1
            self._logic[key] = SliceLogic(
                configuration,
                f"{tile}_{site.name[:2]}",
                lambda pin: self._expression(self._wiring.pin(tile, site, pin)),
                self._declare,
            )
        return self._logic[key]

    def _memory(self, source: Output) -> None:
        tile = source.tile
        start, upper = _HALVES[source.site.type]
        prefix = f"{tile}_{start[5:-1]}"
        half = half_of(tile, upper, self._features.get(tile, []))
        if half is None:
            raise BitstreamError(f"{tile} has the output of a block RAM that is not in use")

        def pin(name: str) -> str:
            return self._expression(self._wiring.source(tile, start + name))

        file = f"{prefix}.hex"
        statement = write_half(half, prefix, pin, file)
        self._memories.add(prefix)
        self._counts["halves of block RAM"] += 1
        if not half.empty:
            self._files[file] = half.file()
        self._declarations.append(f"wire [17:0] {prefix}_DOA, {prefix}_DOB; wire {prefix}_clash;")
        self._statements.append(statement)

    def _clock(self, source: Output) -> str:
        """What a clock buffer lets through, which must be one input, always."""
        key = (source.tile, source.site.name)
        if key in self._clocks:
            return self._clocks[key]
        where = f"{source.tile}/{source.site.type}_{source.site.name}"
        groups: dict[str, set[str]] = defaultdict(set)
        for feature in self._features.get(source.tile, ()):
            parts = feature.split(".")
            if len(parts) > 2 and parts[0] == source.site.type:
                groups[parts[1].rpartition("_")[2]].add(".".join(parts[2:]))
        own = groups[source.site.name]
        if "IN_USE" not in own:
            raise BitstreamError(f"{where} is used and not switched on")

        def level(pin: str) -> int | None:
            driver = self._wiring.pin(source.tile, source.site, pin)
            if not isinstance(driver, Constant):
                return None
            inverted = f"IS_{pin}_INVERTED" in own if pin[0] == "I" else f"ZINV_{pin}" not in own
            return driver.value ^ inverted

        if source.site.type == "BUFHCE":
            through = "I" if level("CE") == 1 else None
        else:
            chosen = [n for n in "01" if level(f"CE{n}") == 1 and level(f"S{n}") == 1]
            through = f"I{chosen[0]}" if len(chosen) == 1 else None
        if through is None:
            raise BitstreamError(f"{where} is gated or chooses between clocks")
        self._counts["clock buffers"] += 1
        driver = self._wiring.pin(source.tile, source.site, through)
        self._clocks[key] = self._expression(driver)
        return self._clocks[key]
