"""Proving properties without bound (PDR) or to a depth (BMC) with ABC, which Debian packages.

ABC: https://github.com/berkeley-abc/abc; PDR: Een, Mishchenko, Brayton, "Efficient implementation
of property directed reachability", FMCAD 2011.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

INSTALL = "there is no ABC on the PATH: install Debian's berkeley-abc"


@dataclass(frozen=True)
class Verdict:
    """What ABC says: ``proven`` without bound, or not so; then ``failed`` has the cycle of a
    counterexample, and ``depth`` how many cycles have none. ``seconds`` it took (measured)."""

    proven: bool
    failed: int | None
    depth: int
    seconds: float

    def __str__(self) -> str:
        if self.failed is not None:
            return f"FAILS in cycle {self.failed}"
        return "proven" if self.proven else f"no counterexample in {self.depth} cycles"


def abc_program() -> str | None:
    """ABC, as Debian calls it and as others do; None where there is none."""
    return shutil.which("berkeley-abc") or shutil.which("abc") or shutil.which("yosys-abc")


def prove(circuit: Path, seconds: float) -> Verdict:
    """Without bound; undecided after ``seconds``. Raises FileNotFoundError without ABC."""
    return _run(circuit, f"orpos; strash; dc2; scorr; pdr -T {seconds:g}", seconds)


def search(circuit: Path, depth: int, seconds: float) -> Verdict:
    """A counterexample of at most ``depth`` cycles. Raises FileNotFoundError without ABC."""
    return _run(circuit, f"orpos; strash; scorr; bmc3 -F {depth} -T {seconds:g}", seconds)


def _run(circuit: Path, commands: str, seconds: float) -> Verdict:
    program = abc_program()
    if program is None:
        raise FileNotFoundError(INSTALL)
    begin = time.monotonic()
    command = [program, "-c", f"read_aiger {circuit}; fold; {commands}; print_status"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False,
            timeout=seconds + 30,
        )  # fmt: skip
        said = done.stdout + done.stderr
    except subprocess.TimeoutExpired:  # it looks at its clock between steps only
        said = ""
    took = time.monotonic() - begin
    failed = re.search(r"was asserted in frame\s+(\d+)", said)
    status = re.search(r"Status = (-?\d+)\s+Frames = (-?\d+)", said)
    if failed:
        return Verdict(False, int(failed[1]), 0, took)
    if status is None:
        return Verdict(False, None, 0, took)
    # What the simplification left nothing of is proven, too; BMC alone proves nothing else.
    proven = status[1] == "1"
    return Verdict(proven, None, max(int(status[2]) + 1, 0), took)
