"""The command line under any options and files: one line and a known status, and nothing left."""

import argparse
import io
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from support.random_checkpoint import random_checkpoint
from tritstream.cli import COMMANDS, main
from tritstream.packing import pack

STATUSES = {0, 1, 2, 130}
FILES = {
    "empty": b"",
    "text.txt": b"Once upon a time\r\nthere was a fox.\n",
    "latin1.txt": b"caf\xe9",
    "bytes.trit": bytes(range(256)) * 40,
    "magic.trit": b"TRITSTRM" + bytes(64),
    "pointer.trit": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
    "list.json": b"[1, 2]",
    "manifest.json": b"{}",
}
NAMES = st.sampled_from(
    [
        *("model.trit", "checkpoint", "broken", *FILES),
        *(".", "", "missing", "missing/out.trit", "new.trit", "/dev/null", "fifo", "demo", "370m"),
        *("x" * 300, "a\nb", "a b", "café", os.fsdecode(b"caf\xe9"), "-", "--", "owner/name"),
        *("http://localhost:1/x.bit", "file:///etc/hostname", "tiny", "z7020", "kv260"),
    ]
)
NUMBERS = st.sampled_from(
    ["0", "1", "2", "3", "-1", "16", "1.5", "nan", "inf", "1e-310", "1e400", "99999999999999999999"]
    + ["", "many", "0x10", "1_0", "٣"]
)
WORDS = st.one_of(
    NAMES,
    NUMBERS,
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6),
)
OPTIONS = {
    "generate": (
        *("-m", "-e", "-n", "-f", "--stop", "-t", "--top-k", "--top-p", "--repetition-penalty"),
        *("--seed", "--overlay", "--cma-limit", "--simulate", "--threads", "--trace", "--samples"),
        *("--trace-cycles", "--greedy", "--json", "--check", "--special", "--state"),
        "--speculate",
        *("--save-state", "--boards", "--checkpoint-tokens", "--verbose"),
    ),
    "pack": ("-o", "--layout", "--packing", "--profile", "--embedding", "--json"),
    "inspect": ("--sections", "--no-verify", "--json"),
    "eval": ("-m", "-e", "--against", "--reference", "--window", "-n", "--json"),
    "compare": ("-m", "-n", "--in-float", "--contributions", "--json"),
    "accuracy": ("-m", "-o", "-n", "--positions"),
    "estimate": (
        *("-b", "-c", "--profile", "--efficiency", "--all", "--plot", "--json", "--report"),
    ),
    "bench": (
        *("-m", "-e", "--threads", "-n", "-p", "--rounds", "--packing", "--profile", "--pattern"),
        "--json",
    ),
    "overlay": (
        *(
            "list",
            "install",
            "verify",
            "timing",
            "floorplan",
            "path",
            "--board",
            "--from",
            "--sha256",
        ),
        *("--deep", "--fasm", "--rtl", "--database", "--image", "--bit", "--part", "--clock"),
        *("--paths", "--partial", "--netlist", "-o", "--json"),
    ),
    "cosim": (
        *("-c", "--stall", "--latency", "--runs", "--layers", "--plot", "--image", "--seed"),
        *("--no-head", "--geometry", "--trace", "--trace-cycles", "--verilog", "--resources"),
        "--vectors",
        "--json",
    ),
    "build": (
        *("-c", "-b", "--flow", "--steps", "-o", "--report", "--jobs", "--clock", "--seed"),
        *("--place-options", "--chipdb", "--prjxray-db", "--again", "--project-only", "--json"),
    ),
    "board": (
        *("bundle", "report", "-o", "--online", "--cc", "--dask", "-m", "-e", "--overlay"),
        "--simulate",
    ),
    "train": (
        *("--text", "--out", "--steps", "--hidden", "--layers", "--vocab", "--resume", "--seed"),
        *("--from", "--separator", "--mix", "--late-mix", "--held-out", "--as-is", "--prepare"),
        *("--lanes", "--length", "--rate", "--decay", "--turn", "--drop", "--every", "--documents"),
    ),
    "chat": (
        *("-m", "-e", "-n", "-t", "--seed", "--state", "--greedy", "--threads", "--top-k"),
        *("--top-p", "--repetition-penalty", "--speculate", "--plain"),
    ),
    "batch": (
        *("-m", "-e", "-o", "-n", "-t", "--seed", "--greedy", "--threads", "--top-k", "--top-p"),
        *("--repetition-penalty", "--places", "--restart"),
    ),
    "serve": (
        *("-m", "-e", "--threads", "--port", "--api-key-file", "--name", "--sequences", "--queue"),
        *("--max-tokens", "--prompt-tokens", "--body-bytes", "--cache-mb", "--time-limit"),
        "--stall-limit",
    ),
    "cluster": ("certificates", "-o", "--days"),
    "doctor": ("--json",),
    "nonesuch": (),
}
NEITHER = {
    "generate": {  # run what they are given, or go to another machine
        *("--remote", "--remote-command", "--ssh", "--dask", "--dask-tls"),
    },
    **{
        name: {"--dask", "--dask-tls"} for name in ("eval", "batch", "cosim")
    },  # go to another machine
    "serve": {"--host"},  # asks for names in the network
    "bench": {"--figure", "--compare", "--geometry"},  # of minutes
    "train": {
        *("--minutes", "--geometry", "--intermediate", "--mix-epochs", "--optimiser", "--dropout"),
        *("--dropout-from", "--float-weights", "--exact", "--threads", "--device", "--accumulate"),
        *("--keep-duplicates", "--log-every", "--baseline", "--commit"),  # change what is trained
    },
}
"""Options that are left out of the above."""
# Engines that build for minutes, and places where bundles would be downloaded to, are left to their
# own tests; so is what the values below would make long.
SLOW = ("csim", "rtl", "pynq-sim")


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    command = draw(st.sampled_from(list(OPTIONS)))
    words = [command]
    for _ in range(draw(st.integers(0, 4))):
        kind = draw(st.integers(0, 2))
        if kind and OPTIONS[command]:
            words.append(draw(st.sampled_from(OPTIONS[command])))
        if kind != 1:
            words.append(draw(st.one_of(NAMES, WORDS)))
    return words


def harmless(words: list[str]) -> bool:
    """Whether a command line asks for nothing that takes minutes or leaves the test's folder."""
    if set(words) & {*SLOW, "--plot"} or "\0" in "".join(words):
        return False
    if words[0] == "cosim":
        return not set(words) & {"rmsnorm", "mlgru", "swiglu", "ternary_matvec", "engine"}
    if words[0] == "build":
        return not set(words) & {"tiny", "z7020", "kv260", "zu3"}
    return not (words[0] == "board" and set(words) & {"armv7l", "aarch64"})


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model, a checkpoint, a damaged one, and files of every kind."""
    folder = tmp_path_factory.mktemp("fuzz")
    random_checkpoint(folder / "checkpoint", vocab=259, hidden=16, intermediate=32, layers=1)
    pack(folder / "checkpoint", folder / "model.trit")
    shutil.copytree(folder / "checkpoint", folder / "broken")
    (folder / "broken" / "config.json").write_bytes(b'{"model_type": "hgrn_bit"')
    for name, data in FILES.items():
        (folder / name).write_bytes(data)
    os.mkfifo(folder / "fifo")
    return folder


def options_of(parser: argparse.ArgumentParser) -> Iterator[tuple[str, ...]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield (name,)
                yield from options_of(inner)
        elif action.option_strings:
            yield tuple(action.option_strings)


@pytest.mark.parametrize("command", list(COMMANDS))
def test_every_option_is_tried_or_left_out_by_name(command: str) -> None:
    parser = argparse.ArgumentParser()
    import_module(COMMANDS[command][0]).add_arguments(parser)
    tried = {*OPTIONS.get(command, ()), *NEITHER.get(command, ()), "--help"}
    new = [names for names in options_of(parser) if not tried & {*names}]
    assert new == [], f"put them into OPTIONS, or into NEITHER: {new}"


def listing(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def run_one(place: Path, words: list[str], stdin: bytes) -> None:
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        here = work / "here"
        shutil.copytree(place, here, ignore=shutil.ignore_patterns("fifo"))
        os.mkfifo(here / "fifo")
        for folder in ("cache", "tmp", "home"):
            (work / folder).mkdir()
        out, err = io.StringIO(), io.StringIO()
        environment = {
            "XDG_CACHE_HOME": str(work / "cache"),
            "TMPDIR": str(work / "tmp"),
            "HOME": str(work / "home"),
            "HF_HUB_OFFLINE": "1",
            "COLUMNS": "100",
        }
        before = os.getcwd()
        with ExitStack() as stack:
            stack.enter_context(patch.dict(os.environ, environment))
            stack.enter_context(patch.object(tempfile, "tempdir", str(work / "tmp")))
            stack.enter_context(patch.object(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin))))
            stack.enter_context(redirect_stdout(out))
            stack.enter_context(redirect_stderr(err))
            if find_spec("uvicorn"):  # a server that is up is asked to end at once
                stack.enter_context(patch("uvicorn.Server.run", lambda *_, **__: None))
            os.chdir(here)
            stack.callback(os.chdir, before)
            try:
                status = main(words)
            except SystemExit as end:  # argparse, for --help and for what it refuses
                status = end.code
            except BaseException:
                pytest.fail(f"{words}: {traceback.format_exc()}")
        told = err.getvalue()
        assert status in STATUSES, (words, status, told)
        assert "Traceback" not in told, (words, told)
        if status == 2:
            errors = [t for t in told.splitlines() if ": error: " in t]
            assert len(errors) == 1, (words, told)
        left = [n for n in listing(here) if ".part" in n or "tritstream-" in Path(n).name]
        # A bundle's folder, and that of certificates, have such names of their own.
        left = [
            n for n in left if not Path(n).parts[0].startswith(("tritstream-a", "tritstream-t"))
        ]
        assert not left, (words, left)
        assert listing(work / "tmp") == set(), words
        assert (here / "fifo").is_fifo(), words
        assert (here / "checkpoint" / "config.json").is_file(), words
        for kept in FILES:
            if status == 2:
                assert (here / kept).read_bytes() == FILES[kept], (words, kept)


QUICK = settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    phases=[Phase.explicit, Phase.generate],
    deadline=None,
)


@QUICK
@given(command_lines().filter(harmless), st.sampled_from([b"", b"Once\r\n", b"\xff\xfe"]))
@pytest.mark.filterwarnings("ignore")
def test_any_command_line_ends_in_one_line(place: Path, words: list[str], stdin: bytes) -> None:
    run_one(place, words, stdin)


@pytest.mark.long
@settings(QUICK, max_examples=5_000)
@given(command_lines().filter(harmless), st.sampled_from([b"", b"Once\r\n", b"\xff\xfe"]))
@pytest.mark.filterwarnings("ignore")
def test_five_thousand_command_lines(place: Path, words: list[str], stdin: bytes) -> None:
    run_one(place, words, stdin)
