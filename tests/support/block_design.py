"""What must hold of a block design, checked on the record that the stand-in Vivado has written."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from tritstream.boards import Board
from tritstream.configurations import Configuration
from tritstream.kernels.arguments import VECTOR_BUNDLE, VLNV, argument_table, bundles

# Address ranges that a processor's control master reaches: UG585, UG1085.
APERTURES = {
    "M_AXI_GP0": (0x4000_0000, 0x8000_0000),
    "M_AXI_HPM0_FPD": (0xA000_0000, 0xB000_0000),
}


@dataclass
class Design:
    """A recorded block design. Paths are as Vivado writes them: /cell/pin."""

    cells: dict[str, str] = field(default_factory=dict)
    options: dict[str, dict[str, str]] = field(default_factory=lambda: defaultdict(dict))
    pins: dict[str, list[str]] = field(default_factory=dict)
    """direction, kind, required"""
    interfaces: dict[str, list[str]] = field(default_factory=dict)
    """mode, kind, width, clock pin, required"""
    spaces: dict[str, list[str]] = field(default_factory=dict)
    segments: dict[str, list[str]] = field(default_factory=dict)
    ports: dict[str, str] = field(default_factory=dict)
    wires: list[set[str]] = field(default_factory=list)
    connections: list[tuple[str, str]] = field(default_factory=list)
    assigned: list[list[str]] = field(default_factory=list)
    excluded: set[tuple[str, str]] = field(default_factory=set)
    part: str = ""
    saved: str = ""
    refused: list[str] = field(default_factory=list)

    def cell(self, kind: str) -> list[str]:
        return [name for name, vlnv in self.cells.items() if vlnv.split(":")[2] == kind]

    def net(self, pin: str) -> set[str]:
        return next((w for w in self.wires if pin in w), set())

    def driver(self, pin: str) -> str | None:
        outs = [p for p in self.net(pin) if self.pins[p][0] == "out"]
        return outs[0] if outs else None

    def partner(self, interface: str) -> str | None:
        for a, b in self.connections:
            if interface in (a, b):
                return b if interface == a else a
        return None


def read_record(facts: list[list[str]]) -> Design:
    d = Design()
    for kind, *f in facts:
        if kind == "cell":
            d.cells[f[0]] = f[1]
        elif kind == "option":
            d.options[f[0]][f[1]] = f[2]
        elif kind == "pin":
            d.pins[f[0]] = f[1:]
        elif kind == "interface":
            d.interfaces[f[0]] = f[1:]
        elif kind == "space":
            d.spaces[f[0]] = f[1:]
        elif kind == "segment":
            d.segments[f[0]] = f[1:]
        elif kind == "port":
            d.ports["/" + f[0]] = f[1]
        elif kind == "project":
            d.part = f[1]
        elif kind == "net":
            _join(d.wires, set(f))
        elif kind == "connection":
            d.connections.append((f[0], f[1]))
        elif kind == "assigned":
            d.assigned.append(f)
        elif kind == "excluded":
            d.excluded.add((f[0], f[1]))
        elif kind == "saved":
            d.saved = f[0]
        elif kind == "error":
            d.refused.append(f[0])
    return d


def _join(wires: list[set[str]], pins: set[str]) -> None:
    touching = [w for w in wires if w & pins]
    for w in touching:
        wires.remove(w)
    wires.append(pins.union(*touching))


def complaints(d: Design, board: Board, configuration: Configuration) -> list[str]:
    """Everything that is wrong with the design; empty where it is right."""
    if d.refused:
        return d.refused
    found = _unconnected(d) + _wires(d) + _connections(d) + _clocks(d) + _resets(d)
    found += _control(d) + _memory(d, board, configuration) + _interrupt(d)
    if d.part != board.part:
        found.append(f"the project is for part {d.part}, not {board.part}")
    if d.saved != "1":
        found.append("the design was not saved after it was validated")
    return found


def _unconnected(d: Design) -> list[str]:
    found = [
        f"input {pin} is not connected"
        for pin, (direction, _, required) in d.pins.items()
        if direction == "in" and required == "1" and d.driver(pin) is None
    ]
    return found + [
        f"interface {name} is not connected"
        for name, facts in d.interfaces.items()
        if facts[4] == "1" and d.partner(name) is None
    ]


def _wires(d: Design) -> list[str]:
    found = []
    for wire in d.wires:
        drivers = sorted(p for p in wire if d.pins[p][0] == "out")
        if len(drivers) > 1:
            found.append(f"{' and '.join(drivers)} drive one net")
        kinds = {d.pins[p][1] for p in wire}
        if len(kinds) > 1:
            found.append(f"a net joins {' and '.join(sorted(kinds))} pins: {sorted(wire)}")
    return found


def _connections(d: Design) -> list[str]:
    found = []
    uses: dict[str, int] = defaultdict(int)
    for pair in d.connections:
        for end in pair:
            uses[end] += 1
        kinds = [d.ports.get(end) or d.interfaces[end][1] for end in pair]
        modes = sorted(d.interfaces[end][0] for end in pair if end in d.interfaces)
        if any(end in d.ports for end in pair):
            kind = next(k for end, k in zip(pair, kinds, strict=True) if end in d.interfaces)
            if kind not in (kinds[0] + kinds[1]).replace("_rtl", ""):
                found.append(f"{pair[0]} and {pair[1]} are of different kinds")
        elif kinds[0] != kinds[1]:
            found.append(f"{pair[0]} and {pair[1]} are of different kinds")
        elif modes != ["Master", "Slave"]:
            found.append(f"{pair[0]} and {pair[1]} are both {modes[0]}")
    return found + [f"interface {end} is connected {n} times" for end, n in uses.items() if n > 1]


def _clock_of(d: Design, interface: str) -> str | None:
    cell = interface.split("/")[1]
    return d.driver(f"/{cell}/{d.interfaces[interface][3]}")


def _clocks(d: Design) -> list[str]:
    """Both ends of an AXI connection run on the clock that their pins say."""
    found = []
    for a, b in d.connections:
        if a in d.ports or b in d.ports:
            continue
        clocks = {_clock_of(d, a), _clock_of(d, b)}
        if len(clocks) > 1:
            found.append(f"{a} and {b} run on different clocks")
    for pin, (direction, kind, _) in d.pins.items():
        source = d.driver(pin)
        if direction == "in" and kind == "clk" and source and d.pins[source][1] != "clk":
            found.append(f"{pin} is driven by {source}, which is no clock")
    return found


def _resets(d: Design) -> list[str]:
    """Active-low resets come from an active-low output of the reset block, on the same clock."""
    found = []
    for pin, (direction, kind, required) in d.pins.items():
        if direction != "in" or kind != "rst" or required != "1":
            continue
        source = d.driver(pin)
        if source is None:
            continue
        low = source.endswith("resetn") or source.endswith(("RESET0_N", "resetn0"))
        if not low:
            found.append(f"{pin} is active low and {source} is not")
        if pin.endswith("ext_reset_in"):
            continue
        if d.cells[source.split("/")[1]].split(":")[2] != "proc_sys_reset":
            found.append(f"{pin} is held by {source} and not by the reset block")
    return found


def _control(d: Design) -> list[str]:
    """The engine and the interrupt controller have addresses that the processor reaches."""
    found = []
    data = [name for name in d.spaces if name.endswith("/Data")]
    masters = {m for name in data for m in d.spaces[name]}
    taken: list[tuple[int, int, str]] = []
    for name, (interface, *_) in d.segments.items():
        cell = name.split("/")[1]
        if d.cells[cell].split(":")[2] in ("processing_system7", "zynq_ultra_ps_e"):
            continue
        places = [a for a in d.assigned if a[0] in data and a[1] == name]
        if len(places) != 1:
            found.append(f"segment {name} has {len(places)} addresses")
            continue
        start, size = int(places[0][2], 0), _size(places[0][3])
        master = _upstream(d, f"/{cell}/{interface}")
        aperture = APERTURES.get((master or "").split("/")[-1])
        if master is None or aperture is None or master.split("/")[-1] not in masters:
            found.append(f"no control master reaches {name}")
        elif not aperture[0] <= start < start + size <= aperture[1]:
            found.append(f"{name} at {start:#x} is outside what {master} reaches")
        if start % size:
            found.append(f"{name} at {start:#x} is not aligned to its size")
        for other, end, whose in taken:
            if start < end and other < start + size:
                found.append(f"{name} and {whose} overlap")
        taken.append((start, start + size, name))
    return found


def _size(text: str) -> int:
    return int(text[:-1]) << 10 if text.endswith("K") else int(text, 0)


def _upstream(d: Design, slave: str) -> str | None:
    """The master behind a slave, through SmartConnects."""
    master = d.partner(slave)
    while master is not None and d.cells[master.split("/")[1]].split(":")[2] == "smartconnect":
        master = d.partner(f"/{master.split('/')[1]}/S00_AXI")
    return master


def _downstream(d: Design, master: str) -> str | None:
    """The slave behind a master, through SmartConnects with one master each."""
    slave = d.partner(master)
    while slave is not None and d.cells[slave.split("/")[1]].split(":")[2] == "smartconnect":
        slave = d.partner(f"/{slave.split('/')[1]}/M00_AXI")
    return slave


def _memory(d: Design, board: Board, configuration: Configuration) -> list[str]:
    """Every AXI master of the engine reaches DDR through a port of its own, at the port's width."""
    engines = [name for name, vlnv in d.cells.items() if VLNV.startswith(vlnv + ":")]
    if len(engines) != 1:
        return [f"there are {len(engines)} engines"]
    found = []
    ports: dict[str, str] = {}
    for bundle in bundles(argument_table(configuration)):
        master = f"/{engines[0]}/m_axi_{bundle}"
        if master not in d.interfaces:
            found.append(f"the engine has no master {bundle}")
            continue
        slave = _downstream(d, master)
        if slave is None:
            found.append(f"{master} reaches no memory port")
            continue
        if slave in ports:
            found.append(f"{master} and {ports[slave]} share {slave}")
        ports[slave] = master
        if int(d.interfaces[slave][2]) != board.hp_port_bits:
            found.append(f"{slave} is {d.interfaces[slave][2]} bits wide, not {board.hp_port_bits}")
        found += _reach(d, f"/{engines[0]}/Data_m_axi_{bundle}", master, slave)
    coherent = [s for s in ports if "HPC" in s or "ACP" in s]
    low = [s for s in coherent if not ports[s].endswith(VECTOR_BUNDLE)]
    found += [f"weights go through the coherent port {s}" for s in low]
    megahertz = board.clock_hz / 1e6
    asked = [
        float(v)
        for options in d.options.values()
        for k, v in options.items()
        if k in ("PCW_FPGA0_PERIPHERAL_FREQMHZ", "PSU__CRL_APB__PL0_REF_CTRL__FREQMHZ")
    ]
    if asked != [megahertz]:
        found.append(f"the fabric clock is {asked} MHz, not {megahertz}")
    return found


def _reach(d: Design, space: str, master: str, slave: str) -> list[str]:
    found = []
    cell, interface = slave.split("/")[1:]
    behind = [
        name
        for name, (owner, *_) in d.segments.items()
        if name.split("/")[1] == cell and owner == interface
    ]
    assigned = [a for a in d.assigned if a[0] == space]
    if not any(a[1] in behind and "DDR" in a[1] for a in assigned):
        found.append(f"{master} has no DDR segment of {slave} in its address space")
    for a in assigned:
        if a[1] not in behind:
            found.append(f"{master} is given {a[1]}, which is not behind {slave}")
        if "DDR" in a[1] and int(a[2], 0) != 0:
            found.append(f"{master} sees DDR at {a[2]}, where physical addresses begin at 0")
    for name in behind:
        if (space, name) not in d.excluded and not any(a[1] == name for a in assigned):
            found.append(f"{name} is neither given to {master} nor excluded")
    return found


def _interrupt(d: Design) -> list[str]:
    """engine -> interrupt controller -> processor."""
    controllers = d.cell("axi_intc")
    if len(controllers) != 1:
        return [f"there are {len(controllers)} interrupt controllers"]
    intr, irq = f"/{controllers[0]}/intr", f"/{controllers[0]}/irq"
    found = []
    source = d.driver(intr)
    if source is None or d.cells[source.split("/")[1]] != ":".join(VLNV.split(":")[:3]):
        found.append(f"the engine's interrupt does not reach {intr}")
    sinks: set[Any] = {d.cells[p.split("/")[1]].split(":")[2] for p in d.net(irq) if p != irq}
    if not sinks & {"processing_system7", "zynq_ultra_ps_e"}:
        found.append(f"{irq} does not reach the processor")
    return found
