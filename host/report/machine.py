"""Facts about the machine and the software that a report comes from."""

from __future__ import annotations

import os
import platform
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

_BUSY = 0.05
"""Share of a processor from which on a process is worth naming."""


@dataclass(frozen=True)
class Process:
    """Another process, and the share of one processor that it took meanwhile (measured)."""

    pid: int
    name: str
    share: float


@dataclass(frozen=True)
class Machine:
    """The system, and versions of what matters on it; None for what is not installed."""

    system: str
    kernel: str
    machine: str
    processors: int
    load: tuple[float, float, float]
    versions: dict[str, str | None]
    busy: tuple[Process, ...]


def machine_here(watch_s: float = 1.0) -> Machine:
    """This machine; other processes are watched for so many seconds."""
    return Machine(
        system=_system(),
        kernel=platform.release(),
        machine=platform.machine(),
        processors=os.cpu_count() or 1,
        load=os.getloadavg(),
        versions={
            "python": platform.python_version(),
            **{n: _version(n) for n in ("tritstream", "numpy", "pynq", "pynqmetadata")},
        },
        busy=busy_processes(watch_s),
    )


def busy_processes(watch_s: float, proc: Path = Path("/proc")) -> tuple[Process, ...]:
    """Processes but this one that take more than a twentieth of a processor, busiest first."""
    before, start = _times(proc), time.monotonic()
    time.sleep(watch_s)
    seconds = time.monotonic() - start
    found = []
    for pid, (name, spent) in _times(proc).items():
        share = (spent - before.get(pid, (name, spent))[1]) / seconds
        if pid != os.getpid() and share > _BUSY:
            found.append(Process(pid, name, round(share, 3)))
    return tuple(sorted(found, key=lambda process: -process.share))


def _times(proc: Path) -> dict[int, tuple[str, float]]:
    """Name and processor seconds of every process (proc(5), stat fields 2, 14 and 15)."""
    tick = os.sysconf("SC_CLK_TCK")
    found = {}
    for path in proc.glob("[0-9]*/stat"):
        try:
            text = path.read_text(errors="replace")
        except OSError:  # it has ended
            continue
        head, _, rest = text.rpartition(")")
        pid, _, name = head.partition(" (")
        fields = rest.split()
        if len(fields) > 12:
            found[int(pid)] = name, (int(fields[11]) + int(fields[12])) / tick
    return found


def _system(release: Path = Path("/etc/os-release")) -> str:
    """What the system calls itself; PYNQ's images say that they are."""
    try:
        lines = release.read_text().splitlines()
    except OSError:
        return platform.system()
    values = dict(line.split("=", 1) for line in lines if "=" in line)
    return values.get("PRETTY_NAME", platform.system()).strip('"')


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
