"""Which values wait for a later stage in a memory. (The kernels of test_open_target.py do.)"""

from __future__ import annotations

from tritstream.rtl import ZYNQ7_OPEN
from tritstream.rtl._emit.delays import RAM_BITS, SHORTEST, Wait, memory_lengths, pieces


def test_a_wait_is_cut_into_pieces_that_follow_each_other() -> None:
    wait = Wait(32, 3, 40)
    found = pieces(wait, [12, 5])
    assert found == [(3, 12), (15, 12), (27, 12)]
    assert pieces(Wait(32, 3, 14), [12, 5]) == [(3, 5), (8, 5)]
    assert pieces(Wait(32, 3, 4), [12, 5]) == []


def test_a_memory_is_taken_where_it_saves_enough() -> None:
    worth = ZYNQ7_OPEN.delay_memories
    assert memory_lengths([], worth) == []
    assert memory_lengths([Wait(RAM_BITS, 0, 40)], worth) == [40]
    # One bit for 40 stages takes a RAM as 32 bits do.
    assert memory_lengths([Wait(1, 0, 40)], worth) == []
    assert memory_lengths([Wait(RAM_BITS, 0, SHORTEST)], worth) == []
    # What is narrow goes with what is wide.
    waits = [Wait(24, 0, 20), Wait(8, 5, 25)]
    assert memory_lengths(waits, worth) == [20]
