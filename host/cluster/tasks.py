"""What workers do: functions with plain arguments, which are found in this package by name."""

from __future__ import annotations

import platform
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from tritstream.errors import OptionError
from tritstream.model import Model, load
from tritstream.version import __version__

About = dict[str, str]
MUST_AGREE = ("tritstream", "distributed")
"""Pythons may differ: a board has another one than a PC, and no code is sent, only names."""


def about() -> About:
    """The versions here."""
    found = {"tritstream": __version__, "python": platform.python_version()}
    for name in ("distributed", "numpy"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "missing"
    return found


@lru_cache(maxsize=1)
def _model(path: str, engine: str | None, threads: int | None, identity: str) -> Model:
    """A worker keeps the model that it used last."""
    model = load(path, engine, threads=threads)
    found = model.identity or model.engine.name
    if found != identity:
        model.close()
        raise OptionError(
            f"{path} on {platform.node()} is another model than here: copy the same file there"
        )
    return model


def answers(
    path: str,
    engine: str | None,
    threads: int | None,
    identity: str,
    expected: About,
    lines: list[tuple[int, dict[str, Any]]],
    places: int,
) -> list[tuple[int, dict[str, Any]]]:
    """Some lines of a batch, see `tritstream.offline.work.answer_lines`."""
    from tritstream.offline.work import answer_lines

    refuse_other_versions(expected, about(), platform.node())
    return list(answer_lines(_model(path, engine, threads, identity), lines, places))


def windows(
    path: str,
    engine: str | None,
    identity: str,
    expected: About,
    reference: tuple[str, str, str] | None,
    token_ids: list[list[int]],
) -> list[Any]:
    """Some windows of a text, see `tritstream.evaluate.measure_window`: plain lists of figures.

    ``reference`` is path, engine and identity of the one to compare with.
    """
    from tritstream.evaluate import measure_window

    refuse_other_versions(expected, about(), platform.node())
    with load(path, engine) as model:
        _require(model, identity, path)
        if reference is None:
            return [measure_window(model.engine, ids, None).plain() for ids in token_ids]
        with load(reference[0], reference[1]) as other:
            _require(other, reference[2], reference[0])
            return [measure_window(model.engine, ids, other.engine).plain() for ids in token_ids]


def _require(model: Model, identity: str, path: str) -> None:
    if (model.identity or model.engine.name) != identity:
        raise OptionError(
            f"{path} on {platform.node()} is another model than here: copy the same file there"
        )


def refuse_other_versions(expected: About, found: About, where: str) -> None:
    """Raises OptionError where versions that must agree do not."""
    for name in MUST_AGREE:
        if expected.get(name) != found.get(name):
            raise OptionError(
                f"{where} has {name} {found.get(name)}, and here it is {expected.get(name)}: "
                f"install the same"
            )
