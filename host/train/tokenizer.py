"""A byte-level BPE tokenizer of its own, trained on the training split."""

from __future__ import annotations

import json
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

BOS = "<s>"
EOS = "</s>"
PARAGRAPH = "\n\n"

# As GPT-2's pattern, but a run of line ends is always one piece of its own, so that a paragraph's
# tokens do not depend on what follows it.
PIECES = (
    r"\n+|'(?:s|t|re|ve|m|ll|d)\b| ?\p{L}+| ?\p{N}{1,3}| ?[^\s\p{L}\p{N}]+|[^\S\n]+(?=\s|$)|[^\S\n]"
)


def train_tokenizer(texts: Iterable[str], vocab: int) -> Tokenizer:
    """BPE with exactly `vocab` entries where the text has enough distinct pairs.

    Entry 0 is `<s>`, entry 1 `</s>`; all 256 bytes are entries, so any Unicode round-trips.
    Encoding with special tokens puts `<s>` first.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab,
        special_tokens=[BOS, EOS],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", special_tokens=[(BOS, tokenizer.token_to_id(BOS))]
    )
    return tokenizer


def tokenizer_config() -> str:
    """tokenizer_config.json that lets `transformers` open the folder."""
    return json.dumps(
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": BOS,
            "eos_token": EOS,
            "clean_up_tokenization_spaces": False,
        },
        indent=2,
    )
