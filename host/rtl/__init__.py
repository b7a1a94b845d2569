"""RTL of the kernels: from the MLIR that Allo makes to SystemVerilog, and simulating that.

Everything that other packages need is here; the stages behind it are private.
"""

from tritstream.rtl._ir.storage import Channel, Master, Memory, address_bits
from tritstream.rtl._mlir import MemRefType, Module, parse
from tritstream.rtl._schedule import FABRICS, Fabric
from tritstream.rtl._unsupported import UnsupportedError
from tritstream.rtl.compile import Compiled, Options, compile_function
from tritstream.rtl.kernel import RtlKernel, compile_kernel, module_of, options_for
from tritstream.rtl.simulate import WAIVERS, Outcome, Simulation, Stalls, build, integers, lint
from tritstream.rtl.targets import TARGETS, VENDOR, ZYNQ7_OPEN, Target, library, target_named

__all__ = [
    "FABRICS",
    "TARGETS",
    "VENDOR",
    "WAIVERS",
    "ZYNQ7_OPEN",
    "Channel",
    "Compiled",
    "Fabric",
    "Master",
    "MemRefType",
    "Memory",
    "Module",
    "Options",
    "Outcome",
    "RtlKernel",
    "Simulation",
    "Stalls",
    "Target",
    "UnsupportedError",
    "address_bits",
    "build",
    "compile_function",
    "compile_kernel",
    "integers",
    "library",
    "lint",
    "module_of",
    "options_for",
    "parse",
    "target_named",
]
