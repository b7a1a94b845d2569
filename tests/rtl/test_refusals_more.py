"""What is refused beyond the cases of test_refusals.py: one sentence each, with what and where."""

# ruff: noqa: E501 - lines of MLIR are long
from __future__ import annotations

import re

import pytest

from support.rtl_compare import one_sentence
from support.rtl_text import STREAM, kernel, pipelined
from tritstream.rtl import UnsupportedError, compile_function, parse

pytestmark = pytest.mark.usefixtures("what_rtl_needs")


M = "memref<16xi32>"


def put(v: str, s: str = "%s") -> str:
    return f'"allo.stream_put"({s}, {v}) <{{indices = array<i64>}}> : ({STREAM}, i32) -> () loc("k.py":9:0)\n'


def get(n: str, s: str = "%s") -> str:
    return f'%{n} = "allo.stream_get"({s}) <{{indices = array<i64>}}> : ({STREAM}) -> i32 loc("k.py":7:0)\n'


def ld(n: str, i: str, m: str = "%m", t: str = M) -> str:
    return f'%{n} = "memref.load"({m}, {i}) {{from = "m"}} : ({t}, index) -> i32 loc("k.py":8:0)\n'


def st(v: str, i: str, m: str = "%m", t: str = M) -> str:
    return f'"memref.store"({v}, {m}, {i}) {{to = "m"}} : (i32, {t}, index) -> () loc("k.py":9:0)\n'


def reg(inner: str, args: str, types: str, extra: str = "", attrs: str = "dataflow") -> str:
    return f""""builtin.module"() ({{
{inner}
  "func.func"() <{{function_type = ({types}) -> (), sym_name = "f"}}> ({{
  ^bb0({args}):
{extra}
    "func.return"() : () -> ()
  }}) {{{attrs}}} : () -> ()
}}) : () -> ()
"""


def fn(name, args, types, body, res="", ret='"func.return"() : () -> ()'):
    return f'''  "func.func"() <{{function_type = ({types}) -> ({res}), sym_name = "{name}"}}> ({{
  ^bb0({args}):
    %c0 = "arith.constant"() <{{value = 0 : index}}> : () -> index
{body}
    {ret}
  }}) : () -> ()'''


C: dict[str, str] = {}
C["iter args"] = kernel(
    "%a: i32, %s: " + STREAM,
    """%r = "scf.for"(%c0, %c9, %c1, %a) ({
^bb0(%i: index, %x: i32):
 "scf.yield"(%x) : (i32) -> ()
}) {op_name="S_i"} : (index, index, index, i32) -> i32 loc("k.py":5:0)
"""
    + put("%r"),
    "i32, " + STREAM,
)
C["while"] = kernel(
    "%a: i1",
    """"scf.while"() ({
 "scf.condition"(%a) : (i1) -> ()
}, {
 "scf.yield"() : () -> ()
}) : () -> () loc("k.py":5:0)""",
    "i1",
)
C["variable set_slice"] = kernel(
    "%a: i32, %p: i32, %s: " + STREAM,
    """%i = "arith.index_cast"(%p) : (i32) -> index
%b = "arith.trunci"(%a) : (i32) -> i1
%r = "allo.set_slice"(%a, %i, %i, %b) : (i32, index, index, i1) -> i32 loc("k.py":5:0)
"""
    + put("%r"),
    "i32, i32, " + STREAM,
)
C["slice outside"] = kernel(
    "%a: i32, %s: " + STREAM,
    """%c40 = "arith.constant"() <{value = 40 : index}> : () -> index
%c33 = "arith.constant"() <{value = 33 : index}> : () -> index
%b = "arith.trunci"(%a) : (i32) -> i8
%r = "allo.set_slice"(%a, %c40, %c33, %b) : (i32, index, index, i8) -> i32 loc("k.py":5:0)
"""
    + put("%r"),
    "i32, " + STREAM,
)
C["slice variable width"] = kernel(
    "%a: i32, %p: i32, %s: " + STREAM,
    """%i = "arith.index_cast"(%p) : (i32) -> index
%r = "allo.get_slice"(%a, %i, %c0) : (i32, index, index) -> i8 loc("k.py":5:0)
%q = "arith.extui"(%r) : (i8) -> i32
"""
    + put("%q"),
    "i32, i32, " + STREAM,
)
C["store table"] = (
    '"builtin.module"() ({\n"memref.global"() <{initial_value = dense<[1,2]> : tensor<2xi32>, sym_name = "tab", sym_visibility = "private", type = memref<2xi32>}> : () -> ()\n'
    + kernel(
        "%a: i32",
        """%t = "memref.get_global"() <{name = @tab}> : () -> memref<2xi32>
"""
        + st("%a", "%c0", "%t", "memref<2xi32>"),
        "i32",
    ).split("({", 1)[1]
)
C["mod 3"] = kernel(
    "%m: " + M + ", %s: " + STREAM,
    pipelined(
        """%x = "affine.load"(%m, %i) <{map = affine_map<(d0) -> (d0 mod 3)>}> {from = "m"} : (memref<16xi32>, index) -> i32 loc("k.py":5:0)
"""
        + put("%x")
    ),
    M + ", " + STREAM,
)
C["min bound"] = kernel(
    "%p: i32, %s: " + STREAM,
    """%i = "arith.index_cast"(%p) : (i32) -> index
"affine.for"(%i) <{lowerBoundMap = affine_map<() -> (0)>, operandSegmentSizes = array<i32: 0, 1, 0>, step = 1 : index, upperBoundMap = affine_map<(d0) -> (d0, 8)>}> ({
^bb0(%j: index):
"""
    + get("x")
    + """ "affine.yield"() : () -> ()
}) {op_name="S_j"} : (index) -> () loc("k.py":5:0)""",
    "i32, " + STREAM,
)
C["step runtime"] = kernel(
    "%p: i32, %s: " + STREAM,
    """%i = "arith.index_cast"(%p) : (i32) -> index
"scf.for"(%c0, %c9, %i) ({
^bb0(%j: index):
"""
    + get("x")
    + """ "scf.yield"() : () -> ()
}) {op_name="S_j"} : (index, index, index) -> () loc("k.py":5:0)""",
    "i32, " + STREAM,
)
C["step 2 runtime bound"] = kernel(
    "%p: i32, %s: " + STREAM,
    """%i = "arith.index_cast"(%p) : (i32) -> index
%c2 = "arith.constant"() <{value = 2 : index}> : () -> index
"scf.for"(%c0, %i, %c2) ({
^bb0(%j: index):
"""
    + get("x")
    + """ "scf.yield"() : () -> ()
}) {op_name="S_j"} : (index, index, index) -> () loc("k.py":5:0)""",
    "i32, " + STREAM,
)
C["step 0"] = kernel(
    "%s: " + STREAM,
    """"scf.for"(%c0, %c9, %c0) ({
^bb0(%j: index):
"""
    + get("x")
    + """ "scf.yield"() : () -> ()
}) {op_name="S_j"} : (index, index, index) -> () loc("k.py":5:0)""",
    STREAM,
)
C["recursion"] = reg(
    fn("g", "%a: i32", "i32", '"func.call"(%a) <{callee = @g}> : (i32) -> () loc("k.py":5:0)'),
    "%a: i32",
    "i32",
    '"func.call"(%a) <{callee = @g}> : (i32) -> () loc("k.py":6:0)',
    "",
)
C["unknown callee"] = reg(
    "", "%a: i32", "i32", '"func.call"(%a) <{callee = @h}> : (i32) -> () loc("k.py":6:0)', ""
)
C["top result"] = (
    '"builtin.module"() ({\n'
    + fn("f", "%a: i32", "i32", "", "i32", '"func.return"(%a) : (i32) -> ()')
    + "\n}) : () -> ()"
)
C["stream both"] = kernel("%s: " + STREAM, get("x") + put("%x"), STREAM)
C["register both"] = kernel(
    "%r: memref<1xi32>",
    """%x = "affine.load"(%r) <{map = affine_map<() -> (0)>}> : (memref<1xi32>) -> i32
"affine.store"(%x, %r) <{map = affine_map<() -> (0)>}> : (i32, memref<1xi32>) -> () loc("k.py":5:0)""",
    "memref<1xi32>",
)
C["two stores"] = kernel(
    "%m: " + M + ", %s: " + STREAM,
    pipelined(get("a") + st("%a", "%i") + st("%a", "%c1")),
    M + ", " + STREAM,
)
C["two puts"] = kernel("%a: i32, %s: " + STREAM, pipelined(put("%a") + put("%a")), "i32, " + STREAM)
C["float array"] = kernel("%m: memref<4xf32>", "", "memref<4xf32>")
C["dynamic array"] = kernel("%m: memref<?xi32>", "", "memref<?xi32>")
C["vector"] = kernel("%m: vector<4xi32>", "", "vector<4xi32>")
C["unknown arith"] = kernel(
    "%a: i32, %s: " + STREAM,
    '%x = "arith.mulsi_extended"(%a, %a) : (i32, i32) -> i32 loc("k.py":5:0)\n' + put("%x"),
    "i32, " + STREAM,
)
C["float op"] = kernel(
    "%a: i32, %s: " + STREAM,
    '%x = "arith.sitofp"(%a) : (i32) -> f32 loc("k.py":5:0)\n',
    "i32, " + STREAM,
)
C["blocks"] = (
    '"builtin.module"() ({\n"func.func"() <{function_type = () -> (), sym_name = "f"}> ({\n"cf.br"() [^bb1] : () -> ()\n^bb1:\n"func.return"() : () -> ()\n}) : () -> ()\n}) : () -> ()'
)
C["module op"] = '"builtin.module"() ({\n"llvm.func"() : () -> ()\n}) : () -> ()'
C["other shape"] = reg(
    fn("g", "%m: memref<4x4xi32>", "memref<4x4xi32>", ""),
    "%m: " + M,
    M,
    '"func.call"(%m) <{callee = @g}> : (memref<16xi32>) -> () loc("k.py":6:0)',
    "",
)
C["value branch with loop"] = kernel(
    "%b: i1, %a: i32, %s: " + STREAM,
    """%r = "scf.if"(%b) ({
"""
    + pipelined(get("y"))
    + """ "scf.yield"(%a) : (i32) -> ()
}, {
 "scf.yield"(%a) : (i32) -> ()
}) : (i1) -> i32 loc("k.py":5:0)
""",
    "i1, i32, " + STREAM,
)
C["region op"] = reg(
    "", "%a: i32", "i32", '%x = "arith.addi"(%a, %a) : (i32, i32) -> i32 loc("k.py":5:0)'
)
rd = fn("rd", "%s: " + STREAM, STREAM, get("x"))
wr = fn("wr", "%s: " + STREAM + ", %a: i32", STREAM + ", i32", put("%a"))
sc = f'%t = "allo.stream_construct"() {{name = "t"}} : () -> {STREAM} loc("k.py":4:0)\n'
callr = f'"func.call"(%t) <{{callee = @rd}}> : ({STREAM}) -> () loc("k.py":6:0)\n'
callw = f'"func.call"(%t, %a) <{{callee = @wr}}> : ({STREAM}, i32) -> () loc("k.py":5:0)\n'
C["two readers"] = reg(rd + "\n" + wr, "%a: i32", "i32", sc + callw + callr + callr)
C["no reader"] = reg(rd + "\n" + wr, "%a: i32", "i32", sc + callw)
C["unused argument"] = reg(rd + "\n" + wr, "%a: i32, %b: i32", "i32, i32", sc + callw + callr)
am = fn("am", "%m: " + M, M, ld("x", "%c0") + st("%x", "%c0"))
C["shared array"] = reg(
    am, "%m: " + M, M, 2 * f'"func.call"(%m) <{{callee = @am}}> : ({M}) -> () loc("k.py":6:0)\n'
)
C["ceildiv negative"] = kernel(
    "%a: i32, %b: i32, %s: " + STREAM,
    '%q = "arith.ceildivsi"(%a, %b) : (i32, i32) -> i32 loc("k.py":7:0)\n' + put("%q"),
    "i32, i32, " + STREAM,
)

WORDS = {
    "iter args": "carries values",
    "while": "scf.while",
    "variable set_slice": "not constant",
    "slice outside": "bits 40:33 of 32",
    "slice variable width": "width of the slice",
    "store table": "constant table tab",
    "mod 3": "power of two",
    "min bound": "minimum or maximum",
    "step runtime": "step is not constant",
    "step 2 runtime bound": "step of 2",
    "step 0": "positive",
    "recursion": "calls itself",
    "unknown callee": "no function 'h'",
    "top result": "returns a value",
    "stream both": "both read and written",
    "register both": "read and written",
    "two stores": "written twice",
    "two puts": "second write",
    "float array": "f32",
    "dynamic array": "every extent",
    "vector": "vector<4xi32>",
    "unknown arith": "arith.mulsi_extended",
    "float op": "arith.sitofp",
    "blocks": "branches between blocks",
    "module op": "llvm.func",
    "other shape": "another shape",
    "value branch with loop": "contains a loop",
    "region op": "calls and streams only",
    "two readers": "two readers",
    "no reader": "lacks a reader",
    "unused argument": "used by no process",
    "shared array": "only scalars",
    "ceildiv negative": "negative",
}


def test_every_case_has_words() -> None:
    assert WORDS.keys() == C.keys()


@pytest.mark.parametrize("name", WORDS)
def test_refusal(name: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        compile_function(parse(C[name], "k.mlir"), "f")
    message = str(caught.value)
    assert one_sentence(message) and WORDS[name] in message
    assert re.search(r"k\.py:\d+|line \d+|k\.mlir:\d+", message), message
