"""The finisher: what it adds to Allo's text, and that it stops at text it does not expect."""

from __future__ import annotations

import pytest

from tritstream.configurations import configuration_named
from tritstream.kernels.arguments import Argument, argument_table
from tritstream.kernels.finish import finish, interface_pragmas

EMITTED = """
//===--- Automatically generated file for High-level Synthesis (HLS). ---===//
#include <algorithm>
#include <ap_axi_sdata.h>
#include <ap_int.h>
#include <hls_math.h>
using namespace std;
int32_t small[3] = {1, 2, 3};\t// L1
int32_t large[200] = {0};\t// L2
void process_0(
  int32_t v0[1],
  ap_uint<128> v1[8]
) {\t// L3
  // placeholder for const int32_t small\t// L4
  int32_t held[9];\t// L5
  int32_t v2 = v0[0];\t// L6
  int32_t at;\t// L7
  at = v2;\t// L7
  ap_int<34> v4 = at;\t// L7
  ap_int<34> v5 = v4 + 3;\t// L7
  int v6 = v5;\t// L7
  ap_int<33> v7 = v2;\t// L7
  v1[v6] = small[v2] << v7;\t// L7
}

void helper(
  int32_t v3
) {
  // placeholder for const int32_t large
}

/// This is top function.
void top(
  int32_t v10[1],
  ap_uint<128> v11[8]
) {\t// L8
  #pragma HLS dataflow
  process_0(v10, v11);\t// L9
}

"""
TABLE = (
    Argument("first", "register", "in", 32, "control", 0x10, 0),
    Argument("memory", "memory", "out", 128, "gmem", 0x18, 8),
)
FINISHED = """\
#include <ap_int.h>
#include <hls_stream.h>
#include <stdint.h>

void process_0(
  int32_t v0,
  ap_uint<128> v1[8]
) {
  static const int32_t small[3] = {1, 2, 3};
  int32_t held[9];
  #pragma HLS dependence variable=held type=inter false
  int32_t v2 = v0;
  int32_t at;
  at = v2;
  int v4 = at;
  int v5 = v4 + 3;
  int v6 = v5;
  ap_uint<33> v7 = v2;
  v1[v6] = small[v2] << v7;
}

void helper(
  int32_t v3
) {
  #pragma HLS inline
  static const int32_t large[200] = {0};
  #pragma HLS bind_storage variable=large type=rom_1p impl=bram
}

extern "C" void top(
  int32_t first,
  ap_uint<128> memory[8]
) {
  #pragma HLS interface s_axilite port=return bundle=control
  #pragma HLS interface s_axilite port=first bundle=control offset=0x10
  #pragma HLS interface m_axi port=memory offset=slave bundle=gmem depth=8 \
max_write_burst_length=64 num_write_outstanding=8
  #pragma HLS interface s_axilite port=memory bundle=control offset=0x18
  #pragma HLS dataflow
  process_0(first, memory);
}
"""


def finished(code: str = EMITTED, **changes: object) -> str:
    options = {
        "inline": ("helper",),
        "independent": [("process_0", "held")],
        "table": TABLE,
    } | changes
    return finish(code, "top", ["first", "memory"], **options)  # type: ignore[arg-type]


def test_everything_that_is_added() -> None:
    assert finished() == FINISHED


@pytest.mark.parametrize(
    "change",
    [
        {"inline": ("absent",)},
        {"independent": [("process_0", "absent")]},
        {"code": EMITTED.replace("int32_t small[3]", "int64_t other[3]")},
        {"code": EMITTED.replace("process_0(v10, v11)", "process_0(v11)")},
        {"code": EMITTED.replace("int32_t v10[1]", "int32_t v10[2]")},
    ],
)
def test_text_that_is_not_as_expected_is_refused(change: dict) -> None:
    with pytest.raises(AssertionError):
        finished(**change)


def test_pragmas_of_the_engine_follow_the_argument_table() -> None:
    table = argument_table(configuration_named("kv260"))
    pragmas = interface_pragmas(table)
    assert pragmas[0] == "#pragma HLS interface s_axilite port=return bundle=control"
    for argument in table:
        mine = [p for p in pragmas if f" port={argument.name} " in p]
        assert any(f"s_axilite port={argument.name} bundle=control offset=0x" in p for p in mine)
        assert len(mine) == (2 if argument.kind == "memory" else 1)
