"""Clock buffers, followed to what drives them: each must let one input through, always."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from tritstream.bitstream.errors import BitstreamError
from tritstream.bitstream.wiring import Constant, Output, Wiring

BUFFERS = ("BUFGCTRL", "BUFHCE")


class Buffers:
    """The clock buffers of a bitstream. ``features`` are those by tile."""

    def __init__(self, wiring: Wiring, features: Mapping[str, list[str]]) -> None:
        self._wiring = wiring
        self._features = features
        self._known: dict[tuple[str, str], tuple[Output, str]] = {}

    def __len__(self) -> int:
        """How many have been followed."""
        return len(self._known)

    def through(self, source: Output) -> tuple[Output, str]:
        """What is before a buffer, and the input pin that it lets through.

        Raises BitstreamError where that is not one clock, always.
        """
        key = (source.tile, source.site.name)
        if key not in self._known:
            self._known[key] = self._follow(source)
        return self._known[key]

    def _follow(self, source: Output) -> tuple[Output, str]:
        where = f"{source.tile}.{source.site.type}_{source.site.name}"
        groups: dict[str, set[str]] = defaultdict(set)
        for feature in self._features.get(source.tile, ()):
            parts = feature.split(".")
            if len(parts) > 2 and parts[0] == source.site.type:
                groups[parts[1].rpartition("_")[2]].add(".".join(parts[2:]))
        own = groups[source.site.name]
        if "IN_USE" not in own:
            raise BitstreamError(f"{where}.IN_USE is not set, and its clock is used")

        def level(pin: str) -> int | None:
            driver = self._wiring.pin(source.tile, source.site, pin)
            if not isinstance(driver, Constant):
                return None
            return driver.value ^ (f"ZINV_{pin}" not in own)

        if source.site.type == "BUFHCE":
            pin = "I" if level("CE") == 1 else None
        else:
            chosen = [n for n in "01" if level(f"CE{n}") == 1 and level(f"S{n}") == 1]
            pin = f"I{chosen[0]}" if len(chosen) == 1 else None
        driver = self._wiring.pin(source.tile, source.site, pin) if pin else None
        if pin is None or not isinstance(driver, Output):
            raise BitstreamError(f"{where} does not let exactly one clock through")
        return driver, pin
