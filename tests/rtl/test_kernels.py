"""The kernels' RTL on the very cases that C simulation is tested with, with random stalls.

The tests are those of tests/kernels/test_csim_kernels.py; only the fixture `kernel` is another.
"""

from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

_path = Path(__file__).parent.parent / "kernels" / "test_csim_kernels.py"
_spec = spec_from_file_location("csim_kernel_cases", _path)
assert _spec is not None and _spec.loader is not None
_cases = module_from_spec(_spec)
_spec.loader.exec_module(_cases)

test_ternary_matvec = _cases.test_ternary_matvec
test_rmsnorm = _cases.test_rmsnorm
test_dequantise = _cases.test_dequantise
test_mlgru = _cases.test_mlgru
test_swiglu = _cases.test_swiglu
test_the_whole_sigmoid_table = _cases.test_the_whole_sigmoid_table
