"""RTL against the specification: kernels and the whole engine, with cycles, resources, pictures.

from tritstream.configurations import configuration_named
from tritstream.cosim import run_engine, run_kernel

run_kernel(configuration_named("tiny"), "swiglu", runs=5)["cycles_simulated"]
run_engine(configuration_named("tiny")).plot("layer.png")
sweep([Case("engine", name, latency) for name in ("tiny", "z7020") for latency in (1, 60)])
"""

from tritstream.cosim.engine import EngineRun, run_engine
from tritstream.cosim.kernel import run_kernel
from tritstream.cosim.sweep import Case, simulate, sweep

__all__ = ["Case", "EngineRun", "run_engine", "run_kernel", "simulate", "sweep"]
