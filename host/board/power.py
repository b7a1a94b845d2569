"""Energy from a board's power sensors, where it has some (`pynq.get_rails`)."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

from tritstream.board.package import import_pynq

Watts = Callable[[], float]


def power_rails() -> dict[str, Watts]:
    """Readers of the board's rails in watts, by name; empty where there is no sensor.

    A rail without a power sensor is read as voltage times current.
    """
    pynq = import_pynq()
    try:
        found = pynq.get_rails()
    except Exception:
        # Without libsensors pynq fails in several ways; for the user they all mean "no sensors".
        return {}
    readers: dict[str, Watts] = {}
    for name, rail in found.items():
        if rail.power is not None:
            readers[name] = partial(_product, rail.power)
        elif rail.voltage is not None and rail.current is not None:
            readers[name] = partial(_product, rail.voltage, rail.current)
    return readers


def temperature(zones: Path = Path("/sys/class/thermal")) -> float | None:
    """The hottest of the kernel's thermal zones in degrees Celsius; None where there is no sensor.

    Zynq-7000's and Zynq UltraScale+'s own sensors are industrial I/O devices: those are read where
    there is no zone (``in_temp0`` of XADC, AMS: (raw + offset) * scale is in millidegrees).
    """
    found = [_number(path) for path in zones.glob("thermal_zone*/temp")]
    if not found:
        for raw in zones.parent.parent.glob("bus/iio/devices/iio:device*/in_temp*_raw"):
            offset, scale = (_number(raw.with_name(raw.name[:-3] + n)) for n in ("offset", "scale"))
            value = _number(raw)
            if value is not None and scale is not None:
                found.append((value + (offset or 0.0)) * scale)
    return max((value / 1000 for value in found if value is not None), default=None)


def _number(path: Path) -> float | None:
    try:
        return float(path.read_text())
    except (OSError, ValueError):
        return None


def _product(*sensors: Any) -> float:
    return math.prod(float(sensor.value) for sensor in sensors)


class EnergyMeter:
    """Integrates the power of every rail while its block runs: `joules` by rail (measured)."""

    def __init__(self, rails: Mapping[str, Watts], interval_s: float = 0.02) -> None:
        self.joules = dict.fromkeys(rails, 0.0)
        self._rails = rails
        self._interval = interval_s
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> EnergyMeter:
        self._last = time.perf_counter(), self._read()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._add()

    def _sample(self) -> None:
        while not self._stop.wait(self._interval):
            self._add()

    def _add(self) -> None:
        """Add the time since the last reading by the trapezoidal rule."""
        now, power = time.perf_counter(), self._read()
        before, previous = self._last
        for name in self.joules:
            self.joules[name] += (now - before) * (power[name] + previous[name]) / 2
        self._last = now, power

    def _read(self) -> dict[str, float]:
        return {name: watts() for name, watts in self._rails.items()}
