"""From the text that Allo emits to a source file that Vitis HLS synthesises as it is meant.

Allo emits bodies, pipelines and partitions. What it cannot say is added here, by name and with an
error where a name is missing:

    headers       only those that the kernels use are included
    tables        Allo leaves constant tables global: moved into the function that reads them
    names         the top's arguments take the names of the source
    registers     a one-element array that is a register of the argument table becomes a scalar
    offsets       where an AXI memory is accessed, offsets are plain int: through ap_int a compiler
                  does not see that they grow by one, and infers no bursts
    shifts        amounts are unsigned: by a signed ap_int, a shifter is made for each direction
    interfaces    AXI pragmas from the argument table
    inline        functions that a pipelined loop calls become part of it
    dependence    arrays marked independent in the MLIR

Text in, text out; needs no Allo.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from tritstream.kernels.arguments import CONTROL_BUNDLE, Argument

_LARGE_TABLE = 128
_HEADERS = "#include <ap_int.h>\n#include <hls_stream.h>\n#include <stdint.h>\n\n"


def finish(
    code: str,
    top: str,
    names: Sequence[str],
    *,
    inline: Iterable[str] = (),
    independent: Iterable[tuple[str, str]] = (),
    table: Sequence[Argument] = (),
    depths: Mapping[str, int] | None = None,
) -> str:
    """The finished source.

    ``names`` are those of the top's arguments; ``independent`` are (function, array) pairs;
    ``depths`` are words of memories that co-simulation copies, where not all that there can be.
    Raises AssertionError where the text is not what Allo is known to emit: a new version of Allo
    needs a look.
    """
    code = re.sub(r"[ \t]*// L\d+$", "", code, flags=re.M)
    code = re.sub(r"\A.*?^using namespace std;\n", _HEADERS, code, count=1, flags=re.M | re.S)
    code = _local_tables(code.rstrip() + "\n")
    code = _named_arguments(code, top, names)
    for argument in table:
        if argument.kind == "register":
            code = _scalar_argument(code, top, argument.name)
        else:
            code = _plain_offsets(code, top, argument.name)
    code = _unsigned_shifts(code)
    for name in dict.fromkeys(inline):
        code = _after_signature(code, name, ["#pragma HLS inline"])
    for function, array in independent:
        code = _dependence(code, function, array)
    if table:
        code = _after_signature(code, top, interface_pragmas(table, depths))
    return _replace_once(
        code, rf"^(?:/// This is top function\.\n)?void {top}\(", f'extern "C" void {top}('
    )


def interface_pragmas(
    table: Sequence[Argument], depths: Mapping[str, int] | None = None
) -> list[str]:
    """The top's ports: an AXI-Lite slave for control, registers, base addresses; AXI masters."""
    depths = depths or {a.name: a.beats for a in table}
    lines = [f"#pragma HLS interface s_axilite port=return bundle={CONTROL_BUNDLE}"]
    for a in table:
        if a.kind == "memory":
            burst = "read" if a.direction == "in" else "write"
            lines.append(
                f"#pragma HLS interface m_axi port={a.name} offset=slave bundle={a.bundle} "
                f"depth={depths[a.name]} max_{burst}_burst_length=64 num_{burst}_outstanding=8"
            )
        lines.append(
            f"#pragma HLS interface s_axilite port={a.name} bundle={CONTROL_BUNDLE} "
            f"offset=0x{a.offset:02x}"
        )
    return lines


def _local_tables(code: str) -> str:
    pattern = re.compile(
        r"^(?:const )?(\w+|ap_u?int<\d+>) (\w+)((?:\[\d+\])+) = (\{[^;]*\});.*\n", re.M
    )
    for match in list(pattern.finditer(code)):
        kind, name, shape, values = match.groups()
        code = code.replace(match.group(0), "", 1)
        lines = [f"static const {kind} {name}{shape} = {values};"]
        if int(shape[1:].split("]")[0]) >= _LARGE_TABLE:
            lines.append(f"#pragma HLS bind_storage variable={name} type=rom_1p impl=bram")
        code = _replace_once(
            code,
            rf"^( *)// placeholder for const .* {name}$",
            "\n".join(r"\g<1>" + line for line in lines),
        )
    if "placeholder" in code:
        raise AssertionError("a constant table of the emitted text was not found")
    return code


def _signature(code: str, function: str) -> re.Match[str]:
    found = list(re.finditer(rf"^void {function}\(\n(.*?)\n\) \{{\n", code, re.M | re.S))
    if len(found) != 1:
        raise AssertionError(f"{len(found)} functions {function} in the emitted text")
    return found[0]


def _body_end(code: str, start: int) -> int:
    return code.index("\n}\n", start) + 3


def _named_arguments(code: str, top: str, names: Sequence[str]) -> str:
    signature = _signature(code, top)
    arguments = re.findall(r"\b(v\d+)\b", signature.group(1))
    if len(arguments) != len(names):
        raise AssertionError(f"{top} has {len(arguments)} arguments, {len(names)} are named")
    end = _body_end(code, signature.end())
    function = code[signature.start() : end]
    for old, new in zip(arguments, names, strict=True):
        function = re.sub(rf"\b{old}\b", new, function)
    return code[: signature.start()] + function + code[end:]


def _scalar_argument(code: str, top: str, name: str) -> str:
    """``int32_t name[1]`` of the top, and of the process that it is passed to, by value instead."""
    code = _replace_once(code, rf"^  int32_t {name}\[1\]", f"  int32_t {name}")
    start, end, inner = _inside_process(code, top, name)
    function = _replace_once(code[start:end], rf"\b{inner}\[1\]", inner)
    function = _replace_once(function, rf"\b{inner}\[0\]", inner)
    return code[:start] + function + code[end:]


def _inside_process(code: str, top: str, name: str) -> tuple[int, int, str]:
    """Where the process is that the top's argument is passed to, and the argument's name there."""
    body = code[_signature(code, top).end() :]
    call = re.search(rf"^  (\w+)\(([^;]*\b{name}\b[^;]*)\);", body, re.M)
    if call is None:
        raise AssertionError(f"{top} passes {name} to no process")
    process, place = call.group(1), [a.strip() for a in call.group(2).split(",")].index(name)
    signature = _signature(code, process)
    inner = re.findall(r"\b(v\d+)\b", signature.group(1))[place]
    return signature.start(), _body_end(code, signature.end()), inner


def _plain_offsets(code: str, top: str, name: str) -> str:
    """Everything that the offset of an access to memory ``name`` is computed from as int.

    Offsets are below 2**31 beats (`arguments`), so that no sum leaves the int.
    """
    start, end, memory = _inside_process(code, top, name)
    function = code[start:end]
    # The index of an access, where it is not a loop's counter or a constant.
    pending = re.findall(rf"\b{memory}\[(v\d+)\]", function.split(") {\n", 1)[1])
    seen: set[str] = set()
    while pending:
        value = pending.pop()
        if value in seen:
            continue
        seen.add(value)
        function = re.sub(
            rf"^( *)ap_int<\d+> {value} = ", rf"\1int {value} = ", function, flags=re.M
        )
        for source in re.findall(rf"^ *(?:int |int32_t )?{value} = ([^;]+);", function, re.M):
            if sum_ := re.fullmatch(r"(\w+)(?: (?:\+|-|<<) (\w+))?", source):
                pending += [operand for operand in sum_.groups() if operand is not None]
    return code[:start] + function + code[end:]


def _unsigned_shifts(code: str) -> str:
    for amount in dict.fromkeys(re.findall(r" (?:<<|>>) (v\d+);", code)):
        code = re.sub(
            rf"^( *)ap_int<(\d+)> {amount} = ", rf"\1ap_uint<\2> {amount} = ", code, flags=re.M
        )
    return code


def _after_signature(code: str, function: str, lines: Sequence[str]) -> str:
    at = _signature(code, function).end()
    return code[:at] + "".join(f"  {line}\n" for line in lines) + code[at:]


def _dependence(code: str, function: str, array: str) -> str:
    signature = _signature(code, function)
    end = _body_end(code, signature.end())
    body = _replace_once(
        code[signature.start() : end],
        rf"^(  [\w<>]+ {array}(?:\[\d+\])+;)$",
        rf"\g<1>\n  #pragma HLS dependence variable={array} type=inter false",
    )
    return code[: signature.start()] + body + code[end:]


def _replace_once(text: str, pattern: str, replacement: str) -> str:
    text, count = re.subn(pattern, replacement, text, flags=re.M)
    if count != 1:
        raise AssertionError(f"{count} places instead of one match {pattern!r} in the emitted text")
    return text
