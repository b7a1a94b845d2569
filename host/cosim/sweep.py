"""Simulations under many conditions: one after the other, or by a cluster (Dask), in any order."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from tritstream.bench.synthetic import geometry_of
from tritstream.cluster.spread import spread
from tritstream.cluster.tasks import About, about, refuse_other_versions
from tritstream.configurations import Configuration, configuration_named
from tritstream.cosim.engine import run_engine
from tritstream.cosim.kernel import run_kernel
from tritstream.errors import OptionError
from tritstream.system import Conditions

if TYPE_CHECKING:
    from distributed import Client

ENGINE = "engine"
Report = dict[str, Any]


@dataclass(frozen=True)
class Case:
    """One simulation of a kernel, or of the engine: a configuration by name or file, conditions of
    the memory, and for the engine sizes of random weights (see `bench.synthetic.geometry_of`)."""

    kernel: str
    configuration: str
    latency: int = 1
    stall: float = 0.0
    seed: int = 1
    runs: int = 20
    layers: int = 2
    head: bool = True
    geometry: str | None = None


def simulate(case: Case) -> Report:
    """The report of one case, as JSON has it. Raises as `run_engine` and `run_kernel`."""
    configuration = configuration_named(case.configuration)
    if case.kernel != ENGINE:
        report = run_kernel(
            configuration,
            case.kernel,
            runs=case.runs,
            seed=case.seed,
            stall=case.stall,
            latency=case.latency,
        )
    else:
        report = run_engine(
            configuration,
            Conditions(case.seed, round(256 * case.stall), case.latency),
            geometry=None if case.geometry is None else geometry_of(case.geometry),
            layers=case.layers,
            head=case.head,
            seed=case.seed,
        ).report
    plain: Report = json.loads(json.dumps(report))
    return plain


def sweep(
    cases: Sequence[Case],
    client: Client | None = None,
    told: Callable[[int, Report], None] = lambda number, report: None,
) -> list[Report]:
    """The reports of all cases, in their order; ``told`` hears of each as it comes.

    With a ``client`` the workers of its cluster simulate, which must have the same version and
    configurations. Raises as `simulate` and `spread`.
    """
    found: dict[int, Report] = {}
    for number, report in _one_by_one(cases) if client is None else _spread(cases, client):
        found[number] = report
        told(number, report)
    return [found[number] for number in range(len(cases))]


def _one_by_one(cases: Sequence[Case]) -> Iterator[tuple[int, Report]]:
    for number, case in enumerate(cases):
        yield number, simulate(case)


def _spread(cases: Sequence[Case], client: Client) -> Iterator[tuple[int, Report]]:
    expected = about()
    digests = {
        name: _digest(configuration_named(name)) for name in {c.configuration for c in cases}
    }
    parts = [(asdict(case), digests[case.configuration], expected) for case in cases]
    yield from spread(client, simulate_there, parts)


def simulate_there(case: dict[str, Any], configuration: str, expected: About) -> Report:
    """A worker's task: `simulate`, if versions and the configuration are those of whoever asks."""
    refuse_other_versions(expected, about(), platform.node())
    name = case["configuration"]
    if _digest(configuration_named(name)) != configuration:
        raise OptionError(
            f"configuration '{name}' on {platform.node()} is another than here: copy the same file "
            f"there"
        )
    return simulate(Case(**case))


def _digest(configuration: Configuration) -> str:
    return hashlib.sha256(repr(configuration).encode()).hexdigest()
