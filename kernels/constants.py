"""What is fixed when hardware is made, as plain numbers that the kernels' sources import by name.

Allo compiles module-level constants into the hardware. `configure` sets them from a build
configuration, once per process and before the first kernel is imported; a kernel imported earlier
fails with a sentence that says so.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tritstream.boards import Board
from tritstream.configurations import Configuration
from tritstream.errors import ConfigurationError
from tritstream.image.records import HEADER_FIELDS, RecordLayout
from tritstream.kernels.arguments import (
    BEAT_BYTES,
    GEOMETRY_BEATS,
    PREFETCH_WORDS,
    argument_table,
)
from tritstream.kernels.descriptors import HEAD, LAYER, READ_TEST
from tritstream.numerics.profiles import (
    CODE_MAX,
    MANTISSA_BITS,
    SIGMOID_RANGE_LOG2,
    VECTOR_BITS,
)
from tritstream.numerics.sigmoid import sigmoid_table

# The matrices in the order of the phase tables: a decoder layer is 0..5, the LM head is 6.
PHASE_I, PHASE_F, PHASE_G, PHASE_O, PHASE_GATE, PHASE_DOWN, PHASE_HEAD = range(7)
ULTRA_RAM = ("values", "residual", "held", "opened")
PHASE_GATE_B = 7
"""The second half of the gate matrix's rows, for which the sums mean something else."""


def ultra_ram(configuration: Configuration, board: Board) -> tuple[str, ...]:
    """The core's arrays that go into UltraRAM: where a part has it, and a start has several tokens,
    those that are long then and have one read and one write port."""
    return ULTRA_RAM if board.uram and configuration.tokens > 1 else ()


def constants_of(configuration: Configuration) -> dict[str, Any]:
    """The constants of a configuration by name.

    Widths of vectors are in elements, in words of ``LANES`` columns or in words of
    ``ELEMENT_LANES`` elements; memories and streams are in beats of 128 bits, weights in words of
    a port. What the engine holds is as long as the largest model needs; kernels that are compiled
    by themselves work on `Configuration.sample`.
    """
    c, g, p = configuration, configuration.sample, configuration.profile
    longest = max(c.hidden, c.intermediate)
    matrix = RecordLayout(c.layout, g, "layer").phase("i")
    sigmoid = sigmoid_table(p)
    return {
        "HIDDEN": g.hidden,
        "INTERMEDIATE": g.intermediate,
        # The mat-vec: words of LANES bytes from PORTS ports, ROWS rows in a byte.
        "PORTS": c.ports,
        "PORT_LANES": c.port_bytes,
        "PORT_BITS": 8 * c.port_bytes,
        **{f"PORT_{port}": port for port in range(c.ports)},
        # Where a descriptor's row has the offset of a port's stream: its beat, and the bits in it.
        **{f"ROW_BEAT_{port}": (2 + port) // 4 for port in range(c.ports)},
        **{f"ROW_LOW_{port}": 32 * ((2 + port) % 4) for port in range(c.ports)},
        **{f"ROW_HIGH_{port}": 32 * ((2 + port) % 4) + 32 for port in range(c.ports)},
        "PREFETCH_WORDS": PREFETCH_WORDS,
        "PORT_WORDS_LOG2": (BEAT_BYTES // c.port_bytes).bit_length() - 1,
        "LANES": c.lanes,
        "ROWS": c.rows_per_byte,
        "BASE3": int(c.packing == "base3"),
        "COLUMN_WORDS": longest // c.lanes,
        # The norm: ELEMENT_LANES elements at a time, GROUPS such words to a weight word.
        "ELEMENT_LANES": c.element_lanes,
        "ELEMENT_LANES_LOG2": c.element_lanes.bit_length() - 1,
        "LANE_MASK": c.element_lanes - 1,
        "GROUPS": c.lanes // c.element_lanes,
        # Vectors that share a pass over the weights.
        "TOKENS": c.tokens,
        "VECTOR_WORDS": longest // c.element_lanes,
        "ELEMENT_BITS": p.element_bits,
        "ELEMENT_WORD_BITS": c.element_lanes * p.element_bits,
        "WORD_BEATS": c.element_lanes * p.element_bits // (8 * BEAT_BYTES),
        "HEADER_BEATS": 4 * len(HEADER_FIELDS) // BEAT_BYTES,
        "GEOMETRY_BEATS": GEOMETRY_BEATS,
        # Kinds of records.
        "LAYER": LAYER,
        "HEAD": HEAD,
        "READ_TEST": READ_TEST,
        # A square matrix of the hidden size, for the mat-vec alone.
        "MATRIX_WORDS": matrix.words,
        "MATRIX_COLUMN_WORDS": matrix.words_per_group,
        # Memories of the top, in beats, and how vectors lie in them.
        **{f"{a.name.upper()}_BEATS": a.beats for a in argument_table(c) if a.kind == "memory"},
        "VECTOR_BEATS": c.hidden // 2,
        "STATE_BEATS": c.hidden // 4,
        "STATE_WORDS": c.hidden,
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
    constants = constants_of(configuration)
    for name, value in constants.items():
        # Literals of Allo are int32: what is wider is silently cut in the emitted C++.
        if np.any(np.abs(np.asarray(value, np.int64)) >= 1 << 31):
            raise ConfigurationError(f"the kernels' constant {name} does not fit an int32: {value}")
    globals().update(constants)


def __getattr__(name: str) -> Any:
    if name.isupper():
        raise ConfigurationError(
            f"the kernels' constant {name} is not set: kernels are compiled for a configuration, "
            f"run `python -m tritstream.kernels build`"
        )
    raise AttributeError(name)
