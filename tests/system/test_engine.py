"""The whole accelerator in RTL against the specification: as an engine and under the driver."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from support.counted import check_counters
from support.tokens import random_takes
from tritstream.board.errors import BusError
from tritstream.board.options import BoardOptions
from tritstream.cli import main
from tritstream.configurations import CONFIGURATIONS, configuration_named
from tritstream.cosim.trial import Trial
from tritstream.engines.rtl import RtlEngine
from tritstream.engines.spec import SpecEngine
from tritstream.errors import EngineError
from tritstream.image import Image
from tritstream.kernels.arguments import CONTROL, START
from tritstream.kernels.memories import Saturated
from tritstream.kernels.registers import weights_checksum
from tritstream.system import Conditions

pytestmark = pytest.mark.usefixtures("tiny_simulator")

TOKENS = (1, 5, 77, 200)


@pytest.mark.parametrize("conditions", [Conditions(), Conditions(3, stall=64, latency=60)])
def test_logits_and_state_equal_the_specification(tiny: Image, conditions: Conditions) -> None:
    engine, specification = RtlEngine(tiny, conditions), SpecEngine(tiny)
    for token in TOKENS:
        assert np.array_equal(engine.step(token), specification.step(token))
        assert np.array_equal(engine.state, specification.state)


@pytest.mark.parametrize(("code", "name"), [(2, "SLVERR"), (3, "DECERR")])
@pytest.mark.parametrize("master", range(4))
def test_an_error_on_the_bus_is_the_engines_error(
    tiny: Image, master: int, code: int, name: str, injected: Callable[[str, str], None]
) -> None:
    engine, specification = RtlEngine(tiny), SpecEngine(tiny)
    engine.system.set_conditions(Conditions(error_master=master, error_burst=2, error_code=code))
    with pytest.raises(EngineError, match=name) as error:
        engine.step(1)
    said = str(error.value).partition("stopped: ")[2].partition(name)[0]
    injected(f"{name} to AXI master {master}", f"RTL: {said}{name}")
    engine.reset()
    engine.system.set_conditions(Conditions())
    assert np.array_equal(engine.step(1), specification.step(1))


def test_a_memory_that_never_answers(tiny: Image, injected: Callable[[str, str], None]) -> None:
    """The engine waits, reports nothing and writes nothing; when memory answers, it goes on."""
    engine, specification = RtlEngine(tiny), SpecEngine(tiny)
    engine.system.set_conditions(Conditions(latency=1_000_000))
    engine.begin(0, len(tiny.header.records) - 1)
    assert not engine.system.advance(20_000)
    assert engine.system.read(CONTROL) & START
    assert not any(engine.system.run_counters().words)
    injected("memory that never answers", "RTL: busy, and the driver's time limit ends it")
    engine.system.reset()
    engine.system.set_conditions(Conditions())
    assert np.array_equal(engine.step(1), specification.step(1))


@pytest.mark.parametrize("conditions", [Conditions(), Conditions(3, stall=64, latency=60)])
def test_the_shell_counts_what_the_simulation_counts(tiny: Image, conditions: Conditions) -> None:
    engine = RtlEngine(tiny, conditions)
    for first, last in ((0, 0), (0, 2), (2, 2), (1, 2)):
        check_counters(engine, first, last)


def test_the_driver_runs_it_and_reports_errors(tiny: Image) -> None:
    pytest.importorskip("pynq", reason="the driver needs pynq (extra 'board')")
    from tritstream.board.runtime import BoardRuntime
    from tritstream.sim import simulated_board
    from tritstream.system.execution import RtlExecution

    configuration = CONFIGURATIONS["tiny"]
    execution, specification = RtlExecution(configuration), SpecEngine(tiny)
    board = simulated_board(configuration, cma_bytes=128 << 20, execution=execution)
    with board as (device, overlay), BoardRuntime(tiny, overlay, device, BoardOptions()) as runtime:
        for token in TOKENS:
            assert np.array_equal(runtime.step(token), specification.step(token))
        execution.system.set_conditions(Conditions(error_master=1, error_burst=3, error_code=3))
        with pytest.raises(BusError, match="a read was answered with DECERR"):
            runtime.step(1)
        assert "DECERR" in execution.reports[-1]


def test_ports_that_read_and_nothing_else(tiny: Image) -> None:
    """The RTL's counters of a read test, and that it leaves the engine as it was."""
    pytest.importorskip("pynq", reason="the driver needs pynq (extra 'board')")
    from tritstream.board.runtime import BoardRuntime
    from tritstream.sim import simulated_board
    from tritstream.system.execution import RtlExecution

    c, specification = CONFIGURATIONS["tiny"], SpecEngine(tiny)
    execution = RtlExecution(c, Conditions(latency=60))
    board = simulated_board(c, cma_bytes=128 << 20, execution=execution)
    options = BoardOptions(self_test=False)
    with board as (device, overlay), BoardRuntime(tiny, overlay, device, options) as runtime:
        words = 4096 // c.port_bytes
        bits = 8 * c.port_bytes
        beats = bits // execution.system.parts.bus.for_words(bits).bits
        for ports in ([0], [1], [0, 1]):
            found = runtime.read_test(ports, most_bytes=4096)
            assert found is not None
            assert found.words == tuple(words * (port in ports) for port in range(c.ports))
            for port in ports:
                first = runtime._base + 4096 * port
                data = device.memory.view(int(first), 4096).view(np.uint32)
                parts = data.reshape(-1, c.port_bytes // 4)
                assert found.checksums[port] == weights_checksum(parts)
                # A latency once; then each word takes as many cycles as it has beats.
                assert 60 <= found.starved[port] - (beats - 1) * words < 100
        assert np.array_equal(runtime.step(5), specification.step(5))
        assert runtime.saturated == Saturated()


def test_a_simulated_board_can_compute_with_it(tiny: Image) -> None:
    pytest.importorskip("pynq", reason="the driver needs pynq (extra 'board')")
    from tritstream.engines.pynq import open_board_engine

    specification = SpecEngine(tiny)
    engine = open_board_engine(tiny, "pynq-sim", BoardOptions(simulate="rtl", time_limit_s=300))
    for token in TOKENS[:2]:
        assert np.array_equal(engine.step(token), specification.step(token))
        assert engine.info.budget is not None and engine.info.budget.weights > 0
    engine.close()


def test_two_systems_can_go_in_any_order(tiny: Image) -> None:
    """A simulator that touched the other's memory would crash: freed memory is filled here."""
    code = (
        "import sys\n"
        "from tritstream.engines.rtl import RtlEngine\n"
        "from tritstream.image import open_image\n"
        "image = open_image(sys.argv[1])\n"
        "for later in (0, 1):\n"
        "    engines = [RtlEngine(image), RtlEngine(image)]\n"
        "    for engine in engines:\n"
        "        engine.step(1)\n"
        "    del engine\n"
        "    del engines[1 - later], engines[0]\n"
        "print('done')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(tiny.source)],
        env=os.environ
        | {"MALLOC_PERTURB_": "165", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert (result.returncode, result.stdout) == (0, "done\n"), result.stderr


def random_runs(seeds: range) -> None:
    """A run each over random records under random waits, on random tokens and states; before some
    of them a reset in the middle of another. `Trial.run` compares with the specification."""
    trial = Trial(configuration_named("tiny"))
    system = trial.engine.system
    for seed in seeds:
        source = random.Random(seed)
        conditions = Conditions(
            seed=seed + 1,
            stall=source.choice([0, 16, 64, 128]),
            latency=source.choice([1, 7, 60, 200]),
            bandwidth=source.choice([0, 0, 256 * 8]),
        )
        system.set_conditions(conditions)
        last = source.randrange(trial.layers + 1)
        first = source.randrange(last + 1)
        takes = random_takes(source, trial.engine.tokens, with_head=last == trial.layers)
        if source.random() < 0.5:
            trial.engine.begin(first, last)
            system.advance(source.randrange(4000))
            system.reset(source.choice([1, 2, 16]))
        run = trial.run(first, last, takes)
        assert not run.wrong, f"seed {seed}, {conditions}, {takes}: {run.wrong}"


def test_random_waits_and_resets() -> None:
    random_runs(range(50))


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_a_thousand_random_waits_and_resets() -> None:
    random_runs(range(1000, 2000))


def test_a_waveform_can_be_had(tiny: Image, tmp_path: Path) -> None:
    trace = tmp_path / "run.vcd"
    options = ["--engine", "rtl", "--greedy", "-n", "1", "--trace-cycles", "200"]
    model = str(tiny.source)
    assert main(["generate", "-m", model, *options, "--trace", str(trace), "Once"]) == 0
    text = trace.read_text(errors="replace")
    assert "s_axi_control_AWVALID" in text[:200_000]
    assert text.rstrip().splitlines()[-1].startswith(("b", "0", "1", "#"))
    times = [int(line[1:]) for line in text.splitlines() if line.startswith("#")]
    assert 1900 < times[-1] < 2100  # two halves of a cycle at 5 each, for 200 cycles


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "--engine rtl"),
        (["--engine", "rtl", "--check"], "no option for boards"),
        (["--engine", "rtl", "--trace-cycles", "0"], "--trace-cycles must be 1 or more"),
        (["--engine", "rtl", "--remote", "me@there"], "--remote"),
    ],
)
def test_a_waveform_is_of_simulated_hardware(
    options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", "--trace", "run.vcd", *options, "Once"]) == 2
    assert words in capsys.readouterr().err
