"""Settings for every test."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

# No deadline: how long an example takes depends on what else the machine does. In CI the examples
# are the same every time, so that a change is judged by what it changed.
settings.register_profile("default", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True, database=None)
settings.load_profile("ci" if os.environ.get("CI") else "default")


def pytest_configure() -> None:
    """A shell's background processes begin with Ctrl-C ignored, and tests interrupt themselves."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="write the golden files of the RTL compiler anew; read the difference before a commit",
    )


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """golden(path, text): the file holds that text, and is given it with --update-golden."""

    def check(path: Path, text: str) -> None:
        if request.config.getoption("--update-golden"):
            path.write_text(text, encoding="utf-8")
        assert path.is_file(), f"there is no {path.name}: run pytest with --update-golden"
        assert text == path.read_text(encoding="utf-8")

    return check


Injected = Callable[[str, str], None]


@pytest.fixture
def injected(record_property: Callable[[str, object], None]) -> Injected:
    """injected(fault, what came of it): a line of the table at the end of the run."""
    return lambda fault, outcome: record_property("injected", (fault, outcome))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = [
        value
        for report in terminalreporter.getreports("passed")
        for name, value in getattr(report, "user_properties", ())
        if name == "injected"
    ]
    if rows:
        terminalreporter.section("faults put into a simulated board")
        width = max(len(fault) for fault, _ in rows)
        for fault, outcome in sorted(map(tuple, rows)):
            terminalreporter.line(f"{fault:<{width}}  {outcome}")
