"""All proofs of the shell: `make prove`.

Prints every property with how far it is proven and in how many seconds. Needs ABC (Debian's
berkeley-abc); Yosys comes with the project's extra `rtl`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from formal.abc import INSTALL, Verdict, abc_program, prove, search
from formal.mutations import MUTATIONS, Mutation
from formal.proofs import PROOFS, Proof
from formal.yosys import (
    PROPERTIES,
    circuits,
    induction_holds,
    names_of,
    source_of,
    translate,
    with_properties,
)

ALONE_S = 4
"""What a property may take by itself, before it is tried with the help of others."""
STEPS = 3
"""Cycles that an induction may look back."""


@dataclass(frozen=True)
class Property:
    """One property with its verdict."""

    proof: str
    name: str
    verdict: Verdict


def proved(proof: Proof, folder: Path) -> list[Property]:
    """Every property of a proof with what is known of it.

    Each by itself (PDR); then those left, with all that is proven as assumptions, by induction
    and by PDR again, as long as that brings something; to a depth where nothing does, and those
    that are bounded at once.
    """
    names = translated(proof, folder)
    files = circuits(folder, names)
    tried = [name for name in names if name not in proof.bounded]
    verdicts = {name: prove(files[name], ALONE_S) for name in tried}

    def left() -> list[str]:
        return [n for n in tried if not verdicts[n].proven and verdicts[n].failed is None]

    def known() -> list[str]:
        return [name for name in tried if verdicts[name].proven]

    def by_induction(name: str) -> Verdict | None:
        begin = time.monotonic()
        if not induction_holds(folder, proof.top, name, known(), STEPS):
            return None
        base = search(files[name], STEPS + 1, proof.seconds)
        if base.failed is not None or not (base.proven or base.depth >= STEPS):
            return base
        return Verdict(True, None, 0, time.monotonic() - begin)

    def by_pdr(name: str) -> Verdict | None:
        return prove(circuits(folder, [name], known())[name], proof.seconds)

    more = True
    while more and left():
        more = False
        for way in (by_induction, by_pdr):
            for name in left():
                verdict = way(name)
                if verdict is not None and (verdict.proven or verdict.failed is not None):
                    verdicts[name] = verdict
                    more = True
            if more:
                break
    for name in (*left(), *proof.bounded):
        verdicts[name] = search(files[name], proof.depth, proof.seconds)
    return [Property(proof.name, name, verdicts[name]) for name in names]


def caught(mutation: Mutation, folder: Path) -> Verdict:
    """What becomes of the property that a fault is for."""
    proof = {proof.name: proof for proof in PROOFS}[mutation.proof]
    translated(proof, folder, (mutation.before, mutation.after), mutation.module)
    found = circuits(folder, [mutation.caught])
    return search(found[mutation.caught], mutation.depth, 60)


def translated(
    proof: Proof, folder: Path, change: tuple[str, str] | None = None, where: str = ""
) -> list[str]:
    """Translate a proof's module, with a change in one of its modules; its properties' names."""

    def text_of(module: str) -> str:
        return source_of(module, (change,) if change and module == where else ())

    properties = (PROPERTIES / f"{proof.properties}.sv").read_text(encoding="utf-8")
    module = with_properties(text_of(proof.module), properties)
    text = "\n".join([*(text_of(other) for other in proof.others), module])
    translate(text, proof.top, proof.parameters, folder)
    return names_of(properties)


def main(arguments: Sequence[str] | None = None) -> int:
    """0 if nothing fails and every fault is caught."""
    parser = argparse.ArgumentParser(prog="python -m formal.prove", description=__doc__)
    parser.add_argument("names", nargs="*", help="proofs whose names contain one of these")
    parser.add_argument("--mutations", action="store_true", help="put faults in, one by one")
    options = parser.parse_args(arguments)
    if abc_program() is None:
        print(INSTALL, file=sys.stderr)
        return 2

    def wanted(name: str) -> bool:
        return not options.names or any(part in name for part in options.names)

    bad = 0
    if options.mutations:
        for mutation in MUTATIONS:
            if wanted(mutation.proof):
                with tempfile.TemporaryDirectory() as folder:
                    verdict = caught(mutation, Path(folder))
                bad += verdict.failed is None
                change = " ".join(mutation.before.split())[:50]
                print(f"{mutation.module:16}{change:52}{mutation.caught:30}{verdict}", flush=True)
        return int(bad > 0)
    for proof in PROOFS:
        if wanted(proof.name):
            print(f"{proof.name} ({proof.module})", flush=True)
            with tempfile.TemporaryDirectory() as folder:
                for found in proved(proof, Path(folder)):
                    bad += found.verdict.failed is not None
                    seconds = f"{found.verdict.seconds:.1f} s"
                    print(f"  {found.name:32}{found.verdict!s:36}{seconds:>8}", flush=True)
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
