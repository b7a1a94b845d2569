"""A process that dies in the middle of a token, and the next one on the same board."""

import os
import random
import signal
import time
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from support.boards import greedy, needs_pynq
from tritstream.board.options import BoardOptions
from tritstream.board.runtime import BoardRuntime
from tritstream.configurations import CONFIGURATIONS
from tritstream.image import Image
from tritstream.sim.engine import Timing
from tritstream.sim.process import BoardProcess, attached, board_process

needs_pynq()

START_S = 0.1
"""What a start takes; its transfers come at its end."""
OPTIONS = BoardOptions(self_test=False, time_limit_s=2.0)


def drive(board: BoardProcess, image: Image, wanted: list[int], ready: int) -> None:
    """Load the model, compare its tokens, say so, and go on until somebody ends the process."""
    with attached(board) as device, BoardRuntime(image, board.overlay, device, OPTIONS) as runtime:
        assert greedy(runtime, len(wanted)) == wanted
        os.write(ready, b"1")
        while True:
            runtime.step(3)


def driver(board: BoardProcess, image: Image, wanted: list[int]) -> tuple[int, int]:
    """Process id of a driver, and the end of a pipe that it says on that it is ready."""
    listen, speak = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            drive(board, image, wanted, speak)
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    os.close(speak)
    return pid, listen


def killed_at_random(image: Image, wanted: list[int], times: int) -> dict[str, Any]:
    source = random.Random(times)
    timing = Timing(seconds=START_S, late=True)
    with board_process(CONFIGURATIONS["tiny"], timing=timing) as board:
        for turn in range(times):
            pid, listen = driver(board, image, wanted)
            try:
                # Every eighth is killed while it loads: half its buffers, an engine of before.
                if turn % 8 == 7:
                    time.sleep(source.uniform(0, 0.05))
                else:
                    assert os.read(listen, 1) == b"1", f"driver {turn} failed: see above"
                    if turn % 2:  # between two starts as well as in one
                        time.sleep(source.uniform(0, 2 * START_S))
                    else:
                        while not board.told()["at_work"]:
                            pass
                        time.sleep(source.uniform(0, START_S / 2))
            finally:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                os.close(listen)
        told = board.told()
        pid, listen = driver(board, image, wanted)
        assert os.read(listen, 1) == b"1"
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(listen)
    return told


def test_killed_in_the_middle(
    tiny: Image, expected: Any, injected: Callable[[str, str], None]
) -> None:
    told = killed_at_random(tiny, expected(tiny, 3), 12)
    injected("kill -9 at 12 moments", f"{told['orphaned']} in a start; the next one writes right")
    assert told["reports"] == []
    assert told["orphaned"] > 0  # else nothing was tried


@pytest.mark.long
def test_killed_at_200_moments(
    tiny: Image, expected: Any, injected: Callable[[str, str], None]
) -> None:
    told = killed_at_random(tiny, expected(tiny, 3), 200)
    injected("kill -9 at 200 moments", f"{told['orphaned']} in a start; the next one writes right")
    assert told["reports"] == []
    assert told["orphaned"] > 50
