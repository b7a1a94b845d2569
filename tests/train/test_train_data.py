from itertools import pairwise

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed (extra `train`)")

import torch

from tritstream.train.data import LONGEST_PIECE, Marks, Stream, cuts, documents, windows
from tritstream.train.schedule import Mixture

MARKS = Marks(paragraph=2, bos=0, eos=1)


def tokens(size: int, seed: int = 0) -> np.ndarray:
    """One document: ids from 2 up, about every twelfth a paragraph end, and EOS."""
    random = np.random.default_rng(seed)
    ids = np.where(random.random(size) < 1 / 12, 2, random.integers(3, 50, size))
    return np.append(ids, MARKS.eos).astype(np.int64)


def stories(count: int, seed: int = 0) -> np.ndarray:
    """Documents of up to 300 tokens, the last longer than a piece; each begins with its number."""
    sizes = np.random.default_rng(seed).integers(1, 300, count)
    parts = [np.append(50 + k, tokens(size, k)) for k, size in enumerate(sizes)]
    return np.concatenate([*parts, tokens(2 * LONGEST_PIECE)])


def pieces_of(stream: Stream) -> list[tuple[np.ndarray, np.ndarray]]:
    """The whole pieces of an epoch that lane 0 reads, as (inputs without BOS, targets)."""
    batches = [stream.next() for _ in range(stream.steps)]
    inputs = np.concatenate([b.inputs[0] for b in batches])
    targets = np.concatenate([b.targets[0] for b in batches])
    starts = np.flatnonzero(inputs == MARKS.bos)
    return [(inputs[a + 1 : b], targets[a:b]) for a, b in pairwise(starts)]


def test_a_document_is_read_from_its_start_to_its_end() -> None:
    file = stories(60)
    whole = {bytes(document) for document in documents(file, MARKS.eos)}
    assert len(whole) == 61
    pieces = pieces_of(Stream([file], 1, 32, MARKS, seed=3))
    read = [bytes(targets) for _, targets in pieces if targets[-1] == MARKS.eos]
    assert len(read) > 55 and len(set(read)) == len(read)
    assert sum(one in whole for one in read) >= len(read) - 1  # the long one comes in pieces
    for inputs, targets in pieces:
        assert np.array_equal(inputs, targets[:-1])


def test_a_long_document_is_cut_at_paragraphs_and_a_cut_is_no_end() -> None:
    file = tokens(20_000)
    pieces = pieces_of(Stream([file], 1, 32, MARKS, seed=3))
    assert len(pieces) > 10
    places = []
    for inputs, targets in pieces:
        assert inputs[-1] == MARKS.paragraph or targets[-1] == MARKS.eos
        found = [k for k in range(len(file)) if np.array_equal(file[k : k + 40], targets[:40])]
        assert len(found) == 1
        assert np.array_equal(file[found[0] : found[0] + len(targets)], targets)
        places.append((found[0], found[0] + len(targets) - 1))
    places.sort()
    # One after the other, but for the piece that the end of the epoch cuts off.
    assert sum(b != c for (_, b), (c, _) in pairwise(places)) <= 1


def test_cuts_end_where_the_document_does() -> None:
    document = tokens(20_000)[:-1]
    found = cuts(document, MARKS.paragraph, np.random.default_rng(3))
    assert found[-1] == len(document) and all(a < b for a, b in pairwise(found))
    assert all(document[k - 1] == MARKS.paragraph for k in found[:-1])
    assert cuts(document[:LONGEST_PIECE], MARKS.paragraph, np.random.default_rng(3)) == [
        LONGEST_PIECE
    ]


def test_lanes_read_on_and_reset_at_documents() -> None:
    stream = Stream([tokens(5000), stories(20, 1)], 4, 32, MARKS, seed=7)
    before = stream.next()
    assert before.reset[:, 0].all()
    for _ in range(stream.steps - 1):
        batch = stream.next()
        joined = batch.reset[:, 0]
        assert (before.targets[:, -1] == batch.inputs[:, 0])[~joined].all()
        assert (batch.reset == (batch.inputs == MARKS.bos)).all()
        before = batch


def test_position_is_the_whole_state() -> None:
    files = [tokens(3000), stories(20)]
    one = Stream(files, 4, 32, MARKS, seed=7)
    for _ in range(one.steps + 2):  # into the second epoch
        one.next()
    two = Stream(files, 4, 32, MARKS, 7, one.epoch, one.position)
    assert one.epoch == 1
    for a, b in zip(one.next(), two.next(), strict=True):
        assert a.equal(b)


def test_processes_read_their_lanes_of_the_same_batches() -> None:
    files = [stories(30), tokens(3000)]
    whole = Stream(files, 4, 32, MARKS, seed=7)
    parts = [Stream(files, 4, 32, MARKS, 7, own=own) for own in (slice(0, 2), slice(2, 4))]
    for _ in range(2 * whole.steps):  # over the end of an epoch
        batch, shares = whole.next(), [part.next() for part in parts]
        for k, tensor in enumerate(batch):
            assert torch.cat([share[k] for share in shares]).equal(tensor)


def test_epochs_and_seeds_differ() -> None:
    files = [tokens(3000)]
    first = Stream(files, 4, 32, MARKS, seed=7).next().inputs
    assert not first.equal(Stream(files, 4, 32, MARKS, seed=8).next().inputs)
    assert not first.equal(Stream(files, 4, 32, MARKS, seed=7, epoch=1).next().inputs)


def test_a_share_of_a_file_reads_all_of_it_in_turns() -> None:
    file = np.concatenate([[50 + k, 3, 4, MARKS.eos] for k in range(40)])
    other = np.concatenate([[100 + k, 3, MARKS.eos] for k in range(10)])
    mixture = Mixture(early=(0.25, 1.0), late=(1.0, 0.0), epochs=4)
    seen = []
    for epoch in range(6):
        batch = Stream([file, other], 1, 4, MARKS, 7, epoch, mixture=mixture)
        read = np.concatenate([batch.next().inputs[0] for _ in range(batch.steps)])
        seen.append({int(t) for t in read if t >= 50})
    early = [{t for t in epoch if t < 100} for epoch in seen[:4]]
    # The last piece of an epoch may be cut off at the last whole step.
    assert all(9 <= len(turn) <= 10 for turn in early) and len(set().union(*early)) >= 38
    assert not any(a & b for a, b in pairwise(early))
    assert all(any(t >= 100 for t in epoch) for epoch in seen[:4])
    assert all(len(epoch) >= 39 and max(epoch) < 100 for epoch in seen[4:])


def test_a_text_shorter_than_a_step_is_repeated() -> None:
    batch = Stream([tokens(100)], 8, 64, MARKS, seed=1).next()
    assert batch.inputs.shape == (8, 64)


@pytest.mark.parametrize("size", [1, 63, 64, 65, 1000])
def test_windows_score_every_token_once(size: int) -> None:
    file = tokens(size)
    pieces = windows(file, 64, MARKS.bos, MARKS.eos)
    assert np.array_equal(np.concatenate([t for _, t in pieces]), file)
    for inputs, targets in pieces:
        assert inputs[0] == MARKS.bos and np.array_equal(inputs[1:], targets[:-1])


def test_a_document_starts_a_window() -> None:
    file = stories(10)
    pieces = windows(file, 64, MARKS.bos, MARKS.eos)
    assert np.array_equal(np.concatenate([t for _, t in pieces]), file)
    assert all(MARKS.eos not in targets[:-1] for _, targets in pieces)
