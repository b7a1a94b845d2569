"""Build configurations: everything that is fixed when hardware is made, by name.

An image is packed for one configuration (its `target`), because the order of weights in memory is
the order in which that hardware consumes them. `generic` is for software engines: any geometry.
A new configuration is one more entry in the table.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from tritstream.boards import BOARDS, Board
from tritstream.errors import ConfigurationError
from tritstream.geometry import GEOMETRIES, Geometry
from tritstream.numerics import Profile, profile_named

ROWS_PER_BYTE = {"base3": 5, "2bit": 4}
"""Packings: how many trits, consecutive output rows of one column, share a byte."""

PORT_BYTES = 16
"""A weight master is 128 bits wide; a narrower HP port behind it is a width converter's job."""


@dataclass(frozen=True)
class Configuration:
    """``lanes`` bytes make a weight word, split evenly over ``ports``.

    Norms are ``element_lanes`` wide. ``geometry`` and ``board`` are None for the software target.
    Raises ConfigurationError where the parts do not fit each other.
    """

    name: str
    geometry: Geometry | None
    packing: str
    profile_name: str
    lanes: int
    ports: int
    element_lanes: int
    board_name: str | None = None

    def __post_init__(self) -> None:
        where = f"configuration '{self.name}'"
        if self.packing not in ROWS_PER_BYTE:
            known = ", ".join(ROWS_PER_BYTE)
            raise ConfigurationError(
                f"{where}: unknown packing '{self.packing}': choose one of {known}"
            )
        profile_named(self.profile_name)
        if self.ports not in (1, 2, 3, 4) or self.lanes != self.ports * PORT_BYTES:
            raise ConfigurationError(
                f"{where}: a weight word of {self.lanes} bytes over {self.ports} ports: one to "
                f"four ports of {PORT_BYTES} bytes each are supported"
            )
        if self.element_lanes not in (4, 8, 16, 32):
            raise ConfigurationError(
                f"{where}: element lanes must be 4, 8, 16 or 32, not {self.element_lanes}"
            )
        if self.board_name is not None and self.board_name not in BOARDS:
            raise ConfigurationError(f"{where}: unknown board '{self.board_name}'")
        if self.geometry is not None and self.board_name is not None:
            self._check_hardware(self.geometry, where)

    def _check_hardware(self, geometry: Geometry, where: str) -> None:
        for name, width in (("hidden", geometry.hidden), ("intermediate", geometry.intermediate)):
            if width % self.lanes or width % self.element_lanes:
                raise ConfigurationError(
                    f"{where}: {name} size {width} is not a multiple of the word's {self.lanes} "
                    f"lanes and of the {self.element_lanes} element lanes: choose a narrower word"
                )
            if width // self.lanes < self.rows_per_byte:
                raise ConfigurationError(
                    f"{where}: {name} size {width} gives {width // self.lanes} words per row group "
                    f"of {self.lanes} lanes, but {self.rows_per_byte} rows drain one a cycle: "
                    f"choose a narrower word"
                )

    @property
    def rows_per_byte(self) -> int:
        return ROWS_PER_BYTE[self.packing]

    @property
    def profile(self) -> Profile:
        return profile_named(self.profile_name)

    @property
    def board(self) -> Board | None:
        return None if self.board_name is None else BOARDS[self.board_name]

    def table(self) -> dict[str, Any]:
        """The configuration as image headers and manifests store it."""
        return asdict(self)


CONFIGURATIONS = {
    c.name: c
    for c in (
        Configuration("generic", None, "base3", "default", lanes=64, ports=4, element_lanes=16),
        Configuration(
            "tiny", GEOMETRIES["tiny"], "base3", "default", 32, 2, 4, board_name="pynq-z2"
        ),
        Configuration(
            "tiny-2bit", GEOMETRIES["tiny"], "2bit", "small", 16, 1, 4, board_name="pynq-z2"
        ),
        Configuration(
            "demo-z2", GEOMETRIES["demo"], "base3", "small", 32, 2, 4, board_name="pynq-z2"
        ),
        Configuration(
            "370m-z2", GEOMETRIES["370m"], "base3", "small", 32, 2, 8, board_name="pynq-z2"
        ),
        Configuration(
            "370m-kv260", GEOMETRIES["370m"], "base3", "default", 64, 4, 16, board_name="kv260"
        ),
    )
}


def configuration_named(name: str) -> Configuration:
    """The configuration of that name. Raises ConfigurationError naming the known ones."""
    try:
        return CONFIGURATIONS[name]
    except KeyError:
        raise ConfigurationError(
            f"unknown build configuration '{name}': choose one of {', '.join(CONFIGURATIONS)}"
        ) from None


def configuration_for(
    target: str, geometry: Geometry, packing: str | None = None, profile: str | None = None
) -> Configuration:
    """The configuration an image of ``geometry`` is packed for.

    The software target `generic` takes any geometry, packing and profile; for the others, which are
    hardware, what is given must agree with what is built. Raises ConfigurationError where not.
    """
    base = configuration_named(target)
    if base.geometry is None:
        return replace(
            base,
            geometry=geometry,
            packing=packing or base.packing,
            profile_name=profile or base.profile_name,
        )
    if base.geometry != geometry:
        raise ConfigurationError(
            f"target '{target}' is built for {base.geometry}; the checkpoint has {geometry}: "
            f"choose another target, or 'generic' for the software engines"
        )
    for what, asked, built in (
        ("packing", packing, base.packing),
        ("profile", profile, base.profile_name),
    ):
        if asked is not None and asked != built:
            raise ConfigurationError(
                f"target '{target}' is built for {what} '{built}', not '{asked}': leave the option "
                f"out, or choose another target"
            )
    return base
