"""The texts of a run as token ids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from tokenizers import Tokenizer

from tritstream.errors import OptionError, TokenizerError
from tritstream.train.data import Marks
from tritstream.train.text import Source
from tritstream.train.tokenizer import BOS, EOS, PARAGRAPH


@dataclass(frozen=True)
class Corpus:
    """train, validation: int64 ids, one array per source and split; *_bytes: sizes of the texts."""

    sources: list[Source]
    tokenizer: Tokenizer
    train: list[np.ndarray]
    validation: list[np.ndarray]
    train_bytes: list[int]
    validation_bytes: list[int]
    marks: Marks

    @property
    def bos(self) -> int:
        return self.marks.bos

    @property
    def vocab(self) -> int:
        return int(self.tokenizer.get_vocab_size())


def encode(tokenizer: Tokenizer, sources: list[Source]) -> Corpus:
    """Tokenize every source. Raises OptionError where nothing is left to validate on,
    TokenizerError for a tokenizer without BOS and EOS."""

    tokenizer.encode_special_tokens = True  # a text about </s> does not end there

    def ids(text: str) -> np.ndarray:
        return np.array(tokenizer.encode(text, add_special_tokens=False).ids, dtype=np.int64)

    validation = [ids(s.validation) for s in sources]
    if not sum(len(part) for part in validation):
        raise OptionError("the texts are too short to keep a part for validation; give more text")
    bos, eos = tokenizer.token_to_id(BOS), tokenizer.token_to_id(EOS)
    if bos is None or eos is None:
        raise TokenizerError(f"the tokenizer has no {BOS} or no {EOS}")
    # A tokenizer that never saw a blank line splits it in two; its last half ends a paragraph.
    paragraph = tokenizer.encode(PARAGRAPH, add_special_tokens=False).ids[-1]
    return Corpus(
        sources=sources,
        tokenizer=tokenizer,
        train=[ids(s.train) for s in sources],
        validation=validation,
        train_bytes=[len(s.train.encode()) for s in sources],
        validation_bytes=[len(s.validation.encode()) for s in sources],
        marks=Marks(paragraph, bos, eos),
    )
