import pytest

from tritstream.train.schedule import Schedule

SCHEDULE = Schedule(peak=4e-3, warmup=0.1, turn=0.5, drop=0.5, decay=0.1)


def test_warm_up_rises_to_the_peak() -> None:
    rates = [SCHEDULE.rate(p / 100) for p in range(11)]
    assert rates == sorted(rates) and 0 < rates[0] < rates[-1]
    assert rates[-1] == pytest.approx(4e-3)


def test_stage_two_starts_with_a_drop_and_ends_at_zero() -> None:
    before, after = SCHEDULE.rate(0.5 - 1e-9), SCHEDULE.rate(0.5)
    assert after == pytest.approx(before / 2, rel=1e-6)
    rates = [SCHEDULE.rate(p / 100) for p in range(10, 101)]
    assert rates == sorted(rates, reverse=True)
    assert SCHEDULE.rate(1.0) == pytest.approx(0, abs=1e-12) == SCHEDULE.rate(1.5)


def test_decay_belongs_to_stage_one() -> None:
    assert SCHEDULE.weight_decay(0.49) == 0.1
    assert SCHEDULE.weight_decay(0.5) == 0.0


def test_dropout_starts_late() -> None:
    schedule = Schedule(peak=1e-3, dropout=0.1, dropout_from=0.25)
    assert schedule.dropped(0.2) == 0.0
    assert schedule.dropped(0.25) == schedule.dropped(1.0) == 0.1
