"""The states of a compiled kernel's controller, read from its text: what simulations count by."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tritstream.errors import EngineError


@dataclass(frozen=True)
class State:
    """A state of the controller. ``function`` and ``source`` (file:line): the pipelined loop that
    it sets up or runs; empty for everything that happens once."""

    name: str
    function: str = ""
    source: str = ""


@dataclass(frozen=True)
class Spent:
    """Cycles of a run by source: a pipelined loop of ``function``, or with none all the rest."""

    function: str
    source: str
    cycles: float


def module_text(text: str, name: str) -> str:
    """The text of one module. Raises EngineError if there is none of that name."""
    begin = text.find(f"module {name} (")
    if begin < 0:
        raise EngineError(f"the compiled kernel has no module {name} that could be watched")
    return text[begin : text.index("\nendmodule", begin)]


def controller_of(text: str, top: str) -> tuple[str, tuple[str, ...]]:
    """The module whose states tell what a kernel does, and the instances on the way to it.

    A dataflow region has none of its own: of its processes it is the one that computes, whose text
    is longer than a loader's. Raises EngineError where there is no controller.
    """
    body = module_text(text, top)
    processes = re.findall(r"^  (\w+) \1_i \($", body, re.MULTILINE)
    if " state_t;" in body or not processes:
        return top, ()
    chosen = max(processes, key=lambda name: len(module_text(text, name)))
    return chosen, (f"{chosen}_i",)


def states_of(text: str, module: str) -> tuple[State, ...]:
    """The states by their number. Raises EngineError where the module has no controller."""
    body = module_text(text, module)
    found = re.search(r"typedef enum logic \[\d+:0\] \{(.*?)\} state_t;", body, re.DOTALL)
    if found is None:
        raise EngineError(f"module {module} has no controller whose states could be watched")
    states: list[State] = []
    for line in found[1].strip().splitlines():
        name, _, note = line.strip().partition("//")
        source = re.search(r"\(([^ ,]+:\d+),.*function (\w+)\)", note)
        state = State(name.strip(" ,"), *((source[2], source[1]) if source else ()))
        before = states[-1] if states else State("")
        # A pipelined loop has states one after the other: `init_...` names it, `run_...` runs it.
        if state.name.startswith(("run_", "request_")) and before.source:
            loop = before.name.startswith(("init_", "request_"))
            state = State(state.name, before.function, before.source) if loop else state
        states.append(state)
    return tuple(states)


def spent(states: Sequence[State], cycles: Sequence[float]) -> list[Spent]:
    """Cycles by source, in the order of the controller; what is not in a loop comes last."""
    sums: dict[tuple[str, str], float] = {}
    rest = 0.0
    for state, n in zip(states, cycles, strict=True):
        if state.source:
            key = (state.function, state.source)
            sums[key] = sums.get(key, 0.0) + n
        else:
            rest += n
    return [*(Spent(f, s, n) for (f, s), n in sums.items()), Spent("", "", rest)]
