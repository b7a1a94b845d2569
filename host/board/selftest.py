"""The self-test of a loaded model: its first layer on the engine against the specification.

It costs about a second for the 370M geometry on a board and catches what no register tells: an
overlay that computes something else, weights that never left the caches, a broken memory port.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tritstream.board.errors import (
    BoardError,
    BusError,
    CacheError,
    EngineTimeoutError,
    MemoryShortError,
    NoResultError,
    WrongResultError,
    WrongWeightsError,
)
from tritstream.board.memory import Buffers
from tritstream.kernels.registers import Counters, weights_checksum
from tritstream.numerics.integers import Ints
from tritstream.packing.weights import weights_of_image
from tritstream.spec import Saturations, decoder_layer, fixed_operations

if TYPE_CHECKING:
    from tritstream.board.runtime import BoardRuntime

_TOKEN = 1


def check_first_layer(runtime: BoardRuntime) -> None:
    """Compare the engine's first layer with the specification's, bit for bit.

    Raises WrongResultError, NoResultError, EngineTimeoutError, WrongWeightsError if the engine read
    other weights than the image holds, or CacheError if the same layer comes out right through
    uncached memory. The runtime's buffers are given up in any of these
    cases.
    """
    image = runtime.image
    x = image.embedding.residual(_TOKEN)
    profile = image.header.layout.profile
    expected = decoder_layer(
        x[None],
        np.zeros(image.geometry.hidden, np.int64),
        weights_of_image(image).layer(0),
        fixed_operations(profile),
        profile,
        Saturations(),
    )
    expected = expected[0][0], expected[1]
    try:
        _compare(runtime.first_layer(x), expected, x)
    except BoardError as error:
        if weights := _wrong_weights(runtime):
            raise WrongWeightsError(weights) from error
        try:
            right = _right_without_caches(runtime, x, expected)
        except MemoryShortError:
            right = False
        if right:
            raise CacheError(
                f"the first layer is right through uncached memory but not through cached memory "
                f"({error}): a cache is not synchronised; check that the overlay's memory ports "
                f"are not set to be coherent, and update the board's image"
            ) from error
        raise


@dataclass(frozen=True)
class RecordCheck:
    """What the weight ports delivered of one record, and what the image holds: words and checksums
    (`weights_checksum`) by port."""

    name: str
    found: Counters
    words: tuple[int, ...]
    checksums: tuple[int, ...]

    def problem(self, source: str) -> str | None:
        """What is wrong, as a sentence with record and port; None if nothing is."""
        for port, (words, checksum) in enumerate(zip(self.words, self.checksums, strict=True)):
            if self.found.words[port] != words:
                return (
                    f"weight port {port} delivered {self.found.words[port]} words of {self.name}, "
                    f"which has {words}: the overlay was built for something else, or is broken; "
                    f"compare its hash with `tritstream overlay verify`"
                )
            if self.found.checksums[port] != checksum:
                return (
                    f"weight port {port} delivered other weights of {self.name} than {source} "
                    f"holds (checksum {self.found.checksums[port]:#010x} instead of "
                    f"{checksum:#010x}): a bit of the memory is wrong, a cache was not written "
                    f"back, or ports are exchanged. Load the model again; if it stays, check the "
                    f"board's memory and the overlay (`tritstream overlay verify`)"
                )
        return None


def check_record(runtime: BoardRuntime, index: int) -> RecordCheck | None:
    """Run one record alone and look at what the weight ports delivered; None for an engine without
    the project's shell, which has no checksums. Afterwards the text's state is of no use."""
    found = runtime.run_record(index)
    if found is None:
        return None
    image = runtime.image
    layout, data = image.layout(index), image.record(index)
    streams = [layout.words(layout.stream(data, p)) for p in range(layout.layout.ports)]
    return RecordCheck(
        image.header.records[index].name,
        found,
        tuple(len(words) for words in streams),
        tuple(weights_checksum(words) for words in streams),
    )


def check_weights(runtime: BoardRuntime) -> None:
    """Run every record alone and compare the checksums of what the weight ports delivered.

    It takes about the time of a token and that of reading the image once. An engine without the
    project's shell has no checksums: nothing is checked. Afterwards the text's state is of no use.
    Raises WrongWeightsError naming record and port.
    """
    for index in range(len(runtime.image.header.records)):
        check = check_record(runtime, index)
        if check is None:
            return
        if problem := check.problem(runtime.image.source):
            raise WrongWeightsError(problem)


def _wrong_weights(runtime: BoardRuntime) -> str | None:
    """What checksums say against layer 0's weights; None also where the engine does not get so far
    as to read all of them."""
    try:
        check = check_record(runtime, 0)
    except BoardError:
        return None
    if check is None or check.found.words != check.words:
        return None
    return check.problem(runtime.image.source)


def _compare(got: tuple[Ints, Ints], expected: tuple[Ints, Ints], x: Ints) -> None:
    if np.array_equal(got[0], x) and not got[1].any():
        raise NoResultError(
            "the engine reported done for layer 0, but nothing of its result is in memory: its "
            "accesses fail (an AXI error: a wrong address, or a memory port that is off), or "
            "caches are not synchronised"
        )
    for name, is_, should in zip(("residual", "state"), got, expected, strict=True):
        wrong = np.flatnonzero(is_ != should)
        if len(wrong):
            i = int(wrong[0])
            raise WrongResultError(
                f"the engine's layer 0 differs from the specification in {len(wrong)} of "
                f"{len(is_)} elements of the {name}, first in element {i}: {int(is_[i])} instead "
                f"of {int(should[i])}: the overlay was built for something else, or is broken; "
                f"compare its hash with `tritstream overlay verify`"
            )


def _right_without_caches(runtime: BoardRuntime, x: Ints, expected: tuple[Ints, Ints]) -> bool:
    """Whether the layer comes out right from uncached buffers of its own."""
    from tritstream.kernels.arguments import argument_table
    from tritstream.kernels.descriptors import (
        DESCRIPTOR_WORDS,
        GEOMETRY_WORDS,
        descriptor,
        geometry_words,
    )
    from tritstream.kernels.memories import DESCRIPTORS, RECORDS, STATE, VECTOR, base_addresses
    from tritstream.kernels.registers import window

    runtime.close()
    image, driver = runtime.image, runtime._driver
    with Buffers(runtime._device) as buffers:
        record = buffers.new(image.record(0).size, np.uint8, cacheable=False)
        memories, shapes = runtime.memories, runtime.memories.shapes()
        made = {name: buffers.new(*shapes[name], cacheable=False) for name in shapes}
        record[:] = image.record(0)
        made[DESCRIPTORS][:] = 0
        row = slice(GEOMETRY_WORDS, GEOMETRY_WORDS + DESCRIPTOR_WORDS)
        made[DESCRIPTORS][row] = descriptor(image.layout(0), 0, 0)
        made[DESCRIPTORS][:GEOMETRY_WORDS] = geometry_words(
            image.layer_layout, image.head_layout, runtime.hardware.element_lanes
        )
        made[VECTOR][:] = 0
        memories.vector(np.asarray(made[VECTOR]))[:] = x
        made[STATE][:] = 0
        addresses = {name: int(buffer.device_address) for name, buffer in made.items()}
        addresses[RECORDS] = int(record.device_address)
        places = base_addresses(argument_table(runtime.hardware), addresses)
        runtime._load_overlay()
        driver = runtime._driver
        for name, address in places.items():
            driver.set_address(name, address)
        driver.set_window(*window(buffers.spans))
        driver.set_scalar("first", 0)
        driver.set_scalar("last", 0)
        driver.start()
        try:
            driver.wait(runtime.options.time_limit_s)
        except (EngineTimeoutError, BusError):
            runtime._load_overlay()
            return False
        state = memories.state(np.array(made[STATE]))[0].astype(np.int64)
        got = memories.vector(np.array(made[VECTOR])), state
        return all(np.array_equal(a, b) for a, b in zip(got, expected, strict=True))
