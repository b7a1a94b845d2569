import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from support.boards import needs_pynq
from tritstream.board.power import EnergyMeter, power_rails, temperature


def test_energy_is_power_over_time() -> None:
    begin = time.perf_counter()
    with EnergyMeter({"all": lambda: 5.0, "none": lambda: 0.0}, interval_s=1e-3) as meter:
        time.sleep(0.02)
    most = 5.0 * (time.perf_counter() - begin)
    assert 0.1 <= meter.joules["all"] <= most
    assert meter.joules["none"] == 0


def test_rails_with_and_without_a_power_sensor(monkeypatch: pytest.MonkeyPatch) -> None:
    needs_pynq()
    import pynq

    def sensor(value: float) -> SimpleNamespace:
        return SimpleNamespace(value=value)

    rails = {
        "power": SimpleNamespace(power=sensor(3), voltage=sensor(1), current=None),
        "product": SimpleNamespace(power=None, voltage=sensor(2), current=sensor(4)),
        "voltage": SimpleNamespace(power=None, voltage=sensor(2), current=None),
    }
    monkeypatch.setattr(pynq, "get_rails", lambda: rails)
    assert {name: watts() for name, watts in power_rails().items()} == {"power": 3, "product": 8}

    def fail() -> None:
        raise RuntimeError("no libsensors")

    monkeypatch.setattr(pynq, "get_rails", fail)
    assert power_rails() == {}


def test_temperature(tmp_path: Path) -> None:
    zones = tmp_path / "class" / "thermal"
    zones.mkdir(parents=True)
    assert temperature(zones) is None
    device = tmp_path / "bus" / "iio" / "devices" / "iio:device0"
    device.mkdir(parents=True)
    # As XADC's driver has it: 123.040771484 millidegrees a step, -2219 steps.
    for name, value in (("raw", "2500"), ("offset", "-2219"), ("scale", "123.040771484")):
        (device / f"in_temp0_{name}").write_text(f"{value}\n")
    assert temperature(zones) == pytest.approx(34.574, abs=1e-3)
    for number, value in enumerate(("41250", "52000", "nonsense")):
        (zones / f"thermal_zone{number}").mkdir()
        (zones / f"thermal_zone{number}" / "temp").write_text(f"{value}\n")
    assert temperature(zones) == 52.0
