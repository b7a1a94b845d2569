"""Fake vitis_hls, vitis-run and vivado: programs on a PATH of their own that run the project's real
scripts under the stand-in commands, print logs as the tools do, and leave canned reports.

What goes wrong is chosen by environment variables:
    FAKE_FAIL=<step>        that step ends with an error (csim, csynth, cosim, ip, synth_1, impl_1)
    FAKE_HANG=<step>        that step prints its process id into FAKE_PID and waits to be killed
    FAKE_LICENCE=1          vivado finds no licence
    STUB_WNS=<ns>           slack that implementation reaches
"""

import sys
from pathlib import Path

from support.stub_tcl import driver, interpreter
from tritstream.configurations import configuration_named

# Printed by the fakes at each step, in the tools' manner; %s is a top function.
_HOOK = r"""
namespace eval fake {}
proc fake::step {name} {
    puts "INFO: \[HLS 200-10\] fake step $name"
    if {$name eq "csim" && [info exists ::env(FAKE_FAIL)] && $::env(FAKE_FAIL) eq "csim"} {
        puts "TRITSTREAM $hls::top: 3 of 192 values differ"
        return -level 2 -code error -errorcode {FAKE} \
            "\[SIM 211-100\] CSim failed with errors."
    }
    if {[info exists ::env(FAKE_FAIL)] && $::env(FAKE_FAIL) eq $name} {
        return -level 2 -code error -errorcode {FAKE} \
            "\[HLS 200-1715\] Encountered problem during $name"
    }
    if {$name eq "csim"} {
        puts "TRITSTREAM bit-exact: $hls::top, 192 values"
        puts "INFO: \[SIM 211-1\] CSim done with 0 errors."
    }
    if {[info exists ::env(FAKE_HANG)] && $::env(FAKE_HANG) eq $name} {
        set file [open $::env(FAKE_PID) w]
        puts $file [pid]
        close $file
        puts "INFO: half way through $name"
        flush stdout
        after 60000
    }
}
"""

_PROGRAM = """#!{python}
import os, subprocess, sys
sys.path.insert(0, {tests!r})
from support.fake_tools import run
sys.exit(run(sys.argv[1:], {tool!r}, {configuration!r}))
"""


def install(folder: Path, configuration: str, tools: tuple[str, ...]) -> Path:
    """Write the fakes into a folder for PATH."""
    folder.mkdir(exist_ok=True)
    for tool in tools:
        path = folder / tool
        path.write_text(
            _PROGRAM.format(
                python=sys.executable,
                tests=str(Path(__file__).parents[1]),
                tool=tool,
                configuration=configuration,
            ),
            encoding="utf-8",
        )
        path.chmod(0o755)
    return folder


def run(arguments: list[str], tool: str, configuration: str) -> int:
    """What a fake does: the script named by its arguments, as the real tool would be asked to."""
    import os

    expected = {
        "vitis_hls": ["-f"],
        "vitis-run": ["--mode", "hls", "--tcl"],
        "vivado": ["-mode", "batch", "-nojournal", "-nolog", "-source"],
    }[tool]
    if arguments[:-1] != expected:
        print(f"ERROR: {tool} does not know {arguments}")
        return 1
    print(f"****** {tool} v2022.2 (64-bit), a fake")
    if tool == "vivado" and os.environ.get("FAKE_LICENCE"):
        print("ERROR: [Common 17-345] A valid license was not found for feature 'Synthesis'")
        return 1
    kind = "vivado" if tool == "vivado" else "vitis_hls"
    command = interpreter()
    main = Path(f"fake-{arguments[-1]}")
    text = driver(kind, arguments[-1], None, configuration_named(configuration), command)
    lines = text.splitlines()
    main.write_text("\n".join([*lines[:-1], _HOOK, lines[-1]]) + "\n", encoding="utf-8")
    sys.stdout.flush()
    os.execvp(command[0], [*command, str(main)])
