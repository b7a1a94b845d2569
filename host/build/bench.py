"""Test benches in C++ for Vitis HLS: one for each generated kernel, made from its own signature."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import NamedTuple

from tritstream.build.errors import BuildError

_TOP = re.compile(r'^extern "C" void (\w+)\(\n(.*?)\n\) \{', re.M | re.S)
_ARGUMENT = re.compile(r"^([\w<>: ]+?) (\w+)((?:\[\d+\])*)$")

_DEPTH = re.compile(r"#pragma HLS interface m_axi port=(\w+) .*?\bdepth=(\d+)")


class Parameter(NamedTuple):
    """One argument of a top function; no ``shape`` means a scalar."""

    kind: str
    name: str
    shape: tuple[int, ...]

    @property
    def elements(self) -> int:
        count = 1
        for size in self.shape:
            count *= size
        return count


class Signature(NamedTuple):
    """The top function of a generated source file."""

    name: str
    parameters: tuple[Parameter, ...]


def read_signature(source: Path) -> Signature:
    """The function that a generated file offers. Raises BuildError where there is not just one."""
    text = source.read_text(encoding="utf-8")
    found = _TOP.findall(text)
    if len(found) != 1:
        raise BuildError(
            f'{source} has {len(found)} functions extern "C" where one is expected: regenerate the '
            f"kernels"
        )
    name, inside = found[0]
    # An AXI memory is declared as long as it can be; co-simulation is told what the bench needs.
    depths = {port: int(depth) for port, depth in _DEPTH.findall(text)}
    parameters = []
    for line in inside.split(","):
        match = _ARGUMENT.match(line.strip())
        if match is None:
            raise BuildError(f"{source}: the argument '{line.strip()}' of {name} is not understood")
        shape = tuple(int(n) for n in re.findall(r"\d+", match[3]))
        if match[2] in depths:
            shape = (depths[match[2]],)
        parameters.append(Parameter(match[1], match[2], shape))
    return Signature(name, tuple(parameters))


def golden_header() -> bytes:
    """golden.hpp, which every bench includes."""
    return (Path(str(files("tritstream.tcl"))) / "bench" / "golden.hpp").read_bytes()


def bench_source(signature: Signature) -> str:
    """A main() that, call by call, fills the arguments from vectors, runs and compares."""
    declared = ",\n    ".join(_declared(p) for p in signature.parameters)
    lines = [
        f"// Test bench of {signature.name}, for g++, csim_design and cosim_design alike.",
        '#include "golden.hpp"',
        "",
        f'extern "C" void {signature.name}(\n    {declared});',
        "",
        "int main(int argc, char **argv) {",
        "  if (argc != 2) {",
        '    std::printf("usage: %s VECTORS\\n", argv[0]);',
        "    return 2;",
        "  }",
        "  Golden golden(argv[1]);",
    ]
    # Static: the largest memories are far larger than a stack, and begin as zeros.
    lines += [f"  static {_declared(p)};" for p in signature.parameters]
    lines += ["  for (int call = 0; golden.has(call); call++) {"]
    lines += [f'    golden.fill(call, "{p.name}", {_flat(p)});' for p in signature.parameters]
    lines += [f"    {signature.name}({', '.join(p.name for p in signature.parameters)});"]
    lines += [
        f'    golden.check(call, "{p.name}", {_flat(p)});' for p in signature.parameters if p.shape
    ]
    lines += ["  }", f'  return golden.result("{signature.name}");', "}", ""]
    return "\n".join(lines)


def _declared(p: Parameter) -> str:
    return f"{p.kind} {p.name}" + "".join(f"[{n}]" for n in p.shape)


def _flat(p: Parameter) -> str:
    """Pointer to the first element and number of elements."""
    if not p.shape:
        return f"&{p.name}, 1"
    return f"&{p.name}{'[0]' * len(p.shape)}, {p.elements}"
