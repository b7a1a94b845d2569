"""Finding the vendor's tools; running tools in a session of their own, with a log, to their end."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tritstream.build.errors import ToolError

Progress = Callable[[float, str], None]
"""Called with elapsed seconds and the last line of the log."""

_POLL_S = 0.2
_TAIL_BYTES = 4096
_LICENCE = re.compile(r"licen[sc]e|feature .* not found|flexlm", re.IGNORECASE)


@dataclass(frozen=True)
class Tool:
    """A vendor program: ``command`` with the script's name in place of ``{script}``."""

    name: str
    path: str
    arguments: tuple[str, ...]

    def command(self, script: str) -> list[str]:
        return [self.path, *(a.format(script=script) for a in self.arguments)]


def find_hls() -> Tool:
    """Vitis HLS in either command style; the older one where both are there. Raises ToolError."""
    for name, arguments in (
        ("vitis_hls", ("-f", "{script}")),
        ("vitis-run", ("--mode", "hls", "--tcl", "{script}")),
    ):
        if path := shutil.which(name):
            return Tool(name, path, arguments)
    raise ToolError(
        "Vitis HLS is not on the PATH (neither vitis_hls nor vitis-run): install AMD Vitis 2022.2 "
        "to 2025.2 and run `source <where it is installed>/settings64.sh` in this shell"
    )


def find_vivado() -> Tool:
    """Vivado. Raises ToolError."""
    if path := shutil.which("vivado"):
        return Tool(
            "vivado", path, ("-mode", "batch", "-nojournal", "-nolog", "-source", "{script}")
        )
    raise ToolError(
        "Vivado is not on the PATH: install AMD Vivado 2022.2 to 2025.2 and run `source <where it "
        "is installed>/settings64.sh` in this shell"
    )


def run_tool(
    command: Sequence[str],
    folder: Path,
    log: Path,
    progress: Progress,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run a program to its end and return the exit status; output goes to ``log``.

    On Ctrl-C, or any other exception, the tool and everything it has started are ended.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    with open(log, "wb") as file:
        process = subprocess.Popen(
            list(command),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=dict(os.environ) | dict(environment or {}),
        )
        try:
            while True:
                try:
                    status = process.wait(_POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    progress(time.monotonic() - start, last_line(log))
        except BaseException:
            _end(process)
            raise
    progress(time.monotonic() - start, last_line(log))
    return status


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole session of the tool, gently first: its shell scripts start many processes."""
    for how, patience in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        try:
            os.killpg(process.pid, how)
        except ProcessLookupError:
            return
        try:
            process.wait(patience)
            return
        except subprocess.TimeoutExpired:
            continue


def last_line(log: Path) -> str:
    """The last line with anything on it."""
    try:
        with open(log, "rb") as file:
            file.seek(max(0, log.stat().st_size - _TAIL_BYTES))
            lines = file.read().decode("utf-8", errors="replace").splitlines()
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


def first_error(log: Path) -> str:
    """The first line that the tool calls an error, or the last line of the log."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    for line in text.splitlines():
        if re.match(r"\s*(@E|ERROR|FATAL|CRITICAL ERROR)\b|TRITSTREAM .* differ$", line):
            return line.strip()
    return last_line(log)


def is_licence_error(line: str) -> bool:
    return _LICENCE.search(line) is not None
