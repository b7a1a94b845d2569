import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed (extra `train`)")

from tritstream.train.data import Marks, Stream, documents, windows

MARKS = Marks(paragraph=2, bos=0, eos=1)


def tokens(size: int, seed: int = 0) -> np.ndarray:
    """Ids from 2 up; about every twelfth is a paragraph end."""
    random = np.random.default_rng(seed)
    return np.where(random.random(size) < 1 / 12, 2, random.integers(3, 50, size)).astype(np.int64)


def test_documents_cover_the_file_once_and_predict_what_really_follows() -> None:
    file = tokens(20_000)
    pieces = list(documents(file, MARKS, np.random.default_rng(3)))
    assert len(pieces) > 10
    assert all(inputs[0] == MARKS.bos for inputs, _ in pieces)
    assert np.array_equal(np.concatenate([inputs[1:] for inputs, _ in pieces]), file)
    for inputs, targets in pieces:
        assert np.array_equal(inputs[1:], targets[:-1])
    last = np.array([targets[-1] for _, targets in pieces])
    first = np.array([inputs[1] for inputs, _ in pieces[1:]] + [MARKS.eos])
    assert np.array_equal(last, first)
    assert all(inputs[-1] == MARKS.paragraph for inputs, _ in pieces[:-1])


def test_lanes_read_on_and_reset_at_documents() -> None:
    stream = Stream([tokens(5000), tokens(4000, 1)], 4, 32, MARKS, seed=7)
    before = stream.next()
    assert before.reset[:, 0].all()
    for _ in range(stream.steps - 1):
        batch = stream.next()
        joined = batch.reset[:, 0]
        assert (before.targets[:, -1] == batch.inputs[:, 0])[~joined].all()
        assert (batch.reset == (batch.inputs == MARKS.bos)).all()
        before = batch


def test_position_is_the_whole_state() -> None:
    files = [tokens(3000)]
    one = Stream(files, 4, 32, MARKS, seed=7)
    for _ in range(one.steps + 2):  # into the second epoch
        one.next()
    two = Stream(files, 4, 32, MARKS, 7, one.epoch, one.position)
    assert one.epoch == 1
    for a, b in zip(one.next(), two.next(), strict=True):
        assert a.equal(b)


def test_epochs_and_seeds_differ() -> None:
    files = [tokens(3000)]
    first = Stream(files, 4, 32, MARKS, seed=7).next().inputs
    assert not first.equal(Stream(files, 4, 32, MARKS, seed=8).next().inputs)
    assert not first.equal(Stream(files, 4, 32, MARKS, seed=7, epoch=1).next().inputs)


def test_a_text_shorter_than_a_step_is_repeated() -> None:
    batch = Stream([tokens(100)], 8, 64, MARKS, seed=1).next()
    assert batch.inputs.shape == (8, 64)


@pytest.mark.parametrize("size", [1, 63, 64, 65, 1000])
def test_windows_score_every_token_once(size: int) -> None:
    file = tokens(size)
    pieces = windows(file, 64, MARKS.bos)
    assert np.array_equal(np.concatenate([t for _, t in pieces]), file)
    for inputs, targets in pieces:
        assert inputs[0] == MARKS.bos and np.array_equal(inputs[1:], targets[:-1])
