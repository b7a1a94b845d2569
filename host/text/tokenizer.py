"""A checkpoint's tokenizer.json, with the model's BOS and ends of text."""

import re
import threading
import warnings
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from queue import Empty, SimpleQueue

import tokenizers

from tritstream.errors import TokenizerError, TritstreamError
from tritstream.files import refuse_pointer
from tritstream.text.characters import whole_characters
from tritstream.text.stream import TextStream

_UNREADABLE = "\N{REPLACEMENT CHARACTER}"
_LONG = 1 << 18
"""Characters from which on encoding takes a tenth of a second and more."""
_POLL_S = 0.05


class Tokenizer:
    """Turns text into token ids of one model and back.

    Attributes:
        bos_token_id: the model's BOS; None if it has none.
        eos_token_id: ends a text, or a tuple of all that do; None if the model has none.
        start: what is put in front of every text: BOS alone, or nothing.
    """

    def __init__(
        self,
        json: bytes | str,
        bos_token_id: int | None = None,
        eos_token_id: int | tuple[int, ...] | None = None,
        source: str = "tokenizer.json",
        *,
        add_bos_token: bool | None = None,
        vocabulary: int | None = None,
    ) -> None:
        """Read the text of a tokenizer.json. Raises TokenizerError naming `source`.

        `add_bos_token` is tokenizer_config.json's; where that says nothing the file's
        post-processor decides, as in transformers, and without one every text begins with BOS.
        `vocabulary` is the number of rows of the model's embedding: `encode` refuses a text with
        tokens beyond them.
        """
        try:
            if isinstance(json, bytes):
                refuse_pointer(source, json)
            text = json.decode("utf-8") if isinstance(json, bytes) else json
            self._tokenizer = tokenizers.Tokenizer.from_str(text.removeprefix("\ufeff"))
        except TritstreamError:
            raise
        except Exception as error:  # the library raises a bare Exception
            raise TokenizerError(f"{source} is not a readable tokenizer.json: {error}") from error
        # A saved tokenizer may ask to cut or fill what it encodes; a prompt is taken as it is.
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._encoding = threading.Lock()
        self._source = source
        self._vocabulary = vocabulary
        self.bos_token_id = bos_token_id
        self.eos_token_id = eos_token_id
        adds = self._post_processor_adds_bos() if add_bos_token is None else add_bos_token
        self.start: tuple[int, ...] = () if bos_token_id is None or not adds else (bos_token_id,)

    def _post_processor_adds_bos(self) -> bool:
        if self._tokenizer.post_processor is None:
            return True
        ids = self._tokenizer.encode("", add_special_tokens=True).ids
        return ids[:1] == [self.bos_token_id]

    @cached_property
    def ends(self) -> frozenset[int]:
        """Every token that ends a text."""
        eos = self.eos_token_id
        return frozenset(() if eos is None else (eos,) if isinstance(eos, int) else eos)

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
        """Raises TokenizerError if the tokenizer's own vocabulary has ids beyond the model's rows.

        A token that was added to it, such as [PAD], may lie there: that is worth a warning, and
        `encode` refuses a text that uses it.
        """
        own = max(self._tokenizer.get_vocab(with_added_tokens=False).values(), default=-1) + 1
        if own > vocabulary:
            raise TokenizerError(
                f"{self._source} has {own} tokens, but the model only knows {vocabulary}; "
                "this tokenizer belongs to another model"
            )
        if self.size > vocabulary:
            added = self._tokenizer.get_added_tokens_decoder()
            names = [str(token.content) for k, token in sorted(added.items()) if k >= vocabulary]
            warnings.warn(
                f"{self._source} has {', '.join(names[:3])}{', ...' if len(names) > 3 else ''} "
                f"beyond the {vocabulary} tokens of the model, which cannot read them",
                stacklevel=2,
            )

    def encode(self, text: str, *, special: bool = False) -> list[int]:
        """Token ids of `text`, without BOS. Any string works; unpaired surrogates become U+FFFD.

        Special tokens that are written out in it, such as ``</s>``, are text like any other, unless
        `special` asks for them. Raises TokenizerError for a token that the model has no row for.
        """
        ids = self._encoded(whole_characters(text), special)
        if self._vocabulary is not None and max(ids, default=0) >= self._vocabulary:
            token = self._tokenizer.id_to_token(max(ids))
            raise TokenizerError(
                f"the text holds {token}, token {max(ids)} of {self._source}, and the model only "
                f"knows {self._vocabulary}: leave it out"
            )
        return ids

    def _encoded(self, text: str, special: bool) -> list[int]:
        """Of a long text in another thread: the library's call cannot be interrupted, waiting can.

        Only a batch is encoded without holding Python's lock.
        """
        if len(text) < _LONG:
            return self._batch(text, special)
        done: SimpleQueue[list[int] | Exception] = SimpleQueue()

        def encode() -> None:
            try:
                done.put(self._batch(text, special))
            except Exception as error:
                done.put(error)

        threading.Thread(target=encode, name="tritstream-encode", daemon=True).start()
        found: list[int] | Exception | None = None
        while found is None:
            # An interrupt just before a wait does not end it, so none lasts.
            with suppress(Empty):
                found = done.get(timeout=_POLL_S)
        if isinstance(found, Exception):
            raise found
        return found

    def _batch(self, text: str, special: bool) -> list[int]:
        # What special tokens are is a property of the library's, which it reads while it encodes.
        with self._encoding:
            self._tokenizer.encode_special_tokens = not special
            if len(text) < _LONG:
                return self._tokenizer.encode(text, add_special_tokens=False).ids
            (one,) = self._tokenizer.encode_batch([text], add_special_tokens=False)
            return one.ids

    def encode_prompt(self, text: str, *, special: bool = False) -> list[int]:
        """Token ids that a model starts from: BOS, where texts begin with it, then the text.

        BOS is never there twice. Raises TokenizerError as `encode` does, and where that is nothing
        at all.
        """
        ids = self.encode(text, special=special)
        if tuple(ids[: len(self.start)]) != self.start:
            ids = [*self.start, *ids]
        if not ids and self.bos_token_id is not None:
            ids = [self.bos_token_id]
        if not ids:
            raise TokenizerError("the prompt is empty and the model has no BOS to start from")
        return ids

    def encode_chat(self, text: str, contents: Sequence[str]) -> list[int]:
        """`encode_prompt` of a text that a chat template has made of messages.

        Special tokens are taken as such, but not those that are written out in the messages'
        `contents`: these are only text, wherever they stand. Raises TokenizerError as `encode`.
        """
        names = [str(t.content) for t in self._tokenizer.get_added_tokens_decoder().values()]
        # Templates cut off the spaces around a content.
        suspect = {c.strip() for c in contents if any(name in c for name in names)}
        if not suspect:
            return self.encode_prompt(text, special=True)
        longest_first = sorted(suspect, key=len, reverse=True)
        parts = re.split(f"({'|'.join(map(re.escape, longest_first))})", text)
        ids: list[int] = []
        for number, part in enumerate(parts):
            ids += self.encode(part, special=number % 2 == 0)
        return ids if tuple(ids[: len(self.start)]) == self.start else [*self.start, *ids]

    def name_of(self, token_id: int | None) -> str:
        """A token as it is written out, such as ``</s>``; empty for none."""
        return "" if token_id is None else self._tokenizer.id_to_token(token_id) or ""

    def decode(self, token_ids: Sequence[int]) -> str:
        """The text of token ids, special tokens left out."""
        return self._tokenizer.decode(list(token_ids), skip_special_tokens=True)

    def token_text(self, token_id: int) -> str:
        """What one token adds within a text; its name, where that alone is no text."""
        text = self._within_text(token_id)
        if text and _UNREADABLE not in text:
            return text
        return self._tokenizer.id_to_token(token_id) or ""  # a row of padding has no name

    def _within_text(self, token_id: int) -> str:
        # Decoders treat the first token of a text specially.
        before = self._tokenizer.encode("a", add_special_tokens=False).ids[-1:]
        return self.decode([*before, token_id])[len(self.decode(before)) :]

    def stream(self, context: Sequence[int] = ()) -> TextStream:
        """A stream of text that continues `context`."""
        return TextStream(self.decode, context)
