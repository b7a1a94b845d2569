"""Whether a compiler can see that the emitted C++ walks through its AXI memories beat by beat.

Vitis HLS infers a burst where LLVM's scalar evolution writes an access's address as a recurrence
that grows by one beat. Its front end is a clang, so that a clang and an `opt` show the same.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tritstream.configurations import configuration_named
from tritstream.kernels.arguments import BEAT_BYTES, argument_table
from tritstream.kernels.csim import header_folder
from tritstream.kernels.manifest import GENERATED, generated_configurations

_MEMORY_OPERATION = re.compile(r"\b(?:load|store|call void @llvm\.memcpy)\b")
_POINTER = re.compile(r"\bptr (?:\w+(?:\([^()]*\))? |\w+ \d+ )*(%\d+)")


OLDEST = 16
"""The LLVM whose text is read here: before, pointers had types."""


@pytest.fixture(scope="module")
def llvm() -> tuple[str, str]:
    """A clang++ and an opt of one version."""
    for suffix in (*(f"-{version}" for version in range(30, OLDEST - 1, -1)), ""):
        found = [shutil.which(tool + suffix) for tool in ("clang++", "opt")]
        if all(found) and (suffix or _version(found[0]) >= OLDEST):
            return found[0], found[1]  # type: ignore[return-value]
    pytest.skip(f"needs clang++ and opt of one LLVM from {OLDEST} on (apt-get install clang llvm)")


def _version(clang: str | None) -> int:
    assert clang is not None
    told = subprocess.run([clang, "-dumpversion"], capture_output=True, text=True, check=True)
    return int(told.stdout.split(".")[0])


@dataclass(frozen=True)
class Access:
    """An access to memory number ``argument`` of a process, and the evolution of its address."""

    process: str
    argument: int
    address: str


def accesses(source: Path, tools: tuple[str, str]) -> list[Access]:
    """What the processes of a dataflow region read and write through their pointer arguments."""
    clang, opt = tools
    options = ["-std=c++14", "-O1", "-w", "-S", "-emit-llvm", f"-I{header_folder()}"]
    command = [clang, *options, str(source), "-o", "-"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    command = [opt, "-passes=print<scalar-evolution>", "-disable-output"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    found = []
    for part in done.stderr.split("Classifying expressions for: @")[1:]:
        name = part.split("\n", 1)[0]
        process = re.match(r"_Z\d+((?:fetch|load_\d|store)_0)", name)
        if process is None:
            continue
        body = re.search(rf"^define[^\n]*@{re.escape(name)}\((.*?)^}}", text, re.M | re.S)
        assert body is not None
        head, *lines = body[1].splitlines()
        arguments = head.split(") local_unnamed_addr")[0].split(", ")
        memories = {
            a.split()[-1]: number
            for number, a in enumerate(arguments)
            # Streams are references.
            if a.startswith("ptr ") and "dereferenceable" not in a
        }
        evolution = dict(re.findall(r"^  (%\d+) = [^\n]*\n  -->  ([^\n]*?) U: ", part, re.M))
        for line in filter(_MEMORY_OPERATION.search, lines):
            for pointer in _POINTER.findall(line):
                address = evolution.get(pointer, pointer)
                found += [
                    Access(process[1], number, address)
                    for memory, number in memories.items()
                    if re.search(rf"{memory}\b", address)
                ]
    return found


def is_burst(access: Access, beat_bytes: int = BEAT_BYTES) -> bool:
    evolution = rf"{{.*,\+,{beat_bytes}}}(?:<\w+>)*<%\d+>"
    return re.fullmatch(evolution, access.address) is not None


@pytest.mark.long
@pytest.mark.usefixtures("what_csim_needs")
@pytest.mark.parametrize("name", generated_configurations())
def test_every_access_to_a_memory_is_part_of_a_burst(name: str, llvm: tuple[str, str]) -> None:
    found = accesses(GENERATED / name / "engine.cpp", llvm)
    seen = {(a.process, a.argument) for a in found}
    ports = configuration_named(name).ports
    assert {process for process, _ in seen} == {
        "fetch_0", "store_0", *(f"load_{port}_0" for port in range(ports)),
    }  # fmt: skip
    memories = [a for a in argument_table(configuration_named(name)) if a.kind == "memory"]
    assert len(seen) == len(memories)
    weights = configuration_named(name).port_bytes
    broken = [
        a for a in found if not is_burst(a, weights if a.process.startswith("load") else BEAT_BYTES)
    ]
    assert not broken


@pytest.mark.long
@pytest.mark.usefixtures("what_csim_needs")
def test_an_offset_in_an_ap_int_is_no_burst(llvm: tuple[str, str], tmp_path: Path) -> None:
    code = (GENERATED / "tiny" / "engine.cpp").read_text()
    start = code.index("void load_0_0(")
    body = code[start : code.index("\n}\n", start)]
    sums = re.search(r"^ *int (v\d+) = (v\d+) \+ (v\d+);$", body, re.M)
    assert sums is not None
    wide = re.sub(rf"\bint ({'|'.join(sums.groups())}) = ", r"ap_int<34> \1 = ", body)
    assert wide.count("ap_int<34>") == 3
    source = tmp_path / "engine.cpp"
    source.write_text(code.replace(body, wide))
    found = [a for a in accesses(source, llvm) if a.process == "load_0_0"]
    assert found and not any(is_burst(a) for a in found)
