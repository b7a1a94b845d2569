"""Reading the reports of Vitis HLS and Vivado: what was reached, in numbers.

Formats: csynth.xml as UG1399 describes it (2022.2 to 2025.2 write the same elements), the text
tables of cosim_design, report_utilization and report_timing_summary (UG906).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from tritstream.build.errors import ReportError

RESOURCES = ("lut", "ff", "dsp", "bram36", "uram")


@dataclass(frozen=True)
class Loop:
    """A loop of the synthesised C++: ``interval`` is the initiation interval reached."""

    module: str
    name: str
    interval: int | None
    depth: int | None
    trips: int | None

    @property
    def violated(self) -> bool:
        """Every pipelined loop of the engine asks for an interval of one."""
        return self.interval is not None and self.interval > 1


@dataclass(frozen=True)
class Synthesis:
    """csynth: an estimate by Vitis HLS, before anything is placed."""

    part: str
    clock_ns: float
    estimated_ns: float
    used: dict[str, float]
    available: dict[str, float]
    loops: tuple[Loop, ...]

    @property
    def estimated_mhz(self) -> float:
        return 1000 / self.estimated_ns


@dataclass(frozen=True)
class Cosimulation:
    """cosim: cycles of one start of the engine in the RTL simulator."""

    passed: bool
    minimum: int | None
    average: int | None
    maximum: int | None


@dataclass(frozen=True)
class Utilisation:
    """Resources of the implemented design."""

    used: dict[str, float]
    available: dict[str, float]


@dataclass(frozen=True)
class Timing:
    """Timing of the implemented design; negative slack is a failure."""

    setup_slack_ns: float
    hold_slack_ns: float
    failing: int
    period_ns: float | None

    @property
    def met(self) -> bool:
        return self.setup_slack_ns >= 0 and self.hold_slack_ns >= 0 and self.failing == 0

    @property
    def reached_mhz(self) -> float | None:
        """The fastest clock that the slowest path allows."""
        return None if self.period_ns is None else 1000 / (self.period_ns - self.setup_slack_ns)


def read_synthesis(path: Path) -> Synthesis:
    """Read csynth.xml, with every module's loops. Raises ReportError."""
    root = _xml(path)
    used, available = (
        _hls_resources(_find(root, f"AreaEstimates/{name}", path))
        for name in ("Resources", "AvailableResources")
    )
    top = _text(root, "UserAssignments/TopModelName", path)
    loops = list(_loops(top, root.find("PerformanceEstimates/SummaryOfLoopLatency")))
    for module in root.iterfind("ModuleInformation/Module"):
        name = _text(module, "Name", path)
        if name != top:
            loops += _loops(name, module.find("PerformanceEstimates/SummaryOfLoopLatency"))
    return Synthesis(
        part=_text(root, "UserAssignments/Part", path),
        clock_ns=_number(_text(root, "UserAssignments/TargetClockPeriod", path), path),
        estimated_ns=_number(
            _text(root, "PerformanceEstimates/SummaryOfTimingAnalysis/EstimatedClockPeriod", path),
            path,
        ),
        used=used,
        available=available,
        loops=tuple(loops),
    )


def read_cosimulation(path: Path) -> Cosimulation:
    """Read the Verilog line of TOP_cosim.rpt. Raises ReportError."""
    for line in _lines(path):
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if cells[0] == "Verilog" and len(cells) >= 5:
            minimum, average, maximum = (int(c) if c.isdigit() else None for c in cells[2:5])
            return Cosimulation(cells[1] == "Pass", minimum, average, maximum)
    raise ReportError(f"{path} has no line for Verilog: was cosim run with -rtl verilog?")


_UTILISATION_ROWS = {
    "CLB LUTs": "lut",
    "Slice LUTs": "lut",
    "CLB Registers": "ff",
    "Slice Registers": "ff",
    "Block RAM Tile": "bram36",
    "URAM": "uram",
    "DSPs": "dsp",
}


def read_utilisation(path: Path) -> Utilisation:
    """Read report_utilization's text, of UltraScale+ or of 7 series. Raises ReportError."""
    used: dict[str, float] = {}
    available: dict[str, float] = {}
    columns: list[str] = []
    for line in _lines(path):
        if not line.startswith("|"):
            continue
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if cells[0] == "Site Type":
            columns = cells
        name = _UTILISATION_ROWS.get(cells[0].rstrip("*"))
        if name is None or name in used or len(cells) != len(columns):
            continue
        row = dict(zip(columns, cells, strict=True))
        if "Used" in row and "Available" in row:
            used[name] = _number(row["Used"], path)
            available[name] = _number(row["Available"], path)
    missing = {"lut", "ff", "dsp", "bram36"} - set(used)
    if missing:
        raise ReportError(
            f"{path} has no line for {', '.join(sorted(missing))}: it is not the text of "
            f"report_utilization"
        )
    return Utilisation(used, available)


def read_timing(path: Path) -> Timing:
    """Read the summary and the fabric clock of report_timing_summary. Raises ReportError."""
    lines = _lines(path)
    summary = _below(lines, "WNS(ns)")
    if summary is None:
        raise ReportError(f"{path} has no line WNS(ns): it is not a report_timing_summary")
    names, values = summary
    row = dict(zip(names, values, strict=False))
    period = None
    clocks = next(
        (i for i, x in enumerate(lines) if x.startswith("Clock ") and "Period" in x), None
    )
    if clocks is not None:
        for line in lines[clocks + 2 :]:
            match = re.match(r"\s*(\S+)\s+\{[^}]*\}\s+([\d.]+)\s+[\d.]+", line)
            if match is None:
                break
            period = float(match[2]) if period is None else min(period, float(match[2]))
    return Timing(
        setup_slack_ns=_number(row["WNS(ns)"], path),
        hold_slack_ns=_number(row["WHS(ns)"], path),
        failing=int(_number(row["TNS Failing Endpoints"], path))
        + int(_number(row["THS Failing Endpoints"], path)),
        period_ns=period,
    )


def _loops(module: str, parent: ElementTree.Element | None) -> list[Loop]:
    found = []
    for element in parent if parent is not None else ():
        name = element.findtext("Name") or element.get("name") or element.tag
        found.append(
            Loop(
                module=module,
                name=name.strip(),
                interval=_count(element.findtext("PipelineII")),
                depth=_count(element.findtext("PipelineDepth")),
                trips=_count(element.findtext("TripCount")),
            )
        )
        found += _loops(module, _nested(element))
    return found


def _nested(element: ElementTree.Element) -> ElementTree.Element | None:
    """Inner loops stand inside their outer one, beside its figures."""
    inner = ElementTree.Element("loops")
    inner.extend(child for child in element if child.find("Latency") is not None)
    return inner if len(inner) else None


def _hls_resources(element: ElementTree.Element) -> dict[str, float]:
    names = {"LUT": "lut", "FF": "ff", "DSP": "dsp", "URAM": "uram"}
    found = {ours: float(element.findtext(theirs) or 0) for theirs, ours in names.items()}
    return found | {"bram36": float(element.findtext("BRAM_18K") or 0) / 2}


def _below(lines: list[str], heading: str) -> tuple[list[str], list[str]] | None:
    """Column names and values of the first table whose heading line starts so."""
    for i, line in enumerate(lines[:-2]):
        if line.strip().startswith(heading):
            names = re.split(r"\s{2,}", line.strip())
            return names, lines[i + 2].split()
    return None


def _xml(path: Path) -> ElementTree.Element:
    try:
        return ElementTree.fromstring("\n".join(_lines(path)))
    except ElementTree.ParseError as error:
        raise ReportError(f"{path} is not whole XML ({error}): run the step again") from error


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise ReportError(
            f"cannot read the report {path}: {error.strerror}; run the step again"
        ) from error


def _find(root: ElementTree.Element, where: str, path: Path) -> ElementTree.Element:
    found = root.find(where)
    if found is None:
        raise ReportError(f"{path} has no element {where}: it is not a csynth.xml")
    return found


def _text(root: ElementTree.Element, where: str, path: Path) -> str:
    return (_find(root, where, path).text or "").strip()


def _number(text: str, path: Path) -> float:
    try:
        return float(text.replace("<", ""))
    except ValueError:
        raise ReportError(f"{path}: '{text}' should be a number") from None


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and text.strip().isdigit() else None
