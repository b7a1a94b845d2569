"""The texts of a run as token ids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from tritstream.errors import TokenizerError
from tritstream.train.data import Marks
from tritstream.train.tokenizer import BOS, EOS, PARAGRAPH


@dataclass(frozen=True)
class Corpus:
    """train, validation: ids, one array per source and split, EOS after each document.

    names, digests: of the sources. *_bytes: sizes of the texts, in UTF-8 bytes, ends of documents
    not counted.
    """

    names: list[str]
    digests: list[str]
    tokenizer: Tokenizer
    train: list[np.ndarray]
    validation: list[np.ndarray]
    train_bytes: list[int]
    validation_bytes: list[int]
    marks: Marks

    @property
    def vocab(self) -> int:
        return int(self.tokenizer.get_vocab_size())


def marks_of(tokenizer: Tokenizer) -> Marks:
    """The token ids that structure a text. Raises TokenizerError for one without BOS and EOS."""
    bos, eos = tokenizer.token_to_id(BOS), tokenizer.token_to_id(EOS)
    if bos is None or eos is None:
        raise TokenizerError(f"the tokenizer has no {BOS} or no {EOS}")
    # A tokenizer that never saw a blank line splits it in two; its last half ends a paragraph.
    paragraph = tokenizer.encode(PARAGRAPH, add_special_tokens=False).ids[-1]
    return Marks(paragraph, bos, eos)
