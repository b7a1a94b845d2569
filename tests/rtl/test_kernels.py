"""The kernels' RTL on the very cases that C simulation is tested with, with random stalls."""

from support.kernel_checks import (
    test_dequantise,
    test_mlgru,
    test_rmsnorm,
    test_swiglu,
    test_ternary_matvec,
    test_the_whole_sigmoid_table,
)

__all__ = [
    "test_dequantise",
    "test_mlgru",
    "test_rmsnorm",
    "test_swiglu",
    "test_ternary_matvec",
    "test_the_whole_sigmoid_table",
]
