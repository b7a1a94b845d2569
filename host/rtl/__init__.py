"""RTL of the kernels: from the MLIR that Allo makes to SystemVerilog, and simulating that.

Everything that other packages need is here; the stages behind it are private.
"""

from tritstream.rtl._compile import Options, compile_function
from tritstream.rtl._compiled import (
    BlockReport,
    Compiled,
    Controller,
    MappedText,
    Spent,
    State,
    StreamFifo,
    joined,
    spent,
)
from tritstream.rtl._mlir import MemRefType, Module, Origin, parse
from tritstream.rtl._ports import ArgumentPort, MasterPort, MemoryPort, RegisterPort, StreamPort
from tritstream.rtl._schedule import FABRICS, Fabric
from tritstream.rtl._simulate.build import WAIVERS, build, lint
from tritstream.rtl._simulate.kernel import RtlKernel, compile_kernel, module_of, options_for
from tritstream.rtl._simulate.run import Outcome, Simulation, Stalls, integers
from tritstream.rtl._unsupported import UnsupportedError
from tritstream.rtl.targets import TARGETS, VENDOR, ZYNQ7_OPEN, Target, library, target_named

__all__ = [
    "FABRICS",
    "TARGETS",
    "VENDOR",
    "WAIVERS",
    "ZYNQ7_OPEN",
    "ArgumentPort",
    "BlockReport",
    "Compiled",
    "Controller",
    "Fabric",
    "MappedText",
    "MasterPort",
    "MemRefType",
    "MemoryPort",
    "Module",
    "Options",
    "Origin",
    "Outcome",
    "RegisterPort",
    "RtlKernel",
    "Simulation",
    "Spent",
    "Stalls",
    "State",
    "StreamFifo",
    "StreamPort",
    "Target",
    "UnsupportedError",
    "build",
    "compile_function",
    "compile_kernel",
    "integers",
    "joined",
    "library",
    "lint",
    "module_of",
    "options_for",
    "parse",
    "spent",
    "target_named",
]
