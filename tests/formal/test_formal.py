"""Proofs of the shell: in every run some cycles by Yosys alone, in the long one all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from formal.abc import INSTALL, abc_program
from formal.mutations import MUTATIONS, Mutation
from formal.proofs import PROOFS, Proof
from formal.prove import caught, proved, translated
from formal.yosys import PROPERTIES, holds_for, names_of, source_of

CYCLES = 12
CHEAP = [proof for proof in PROOFS if proof.cheap]

needs_abc = pytest.mark.skipif(abc_program() is None, reason=INSTALL)


def name_of(proof: Proof) -> str:
    return proof.name


@pytest.mark.parametrize("proof", CHEAP, ids=name_of)
def test_no_property_fails_in_the_first_cycles(proof: Proof, tmp_path: Path) -> None:
    assert translated(proof, tmp_path)
    assert holds_for(proof.top, proof.parameters, CYCLES, tmp_path)


def test_a_fault_is_seen_by_yosys_alone(tmp_path: Path) -> None:
    """What the test above is worth."""
    proof = next(proof for proof in CHEAP if proof.name == "run")
    translated(
        proof, tmp_path, ("following = armed ? BEGIN : FINISH", "following = BEGIN"), proof.module
    )
    assert not holds_for(proof.top, proof.parameters, CYCLES, tmp_path)


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: f"{m.module}-{m.caught}")
def test_every_fault_can_be_put_in(mutation: Mutation) -> None:
    source_of(mutation.module, [(mutation.before, mutation.after)])
    proof = next(proof for proof in PROOFS if proof.name == mutation.proof)
    assert mutation.module in (proof.module, *proof.others)
    properties = (PROPERTIES / f"{proof.properties}.sv").read_text(encoding="utf-8")
    assert mutation.caught in names_of(properties)


@pytest.mark.long
@needs_abc
@pytest.mark.parametrize("proof", PROOFS, ids=name_of)
def test_the_shell_is_proven(proof: Proof, tmp_path: Path) -> None:
    found = list(proved(proof, tmp_path))
    assert found
    assert [p for p in found if p.verdict.failed is not None] == []
    for p in found:
        enough = p.name in proof.bounded and p.verdict.depth >= proof.depth
        assert p.verdict.proven or enough, p


@pytest.mark.long
@needs_abc
@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: f"{m.module}-{m.caught}")
def test_every_fault_is_caught(mutation: Mutation, tmp_path: Path) -> None:
    assert caught(mutation, tmp_path).failed is not None
