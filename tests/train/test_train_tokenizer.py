import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from support.stories import story
from tritstream.train.tokenizer import BOS, EOS, tokenizer_config, train_tokenizer


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer([story(1, 60)], 320)


def test_size_and_specials(tokenizer: Tokenizer) -> None:
    assert tokenizer.get_vocab_size() == 320
    assert (tokenizer.token_to_id(BOS), tokenizer.token_to_id(EOS)) == (0, 1)
    assert tokenizer.encode("The fox").ids[0] == 0
    assert 0 not in tokenizer.encode("The fox", add_special_tokens=False).ids
    assert json.loads(tokenizer_config())["bos_token"] == BOS


def test_it_learned_words(tokenizer: Tokenizer) -> None:
    assert len(tokenizer.encode(" the lantern.", add_special_tokens=False).ids) <= 4


def test_a_paragraph_end_is_one_token_whatever_follows(tokenizer: Tokenizer) -> None:
    (end,) = tokenizer.encode("\n\n", add_special_tokens=False).ids
    for text in ("a loaf.\n\nThe fox", "a loaf.\n\n", 'a loaf.\n\n"No'):
        assert tokenizer.encode(text, add_special_tokens=False).ids.count(end) == 1


@given(st.text(max_size=200))
def test_any_unicode_round_trips(text: str) -> None:
    tokenizer = _cached()
    ids = tokenizer.encode(text, add_special_tokens=False).ids
    if BOS not in text and EOS not in text:
        assert tokenizer.decode(ids) == text


def _cached(store: list[Tokenizer] = []) -> Tokenizer:  # noqa: B006 (one tokenizer for all examples)
    if not store:
        store.append(train_tokenizer([story(1, 60)], 320))
    return store[0]
