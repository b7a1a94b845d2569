"""A board has one user: locks, engines that still work, and fabric that was taken away."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from support.boards import QUICK, greedy, needs_pynq
from tritstream.board.errors import BoardBusyError, BoardError, LostOverlayError
from tritstream.board.lock import BoardLock
from tritstream.board.options import BoardOptions
from tritstream.board.runtime import BoardRuntime
from tritstream.configurations import CONFIGURATIONS
from tritstream.image import Image
from tritstream.kernels.arguments import CONTROL, START, argument_table
from tritstream.sim import Faults, simulated_board
from tritstream.sim.engine import StartWithoutBaseError, Timing

needs_pynq()

Tokens = Callable[[Image, int], list[int]]


def test_two_runtimes_in_one_process(tiny: Image, expected: Tokens) -> None:
    with simulated_board(CONFIGURATIONS["tiny"]) as (device, overlay):
        with BoardRuntime(tiny, overlay, device, QUICK) as first:
            first.step(1)
            before = first.state()
            with pytest.raises(BoardBusyError, match="another model of this very process"):
                BoardRuntime(tiny, overlay, device, QUICK)
            assert np.array_equal(first.state(), before)
            assert device.downloads == 1
            assert greedy(first, 5) == expected(tiny, 5)
        with BoardRuntime(tiny, overlay, device, QUICK) as second:
            assert greedy(second, 5) == expected(tiny, 5)
        assert device.reports == []


HOLDER = """
import sys
from pathlib import Path
from support.boards import QUICK
from tritstream.board.runtime import BoardRuntime
from tritstream.image import open_image
from tritstream.packing import hardware_for
from tritstream.sim import simulated_board

image = open_image(sys.argv[1])
configuration, _ = hardware_for(image)
with simulated_board(configuration, lock_file=Path(sys.argv[2])) as (device, overlay):
    with BoardRuntime(image, overlay, device, QUICK):
        print("loaded", flush=True)
        sys.stdin.read()
"""


def test_two_processes(tiny: Image, tmp_path: Path) -> None:
    """The second is refused with the process id of the first, until that one ends somehow."""
    lock = tmp_path / "lock"
    holder = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", HOLDER, tiny.source, str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": str(Path(__file__).parents[1]), "PATH": "/usr/bin:/bin"},
    )
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "loaded\n"
        with simulated_board(CONFIGURATIONS["tiny"], lock_file=lock) as (device, overlay):
            with pytest.raises(BoardBusyError, match=f"in use by process {holder.pid}:"):
                BoardRuntime(tiny, overlay, device, QUICK)
            assert device.downloads == 0 and device.memory.live == {}
            holder.kill()
            holder.wait()
            with BoardRuntime(tiny, overlay, device, QUICK) as runtime:
                runtime.step(1)
    finally:
        holder.kill()
        holder.communicate()


def test_a_refused_load_gives_the_lock_back(tiny: Image, tmp_path: Path) -> None:
    options = BoardOptions(cma_limit=1000)
    with simulated_board(CONFIGURATIONS["tiny"]) as (device, overlay):
        with pytest.raises(BoardError, match="contiguous"):
            BoardRuntime(tiny, overlay, device, options)
        BoardRuntime(tiny, overlay, device, QUICK).close()


def test_who_may_not_write_the_lock_file_is_told_of_root(tmp_path: Path) -> None:
    with pytest.raises(BoardError, match=r"cannot lock the board with .*nowhere"):
        BoardLock(tmp_path / "nowhere" / "lock")
    with BoardLock(tmp_path / "lock"), pytest.raises(BoardBusyError):
        BoardLock(tmp_path / "lock")
    BoardLock(tmp_path / "lock").release()


def test_fabric_that_another_program_configured_is_not_started(
    tiny: Image, expected: Tokens
) -> None:
    """Its registers are reset, so that every base address is zero."""
    import pynq

    with (
        simulated_board(CONFIGURATIONS["tiny"]) as (device, overlay),
        BoardRuntime(tiny, overlay, device, QUICK) as runtime,
    ):
        runtime.step(1)
        pynq.Overlay(str(overlay.bit), device=device)
        downloads, starts = device.downloads, device.engine.starts
        with pytest.raises(LostOverlayError, match=r"base address at 0x\w+ is 0x0.*reset\(\)"):
            runtime.step(2)
        assert (device.downloads, device.engine.starts) == (downloads, starts)
        assert greedy(runtime, 5) == expected(tiny, 5)


def test_the_simulated_board_refuses_a_start_without_bases(tiny: Image) -> None:
    """What the assertion is worth that every other test relies on."""
    import pynq

    with simulated_board(CONFIGURATIONS["tiny"]) as (device, overlay):
        pynq.Overlay(str(overlay.bit), device=device)
        with pytest.raises(StartWithoutBaseError, match="descriptors"):
            device.write_registers(device.engine_base + CONTROL, START.to_bytes(4, "little"))


def _left_running(device: object, overlay: object, tiny: Image) -> None:
    """A process loaded the model, started the engine and was killed: nothing of it is left."""
    runtime = BoardRuntime(tiny, overlay, device, QUICK)  # type: ignore[arg-type]
    runtime._driver.start()
    runtime._lock.release()


def test_an_engine_that_still_works_is_waited_for(tiny: Image, expected: Tokens) -> None:
    timing, faults = Timing(seconds=0.0), Faults(no_shell=True)
    with simulated_board(CONFIGURATIONS["tiny"], timing=timing, faults=faults) as (device, overlay):
        BoardRuntime(tiny, overlay, device, QUICK).close()
        device.timing = Timing(seconds=0.4)
        _left_running(device, overlay, tiny)
        device.timing = timing
        before = time.monotonic()
        with BoardRuntime(tiny, overlay, device, QUICK) as runtime:
            assert time.monotonic() - before > 0.3
            assert greedy(runtime, 5) == expected(tiny, 5)
        assert device.reports == []


def test_an_engine_that_never_ends_is_not_reloaded(tiny: Image) -> None:
    faults = Faults(no_shell=True)
    with simulated_board(CONFIGURATIONS["tiny"], faults=faults) as (device, overlay):
        runtime = BoardRuntime(tiny, overlay, device, QUICK)
        faults.never_done = True
        runtime._driver.start()
        runtime._lock.release()
        downloads = device.downloads
        with pytest.raises(BoardBusyError, match=r"still works on a start .* after 0\.2 s"):
            BoardRuntime(tiny, overlay, device, BoardOptions(time_limit_s=0.2))
        assert device.downloads == downloads


def test_an_engine_that_still_works_is_stopped(tiny: Image, expected: Tokens) -> None:
    """Where the shell can: a run that would take for ever is no hindrance."""
    faults = Faults()
    with simulated_board(CONFIGURATIONS["tiny"], faults=faults) as (device, overlay):
        BoardRuntime(tiny, overlay, device, QUICK).close()
        faults.never_done = True
        _left_running(device, overlay, tiny)
        faults.never_done = False
        with BoardRuntime(tiny, overlay, device, QUICK) as runtime:
            assert greedy(runtime, 5) == expected(tiny, 5)
        assert device.reports == []


def test_threads_are_refused_like_processes(tiny: Image) -> None:
    refused = []
    with simulated_board(CONFIGURATIONS["tiny"]) as (device, overlay):

        def load() -> None:
            try:
                BoardRuntime(tiny, overlay, device, QUICK)
            except BoardBusyError as error:
                refused.append(str(error))

        with BoardRuntime(tiny, overlay, device, QUICK):
            thread = threading.Thread(target=load)
            thread.start()
            thread.join()
    assert len(refused) == 1


def test_every_base_is_an_address_register(tiny: Image) -> None:
    bases = [a.name for a in argument_table(CONFIGURATIONS["tiny"]) if a.words == 2]
    assert {"descriptors", "vector_in", "state_out", "logits"} <= set(bases)
