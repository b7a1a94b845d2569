"""Token ids to text, one token at a time."""

from collections.abc import Callable, Sequence

# A character is at most four bytes and so at most four tokens; whatever is still unreadable after
# this many is not going to become text.
_LONGEST_WAIT = 16
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


class TextStream:
    """Gives the text that each new token adds, holding back characters that are not complete.

    The concatenation of all pieces is the text that the tokens decode to after `context`.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str], context: Sequence[int] = ()) -> None:
        self._decode = decode
        # Decoders treat the start of a text specially (a leading space disappears), so the tokens
        # of the last piece stay in front. They begin and end with whole characters: a cut elsewhere
        # could make the bytes around it unreadable.
        self._set_context(list(context))
        self._pending: list[int] = []

    def push(self, token_id: int) -> str:
        """Add a token; return the text that is certain now, maybe none."""
        self._pending.append(token_id)
        new = self._new_text()
        certain = new and not new.endswith(_REPLACEMENT)
        if not certain and len(self._pending) < _LONGEST_WAIT:
            return ""
        if new:
            self._set_context(self._pending)
        self._pending = []
        return new

    def _set_context(self, tokens: list[int]) -> None:
        self._context = tokens
        self._known = len(self._decode(tokens))

    def finish(self) -> str:
        """The text still held back; an incomplete character shows as U+FFFD."""
        new = self._new_text()
        self._pending = []
        return new

    def _new_text(self) -> str:
        return self._decode(self._context + self._pending)[self._known :]
