"""A checkpoint's tokenizer.json, with the model's BOS and EOS."""

import warnings
from collections.abc import Sequence
from functools import cached_property

import tokenizers

from tritstream.errors import TokenizerError
from tritstream.text.stream import TextStream


class Tokenizer:
    """Turns text into token ids of one model and back.

    Attributes:
        bos_token_id: put in front of every prompt; None if the model has none.
        eos_token_id: ends a text; None if the model has none.
    """

    def __init__(
        self,
        json: bytes | str,
        bos_token_id: int | None = None,
        eos_token_id: int | None = None,
        source: str = "tokenizer.json",
    ) -> None:
        """Read the text of a tokenizer.json. Raises TokenizerError naming `source`."""
        try:
            text = json.decode("utf-8") if isinstance(json, bytes) else json
            self._tokenizer = tokenizers.Tokenizer.from_str(text)
        except Exception as error:  # the library raises a bare Exception
            raise TokenizerError(f"{source} is not a readable tokenizer.json: {error}") from error
        # A saved tokenizer may ask to cut or fill what it encodes; a prompt is taken as it is.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._source = source
        self.bos_token_id = bos_token_id
        self.eos_token_id = eos_token_id

    @cached_property
    def size(self) -> int:
        """One more than the highest token id."""
        return max(self._tokenizer.get_vocab(with_added_tokens=True).values(), default=-1) + 1

    def check_fits(self, vocabulary: int) -> None:
        """Compare with the rows of the model's embedding.

        Raises TokenizerError as check_not_larger does. Fewer tokens than rows are padding of the
        model's tables, which is usual but worth a warning.
        """
        self.check_not_larger(vocabulary)
        if self.size < vocabulary:
            warnings.warn(
                f"{self._source} has {self.size} tokens and the model {vocabulary}; "
                "the rest is taken as padding",
                stacklevel=2,
            )

    def check_not_larger(self, vocabulary: int) -> None:
        """Raises TokenizerError if there are token ids that the model has no row for."""
        if self.size > vocabulary:
            raise TokenizerError(
                f"{self._source} has {self.size} tokens, but the model only knows {vocabulary}; "
                "this tokenizer belongs to another model"
            )

    def encode(self, text: str) -> list[int]:
        """Token ids of `text`, without BOS. Any string works; unpaired surrogates become U+FFFD."""
        # Undecodable bytes of a command line arrive as unpaired surrogates, which are not text.
        clean = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        return self._tokenizer.encode(clean, add_special_tokens=False).ids

    def encode_prompt(self, text: str) -> list[int]:
        """Token ids that a model starts from: BOS, if there is one, then the text.

        Raises TokenizerError if that is nothing at all.
        """
        bos = [] if self.bos_token_id is None else [self.bos_token_id]
        ids = bos + self.encode(text)
        if not ids:
            raise TokenizerError("the prompt is empty and the model has no BOS to start from")
        return ids

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of token ids, special tokens left out."""
        return self._tokenizer.decode(list(token_ids), skip_special_tokens=True)

    def stream(self, context: Sequence[int] = ()) -> TextStream:
        """A stream of text that continues `context`."""
        return TextStream(self.decode, context)
