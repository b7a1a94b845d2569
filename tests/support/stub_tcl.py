"""Running the project's Tcl under the stand-in commands, with tclsh or with Python's own Tcl."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tritstream.configurations import Configuration
from tritstream.kernels.arguments import VLNV, argument_table

STUBS = Path(__file__).parent / "stubs"
TCL = Path(__file__).parents[2] / "tcl"

_WITH_TKINTER = "import sys, tkinter; sys.exit(int(tkinter.Tcl().eval(open(sys.argv[1]).read())))"


def interpreters() -> list[list[str]]:
    """The commands that run a Tcl file here; may be none."""
    found = [[path] for path in [shutil.which("tclsh")] if path]
    try:
        import tkinter  # noqa: F401
    except ImportError:
        return found
    return [*found, [sys.executable, "-c", _WITH_TKINTER]]


def interpreter() -> list[str]:
    """The first of them; skips the test where there is no Tcl at all."""
    found = interpreters()
    if not found:
        pytest.skip("neither tclsh nor Python's tkinter is here: apt-get install tcl")
    return found[0]


def driver(
    tool: str, script: str, record: Path | None, configuration: Configuration, command: list[str]
) -> str:
    """A Tcl file that loads the stand-ins of ``tool``, runs ``script`` and ends with its status."""
    lines = [f"source {{{STUBS / 'base.tcl'}}}"]
    if tool == "vivado":
        table = argument_table(configuration)
        widths = {a.bundle: a.bits for a in table if a.kind == "memory"}
        masters = " ".join(f"{bundle} {bits}" for bundle, bits in widths.items())
        lines += [
            f"source {{{STUBS / 'ips.tcl'}}}",
            f"ip::declare_engine {VLNV} {{{masters}}}",
        ]
    lines.append(f"source {{{STUBS / (tool + '.tcl')}}}")
    run = f"stub::run {{{script}}} {{{record or ''}}}"
    # Python's Tcl gives the status back; tclsh ends with it.
    lines.append(run if "-c" in command else f"stub::real_exit [{run}]")
    return "\n".join(lines) + "\n"


def run_stubbed(
    tool: str,
    script: str,
    folder: Path,
    configuration: Configuration,
    environment: Mapping[str, str] | None = None,
    command: list[str] | None = None,
) -> tuple[int, list[list[str]], str]:
    """Exit status, recorded facts and output of a script run in a project folder."""
    record = folder / f"{script}.record"
    command = command or interpreter()
    main = folder / f"{script}.stubbed.tcl"
    main.write_text(driver(tool, script, record, configuration, command), encoding="utf-8")
    result = subprocess.run(
        [*command, str(main)],
        cwd=folder,
        env=os.environ | dict(environment or {}),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
    )
    facts = []
    if record.exists():
        facts = [x.split("\t") for x in record.read_text(encoding="utf-8").splitlines()]
    return result.returncode, facts, result.stdout + result.stderr
