"""What is proven of which module, and the faults that show that each property can fail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from formal.yosys import top_of

SMALL = {"USERS": 2, "BURST": 4, "DEPTH": 8, "BURSTS": 4}
ONE = SMALL | {"USERS": 1}
NARROW = {"BUS_BITS": 64, "BURST": 16}
WEIGHTS = NARROW | {"DATA_BITS": 64}
CONTROL = {"COUNT": 3, "OFFSETS": 0x001C_0018_0010, "NEEDED": 0b110, "READ_FROM": 0x80}
CHECK = {
    "COLUMN_WORDS": 4, "VECTOR_WORDS": 8, "ROOM_BEATS": 8, "VECTOR_BEATS": 8, "LOGITS_BEATS": 8,
    "ROWS": sum(8 << 32 * phase for phase in range(7)),
}  # fmt: skip
READ_WORDS = ("P_no_overflow", "P_word", "P_all_words", "P_words_of_a_user")
WRITE_WORDS = ("P_word", "P_announced_data_is_here", "P_all_words", "P_one_answer_each")
"""Properties that wait for the invariant with which they could be proven."""
FIFO, ANY = ("stream_fifo", "shell_fifo"), ("any_fifo",)
"""The FIFO itself, or what all FIFOs have in common."""


@dataclass(frozen=True)
class Proof:
    """Properties of a module with certain parameters.

    ``seconds`` is what an unbounded proof may take, ``depth`` (cycles) how far the search for a
    counterexample goes where that does not come to an end.
    """

    name: str
    module: str
    properties: str
    parameters: Mapping[str, int] = field(default_factory=dict)
    others: tuple[str, ...] = ()
    """Modules that it instantiates: the shell's, or of the properties' folder."""
    bounded: tuple[str, ...] = ()
    """Properties that are looked at to a depth only."""
    seconds: int = 30
    depth: int = 20
    cheap: bool = False
    """Small enough for Yosys alone, in every test run."""

    @property
    def top(self) -> str:
        """The module's name in Verilog."""
        return top_of(self.module)


PROOFS = (
    Proof("fifo", "stream_fifo", "stream_fifo", {"WIDTH": 2, "DEPTH": 4}, cheap=True),
    Proof(
        "fifo for open tools", "tritstream_fifo", "tritstream_fifo", {"WIDTH": 2, "DEPTH": 4},
        ("tritstream_ram",), cheap=True,
    ),
    Proof(
        "shallow fifo for open tools", "tritstream_fifo", "tritstream_fifo",
        {"WIDTH": 1, "DEPTH": 2}, ("tritstream_ram",), cheap=True,
    ),
    Proof("run", "shell_run", "shell_run", cheap=True),
    Proof("check", "shell_check", "shell_check", CHECK, cheap=True),
    Proof("control", "shell_control", "shell_control", CONTROL, cheap=True),
    Proof("reader of 128 bits, 2 users", "shell_reader", "shell_reader", {"USERS": 2}, ANY),
    Proof(
        "reader of 64 bits, 5 users", "shell_reader", "shell_reader", NARROW | {"USERS": 5}, ANY
    ),
    Proof("reader of weights of 64 bits", "shell_reader", "shell_reader", WEIGHTS, ANY),
    Proof(
        "words of a reader of 128 bits", "shell_reader", "shell_reader_data", SMALL, FIFO,
        READ_WORDS, 120, 16,
    ),
    Proof(
        "words of a reader of 64 bits", "shell_reader", "shell_reader_data",
        SMALL | {"BUS_BITS": 64}, FIFO, READ_WORDS, 120, 16,
    ),
    Proof(
        "response of a reader", "shell_reader", "shell_reader_live", ONE, FIFO, ("P_delivered",),
        depth=60,
    ),
    Proof("writer of 128 bits, 3 users", "shell_writer", "shell_writer", {"USERS": 3}, ANY),
    Proof(
        "writer of 64 bits, 3 users", "shell_writer", "shell_writer", NARROW | {"USERS": 3}, ANY
    ),
    Proof(
        "words of a writer of 128 bits", "shell_writer", "shell_writer_data", SMALL, FIFO,
        WRITE_WORDS, 120, 16,
    ),
    Proof(
        "words of a writer of 64 bits", "shell_writer", "shell_writer_data",
        SMALL | {"BUS_BITS": 64}, FIFO, WRITE_WORDS, 120, 16,
    ),
    Proof(
        "response of a writer", "shell_writer", "shell_writer_live", ONE, FIFO, ("P_answered",),
        depth=60,
    ),
    Proof("slice of a Zynq-7000", "zynq7_slice", "zynq7_slice", {"WIDTH": 4}, cheap=True),
    Proof("control of a Zynq-7000", "zynq7_control", "zynq7_control", cheap=True),
)  # fmt: skip
