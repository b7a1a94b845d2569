"""What clients get: the objects of the OpenAI interface."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tritstream.batching import Likelihood, Text, Written
from tritstream.text import Tokenizer

_REASONS = {"end of text": "stop", "stop string": "stop", "max tokens": "length"}


def error_object(told: str, kind: str, field: str | None = None) -> dict[str, Any]:
    return {"error": {"message": told, "type": kind, "param": field, "code": None}}


def event(value: Any) -> bytes:
    """A server-sent event that holds one JSON object."""
    return b"data: " + json.dumps(value, ensure_ascii=False).encode() + b"\n\n"


DONE = b"data: [DONE]\n\n"


@dataclass
class Answers:
    """The answer to one request: in one piece, or chunk by chunk."""

    chat: bool
    model: str
    tokenizer: Tokenizer
    texts: Sequence[Text]
    n: int
    logprobs: bool
    id: str = field(init=False)
    created: int = field(default_factory=lambda: int(time.time()))

    def __post_init__(self) -> None:
        self.id = f"{'chatcmpl' if self.chat else 'cmpl'}-{secrets.token_hex(12)}"
        self._offsets = [0] * len(self.texts)

    def begin(self) -> list[dict[str, Any]]:
        """Chunks before any text: in a chat each says who is speaking."""
        if not self.chat:
            return []
        start = {"role": "assistant", "content": ""}
        return [self._chunk(n, {"delta": start}, None, None) for n in range(len(self.texts))]

    def chunk(self, index: int, written: Written, done: bool) -> dict[str, Any] | None:
        """What one more token of a text is worth; None for nothing to tell."""
        reason = _REASONS[self.texts[index].writer.result.stop_reason] if done else None
        if not written.piece and not done and not self.logprobs:
            return None
        likely = None
        if written.likelihood is not None:
            likely = self._likely([written.likelihood], self._offsets[index])
            self._offsets[index] += len(self.tokenizer.token_text(written.token))
        if self.chat:
            body: dict[str, Any] = {"delta": {"content": written.piece} if written.piece else {}}
        else:
            body = {"text": written.piece}
        return self._chunk(index, body, reason, likely)

    def usage_chunk(self) -> dict[str, Any]:
        return {**self._about(True), "choices": [], "usage": self.usage()}

    def whole(self, likelihoods: Sequence[Sequence[Likelihood]]) -> dict[str, Any]:
        """The answer in one piece, with the likelihoods of each text's tokens."""
        choices = []
        for index, text in enumerate(self.texts):
            result = text.writer.result
            likely = self._likely(likelihoods[index], 0) if self.logprobs else None
            body: dict[str, Any]
            if self.chat:
                body = {"message": {"role": "assistant", "content": result.text}}
            else:
                body = {"text": result.text}
            reason = _REASONS[result.stop_reason]
            choices.append({"index": index, **body, "finish_reason": reason, "logprobs": likely})
        return {**self._about(False), "choices": choices, "usage": self.usage()}

    def usage(self) -> dict[str, Any]:
        """Tokens read and written; a prompt counts once, however many texts follow it."""
        read = sum(text.given for text in self.texts[:: self.n])
        written = sum(len(text.tokens) - text.given for text in self.texts)
        return {
            "prompt_tokens": read,
            "completion_tokens": written,
            "total_tokens": read + written,
            "prompt_tokens_details": {"cached_tokens": min(t.reused for t in self.texts)},
        }

    def _about(self, part: bool) -> dict[str, Any]:
        kind = "text_completion"
        if self.chat:
            kind = "chat.completion.chunk" if part else "chat.completion"
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def _chunk(
        self, index: int, body: dict[str, Any], reason: str | None, likely: Any
    ) -> dict[str, Any]:
        choice = {"index": index, **body, "finish_reason": reason, "logprobs": likely}
        return {**self._about(True), "choices": [choice]}

    def _likely(self, found: Sequence[Likelihood], offset: int) -> dict[str, Any]:
        name = self.tokenizer.token_text
        if self.chat:
            return {
                "content": [
                    {
                        **self._named(one.token, one.logprob),
                        "top_logprobs": [self._named(*top) for top in one.likeliest],
                    }
                    for one in found
                ]
            }
        offsets = []
        for one in found:
            offsets.append(offset)
            offset += len(name(one.token))
        return {
            "tokens": [name(one.token) for one in found],
            "token_logprobs": [one.logprob for one in found],
            "top_logprobs": [{name(t): value for t, value in one.likeliest} for one in found],
            "text_offset": offsets,
        }

    def _named(self, token: int, logprob: float) -> dict[str, Any]:
        text = self.tokenizer.token_text(token)
        return {"token": text, "logprob": logprob, "bytes": list(text.encode())}
