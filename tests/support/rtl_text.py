"""Generic-form MLIR of small kernels, as text."""

from __future__ import annotations

STREAM = "!allo.stream<i32, 4>"


def kernel(arguments: str, body: str, types: str) -> str:
    """A module of one function `f` with the constants %c0, %c1 and %c9."""
    return f"""
"builtin.module"() ({{
  "func.func"() <{{function_type = ({types}) -> (), sym_name = "f"}}> ({{
  ^bb0({arguments}):
    %c0 = "arith.constant"() <{{value = 0 : index}}> : () -> index
    %c1 = "arith.constant"() <{{value = 1 : index}}> : () -> index
    %c9 = "arith.constant"() <{{value = 9 : index}}> : () -> index
{body}
    "func.return"() : () -> ()
  }}) : () -> ()
}}) : () -> ()
"""


def pipelined(body: str) -> str:
    """A loop of nine iterations over %i that is to start one a cycle."""
    return f"""
    "scf.for"(%c0, %c9, %c1) ({{
    ^bb0(%i: index):
{body}
      "scf.yield"() : () -> ()
    }}) {{op_name = "S_i_0", pipeline_ii = 1 : ui32}} : (index, index, index) -> ()
"""
