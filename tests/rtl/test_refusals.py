"""What is not compiled is refused in one sentence that names the operation."""

from __future__ import annotations

import pytest

from support.rtl_compare import one_sentence
from support.rtl_text import STREAM, kernel, pipelined
from tritstream.rtl import Options, UnsupportedError, compile_function, parse

pytestmark = pytest.mark.usefixtures("what_rtl_needs")


GET = (
    f'%NAME = "allo.stream_get"(%s) <{{indices = array<i64>}}> : ({STREAM}) -> i32 loc("k.py":7:0)'
)
CASES = {
    "an unknown operation": (
        kernel("%s: " + STREAM, '    %x = "math.sqrt"() : () -> i32 loc("k.py":7:0)', STREAM),
        ("math.sqrt", "k.py:7"),
    ),
    "floats": (
        kernel(
            "%s: " + STREAM, '    %x = "arith.constant"() <{value = 1.0 : f32}> : () -> f32', STREAM
        ),
        ("f32",),
    ),
    "two reads of a stream an iteration": (
        kernel(
            "%s: " + STREAM,
            pipelined(GET.replace("NAME", "a") + "\n" + GET.replace("NAME", "b")),
            STREAM,
        ),
        ("S_i_0", "k.py:7", "second read"),
    ),
    "a value that goes through memory": (
        kernel(
            "%m: memref<16xi32>",
            pipelined(
                """
      %x = "memref.load"(%m, %c1) {from = "m"} : (memref<16xi32>, index) -> i32 loc("k.py":8:0)
      %y = "arith.addi"(%x, %x) : (i32, i32) -> i32
      "memref.store"(%y, %m, %c1) {to = "m"} : (i32, memref<16xi32>, index) -> () loc("k.py":9:0)
"""
            ),
            "memref<16xi32>",
        ),
        ("S_i_0", "k.py", "one iteration a cycle"),
    ),
    "three reads of one bank": (
        kernel(
            "%m: memref<16xi32>, %s: " + STREAM,
            pipelined(
                "".join(
                    f"""
      %x{k} = "affine.load"(%m, %i) <{{map = affine_map<(d0) -> (d0 + {k})>}}> {{from = "m"}}
        : (memref<16xi32>, index) -> i32 loc("k.py":{k + 5}:0)"""
                    for k in range(3)
                )
                + f"""
      %y = "arith.addi"(%x0, %x1) : (i32, i32) -> i32
      %z = "arith.addi"(%y, %x2) : (i32, i32) -> i32
      "allo.stream_put"(%s, %z) <{{indices = array<i64>}}> : ({STREAM}, i32) -> ()
"""
            ),
            "memref<16xi32>, " + STREAM,
        ),
        ("read 3 times", "k.py", "partition"),
    ),
    "a division that C++ and MLIR round differently": (
        kernel(
            "%a: i32, %b: i32, %m: memref<1xi32>",
            """
    %q = "arith.floordivsi"(%a, %b) : (i32, i32) -> i32 loc("k.py":7:0)
    "affine.store"(%q, %m) <{map = affine_map<() -> (0)>}> {to = "m"} : (i32, memref<1xi32>) -> ()
""",
            "i32, i32, memref<1xi32>",
        ),
        ("arith.floordivsi", "k.py:7", "negative"),
    ),
    "a slice of another width": (
        kernel(
            "%a: i32, %m: memref<1xi32>",
            """
    %q = "allo.get_slice"(%a, %c9, %c0) : (i32, index, index) -> i32 loc("k.py":7:0)
    "affine.store"(%q, %m) <{map = affine_map<() -> (0)>}> {to = "m"} : (i32, memref<1xi32>) -> ()
""",
            "i32, memref<1xi32>",
        ),
        ("allo.get_slice", "k.py:7", "10 bits"),
    ),
    "a loop of runtime length inside a pipeline": (
        kernel(
            "%s: " + STREAM,
            pipelined(
                GET.replace("NAME", "a")
                + """
      %n = "arith.index_cast"(%a) : (i32) -> index
      "scf.for"(%c0, %n, %c1) ({
      ^bb0(%j: index):
        "scf.yield"() : () -> ()
      }) {op_name = "S_j_0"} : (index, index, index) -> ()
"""
            ),
            STREAM,
        ),
        ("S_j_0", "constant bounds"),
    ),
    "an element outside its array": (
        kernel(
            "%a: i32",
            """
    %m = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "m"}
      : () -> memref<4xi32, affine_map<(d0) -> (d0, 0)>>
    "memref.store"(%a, %m, %c9) {to = "m"}
      : (i32, memref<4xi32, affine_map<(d0) -> (d0, 0)>>, index) -> () loc("k.py":7:0)
""",
            "i32",
        ),
        ("element 9", "k.py:7"),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_refusal(name: str) -> None:
    text, parts = CASES[name]
    with pytest.raises(UnsupportedError) as caught:
        compile_function(parse(text, "k.mlir"), "f")
    message = str(caught.value)
    assert one_sentence(message)
    for part in parts:
        assert part in message


def test_a_recurrence_longer_than_the_clock() -> None:
    text = kernel(
        "%s: " + STREAM + ", %m: memref<1xi32>",
        """
    %v = "memref.alloc"() <{operandSegmentSizes = array<i32: 0, 0>}> {name = "v"}
      : () -> memref<i32>
"""
        + pipelined(
            GET.replace("NAME", "a")
            + """
      %x = "affine.load"(%v) <{map = affine_map<() -> ()>}> : (memref<i32>) -> i32
      %y = "arith.muli"(%x, %a) : (i32, i32) -> i32 loc("k.py":8:0)
      "affine.store"(%y, %v) <{map = affine_map<() -> ()>}> : (i32, memref<i32>) -> ()
"""
        )
        + """
    %z = "affine.load"(%v) <{map = affine_map<() -> ()>}> : (memref<i32>) -> i32
    "affine.store"(%z, %m) <{map = affine_map<() -> (0)>}> : (i32, memref<1xi32>) -> ()
""",
        STREAM + ", memref<1xi32>",
    )
    module = parse(text, "k.mlir")
    with pytest.raises(UnsupportedError, match="hands to the next") as caught:
        compile_function(module, "f", Options(period=6.0))
    assert one_sentence(str(caught.value)) and "k.py:8" in str(caught.value)
    # Without strictness the loop runs one iteration after the other, and the report says so.
    compiled = compile_function(module, "f", Options(period=6.0, strict=False))
    assert any("hands to the next" in block.note for block in compiled.blocks)
    assert not any(block.interval for block in compiled.blocks)


def test_unknown_functions_and_text() -> None:
    with pytest.raises(UnsupportedError, match="no function 'g'"):
        compile_function(parse(CASES["an element outside its array"][0], "k.mlir"), "g")
    with pytest.raises(UnsupportedError, match=r"k\.mlir is not generic-form MLIR"):
        parse("func.func @f() { return }", "k.mlir")
