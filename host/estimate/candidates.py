"""Every configuration that could be built for a model on a board, and the best that fits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tritstream.boards import Board
from tritstream.configurations import CONFIGURATIONS, ROWS_PER_BYTE, Configuration, Layout
from tritstream.errors import ConfigurationError
from tritstream.estimate.limits import EFFICIENCY, Memory, memory
from tritstream.estimate.rates import Rates, rates
from tritstream.estimate.resources import Resources, resources
from tritstream.geometry import Geometry
from tritstream.numerics.profiles import PROFILES

ELEMENT_LANES = (4, 8, 16, 32)


@dataclass(frozen=True)
class Candidate:
    """A configuration with what it would reach; ``refused`` says why it cannot be built at all."""

    packing: str
    profile_name: str
    lanes: int
    element_lanes: int
    refused: str = ""
    configuration: Configuration | None = None
    rates: Rates | None = None
    memory: Memory | None = None
    resources: Resources | None = None

    @property
    def fits(self) -> bool:
        """Buildable, within the board's logic, and the model resident in its contiguous memory."""
        return bool(
            self.resources and self.resources.fits and self.memory is not None and self.memory.fits
        )

    @property
    def shipped_as(self) -> str | None:
        """The name under which a configuration of this shape ships that holds the model."""
        c = self.configuration
        for name, shipped in CONFIGURATIONS.items():
            large = c and c.hidden <= shipped.hidden and c.intermediate <= shipped.intermediate
            if c is not None and large and _key(c) == _key(shipped):
                return name
        return None


def candidates(
    geometry: Geometry,
    board: Board,
    efficiency: float = EFFICIENCY,
    profile_name: str | None = None,
) -> Iterator[Candidate]:
    """Both packings, every number of ports and element width, for one profile or all of them.

    Weight masters are as wide as the board's ports: a wider one is only width-converted.
    """
    profiles = [profile_name] if profile_name else list(PROFILES)
    for packing in ROWS_PER_BYTE:
        for profile in profiles:
            for ports in (1, 2, 3, 4):
                for element_lanes in ELEMENT_LANES:
                    yield _candidate(
                        geometry, board, efficiency, packing, profile, ports, element_lanes
                    )


def _candidate(
    geometry: Geometry,
    board: Board,
    efficiency: float,
    packing: str,
    profile: str,
    ports: int,
    element_lanes: int,
) -> Candidate:
    lanes = ports * board.hp_port_bits // 8
    shape = (packing, profile, lanes, element_lanes)
    if ports > board.hp_ports:
        return Candidate(*shape, refused=f"{board.title} has {board.hp_ports} weight ports")
    try:
        # As small as the model allows.
        least = Layout(packing, profile, lanes, ports).padded(geometry)
        configuration = Configuration(
            f"{packing}-{lanes}x{element_lanes}",
            packing,
            profile,
            lanes,
            ports,
            element_lanes,
            least.hidden,
            least.intermediate,
            board.name,
        )
        return Candidate(
            *shape,
            configuration=configuration,
            rates=rates(configuration, geometry, board, efficiency),
            memory=memory(configuration.layout, geometry, board, configuration.tokens),
            resources=resources(configuration, board),
        )
    except ConfigurationError as error:
        return Candidate(*shape, refused=str(error))


def best_candidate(of: list[Candidate]) -> Candidate | None:
    """The fastest that fits; among equals (1%) one that ships, the wider profile, the smaller."""
    fitting = [c for c in of if c.fits and c.rates is not None and c.resources is not None]
    if not fitting:
        return None
    fastest = max(c.rates.tokens_per_s for c in fitting if c.rates)
    close = [c for c in fitting if c.rates and c.rates.tokens_per_s >= 0.99 * fastest]

    def merit(c: Candidate) -> tuple[bool, int, int]:
        assert c.resources is not None
        return (c.shipped_as is not None, PROFILES[c.profile_name].vector_bits, -c.resources.lut)

    return max(close, key=merit)


def _key(c: Configuration) -> tuple[object, ...]:
    return (c.packing, c.profile_name, c.lanes, c.ports, c.element_lanes, c.board_name)
