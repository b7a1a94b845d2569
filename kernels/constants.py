"""What is fixed when hardware is made, as plain numbers that the kernels' sources import by name.

Allo compiles module-level constants into the hardware. `configure` sets them from a build
configuration, once per process and before the first kernel is imported; a kernel imported earlier
fails with a sentence that says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tritstream.configurations import PORT_BYTES, Configuration
from tritstream.errors import ConfigurationError
from tritstream.image.records import HEADER_FIELDS, RecordLayout, round_up
from tritstream.kernels.arguments import BEAT_BYTES, argument_table
from tritstream.numerics.profiles import (
    CODE_MAX,
    MANTISSA_BITS,
    SIGMOID_RANGE_LOG2,
    VECTOR_BITS,
)
from tritstream.numerics.sigmoid import sigmoid_table

PHASES = ("i", "f", "g", "o", "gate", "down", "head")
"""The matrices in the order of the phase tables: a decoder layer is 0..5, the LM head is 6."""
PHASE_I, PHASE_F, PHASE_G, PHASE_O, PHASE_GATE, PHASE_DOWN, PHASE_HEAD = range(7)
PHASE_GATE_B = 7
"""The second half of the gate matrix's rows, for which the sums mean something else."""


def constants_of(configuration: Configuration) -> dict[str, Any]:
    """The constants of a configuration by name.

    Widths of vectors are in elements, in words of ``LANES`` columns or in words of
    ``ELEMENT_LANES`` elements; memories and streams are in beats of 128 bits. Raises
    ConfigurationError where the geometry does not fit the hardware.
    """
    c, g, p = configuration, configuration.geometry, configuration.profile
    table = argument_table(c)
    assert g is not None
    _check(c)
    longest = max(g.hidden, g.intermediate)
    word_beats = c.element_lanes * p.element_bits // (8 * BEAT_BYTES)
    layouts = {kind: RecordLayout(c, kind) for kind in ("layer", "head")}
    phases = [*layouts["layer"].phases, *layouts["head"].phases]

    def per_phase(values: list[int]) -> npt.NDArray[np.int32]:
        return np.array(values, np.int32)

    sigmoid = sigmoid_table(p)
    return {
        "HIDDEN": g.hidden,
        "INTERMEDIATE": g.intermediate,
        "VOCABULARY": g.vocabulary,
        # The mat-vec: words of LANES bytes from PORTS ports, ROWS rows in a byte.
        "PORTS": c.ports,
        "PORT_LANES": PORT_BYTES,
        "LANES": c.lanes,
        "ROWS": c.rows_per_byte,
        "BASE3": int(c.packing == "base3"),
        "COLUMN_WORDS": longest // c.lanes,
        # The norm: ELEMENT_LANES elements at a time, GROUPS such words to a weight word.
        "ELEMENT_LANES": c.element_lanes,
        "ELEMENT_LANES_LOG2": c.element_lanes.bit_length() - 1,
        "LANE_MASK": c.element_lanes - 1,
        "GROUPS": c.lanes // c.element_lanes,
        "VECTOR_WORDS": longest // c.element_lanes,
        "ELEMENT_BITS": p.element_bits,
        "ELEMENT_WORD_BITS": c.element_lanes * p.element_bits,
        "WORD_BEATS": word_beats,
        "HEADER_BEATS": round_up(4 * len(HEADER_FIELDS), word_beats * BEAT_BYTES) // BEAT_BYTES,
        # Tables by phase.
        "PHASE_WEIGHT_WORDS": per_phase([f.words for f in phases]),
        "PHASE_COLUMN_WORDS": per_phase([f.words_per_group for f in phases]),
        "PHASE_ROWS": per_phase([f.matrix.rows for f in phases]),
        "PHASE_VECTOR_WORDS": per_phase([f.matrix.cols // c.element_lanes for f in phases]),
        "PHASE_ROOM_BEATS": per_phase(
            [
                round_up(4 * f.matrix.rows, word_beats * BEAT_BYTES) // BEAT_BYTES
                if f.room is not None
                else 0
                for f in phases
            ]
        ),
        # A square matrix of the hidden size, for the mat-vec alone.
        "MATRIX_WORDS": layouts["layer"].phase("i").words,
        "MATRIX_COLUMN_WORDS": layouts["layer"].phase("i").words_per_group,
        "LAYER_WEIGHT_WORDS": sum(f.words for f in layouts["layer"].phases),
        "HEAD_WEIGHT_WORDS": sum(f.words for f in layouts["head"].phases),
        # Memories of the top, in beats, and how vectors lie in them.
        **{f"{a.name.upper()}_BEATS": a.beats for a in table if a.kind == "memory"},
        "VECTOR_BEATS": g.hidden // 2,
        "STATE_BEATS": g.hidden // 4,
        "HELD": longest,
        # Number formats, named as in the profile.
        "VECTOR_BITS": VECTOR_BITS,
        "NORMAL_BITS": p.vector_bits,
        "GAIN_BITS": p.gain_bits,
        "BLOCK_BITS": p.block_bits,
        "SQUARE_BITS": p.square_bits,
        "CODE_BITS": p.code_bits,
        "SCALE_BITS": p.scale_bits,
        "MANTISSA_BITS": MANTISSA_BITS,
        "CODE_MAX": CODE_MAX,
        "GATE_FRAC": p.gate_frac,
        "SIGMOID_FRAC": p.sigmoid_frac,
        "SIGMOID_ONE": p.one,
        "SIGMOID_CELL_FRAC": p.gate_frac - p.sigmoid_cells_log2,
        "SIGMOID_CELLS": len(sigmoid.a),
        "SIGMOID_LAST": (1 << (p.gate_frac + SIGMOID_RANGE_LOG2)) - 1,
        "SIGMOID_A": sigmoid.a.astype(np.int32),
        "SIGMOID_B": sigmoid.b.astype(np.int32),
        "SIGMOID_C": sigmoid.c.astype(np.int32),
        # A sum of a mat-vec is below 127 * the longest row.
        "SUM_BITS": (CODE_MAX * longest).bit_length() + 1,
    }


def configure(configuration: Configuration) -> None:
    """Make this configuration's constants importable from this module."""
    globals().update(constants_of(configuration))


def __getattr__(name: str) -> Any:
    if name.isupper():
        raise ConfigurationError(
            f"the kernels' constant {name} is not set: kernels are compiled for a configuration, "
            f"run `python -m tritstream.kernels build`"
        )
    raise AttributeError(name)


def _check(c: Configuration) -> None:
    g = c.geometry
    assert g is not None
    where = f"configuration '{c.name}'"
    for name, width in (("hidden", g.hidden), ("intermediate", g.intermediate)):
        if width % c.lanes or width % c.element_lanes:
            raise ConfigurationError(
                f"{where}: {name} size {width} does not fit the word width: it must be "
                f"a multiple of {c.lanes} lanes and of {c.element_lanes} element lanes"
            )
        if width // c.lanes < c.rows_per_byte:
            raise ConfigurationError(
                f"{where}: {name} size {width} is {width // c.lanes} words of {c.lanes} lanes, "
                f"fewer than the {c.rows_per_byte} rows that drain one a cycle: choose a "
                f"narrower word"
            )
    if g.vocabulary % 4:
        raise ConfigurationError(
            f"{where}: a vocabulary of {g.vocabulary} does not fit beats of four logits: pad it to "
            f"a multiple of 4"
        )
    if c.lanes % c.element_lanes:
        raise ConfigurationError(
            f"{where}: {c.element_lanes} element lanes do not divide a word of {c.lanes} lanes"
        )
