"""Sessions: texts that can be fed, continued, forked, saved and loaded again.

What a MatMul-free model has read is in its recurrent state, layers x hidden numbers however long
the text was: 100 KB for 370M. That is all that a session keeps.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save as safetensors_bytes

from tritstream.arguments import text as checked_text
from tritstream.errors import FileError, OptionError
from tritstream.files import atomic_write_bytes
from tritstream.generation import Generation, Limits
from tritstream.geometry import Geometry
from tritstream.reading import Reading, SharedEngine, State
from tritstream.sampling import Sampling
from tritstream.speculation import Guesser, guesser_for
from tritstream.text import Tokenizer

FORMAT = "tritstream session 1"
_LARGEST = 1 << 30
_KEPT_TOKENS = 1024
"""Of the text's last tokens a file has so many; of those before it knows which ones there were."""
_TENSORS = {"state": "int32", "tokens": "int32", "seen": "uint8"}


@dataclass(frozen=True)
class ModelKey:
    """What a state belongs to, on whatever engine and in whatever layout: see `Image.identity`."""

    identity: str
    geometry: Geometry


class Session:
    """One text on a model. Several sessions of a model may take turns in any order.

    Make one with `Model.session`. Attributes:
        tokens: what the text consists of, as far as it is known: of a loaded one the last 1,024.
        length: how many tokens it has.
    """

    def __init__(
        self,
        shared: SharedEngine,
        tokenizer: Tokenizer,
        key: ModelKey | None,
        reading: Reading | None = None,
        seen: Iterable[int] = (),
        forgotten: int = 0,
    ) -> None:
        self._shared = shared
        self._tokenizer = tokenizer
        self._key = key
        self._reading = reading or Reading(shared)
        self._seen = frozenset(seen)
        self._forgotten = forgotten

    @property
    def tokens(self) -> tuple[int, ...]:
        return tuple(self._reading.tokens)

    @property
    def length(self) -> int:
        return self._forgotten + len(self._reading.tokens)

    def __repr__(self) -> str:
        return f"<tritstream.Session: {self.length} tokens>"

    def reset(self) -> None:
        """Begin a new text."""
        self._reading, self._seen, self._forgotten = Reading(self._shared), frozenset(), 0

    def feed(self, text: str, *, special: bool = False) -> int:
        """Read a text; how many tokens it was. Raises OptionError and TokenizerError."""
        tokens = self._encoded(checked_text("the text", text), special)
        self._reading.add(tokens)
        self._reading.read_ahead()
        return len(tokens)

    def generate(
        self, prompt: str = "", *, max_tokens: int = 256, stop: str | Sequence[str] = (),
        temperature: float = 0.0, top_k: int = 0, top_p: float = 1.0,
        repetition_penalty: float = 1.0, seed: int | None = None, special: bool = False,
        speculate: bool | None = None,
    ) -> Generation:  # fmt: skip
        """Read `prompt`, then write on from where the text is; options as of `Model.generate`.

        What is written becomes part of the session's text as it is given out.
        """
        return Generation(
            self._reading,
            self._tokenizer,
            self._encoded(checked_text("the prompt", prompt), special),
            Sampling(temperature, top_k, top_p, repetition_penalty, seed),
            Limits(max_tokens, stop),
            seen=self._seen,
            guesser=self._guesser(speculate),
        )

    def fork(self) -> Session:
        """The same text once more: what either does from now on, the other does not see."""
        return Session(
            self._shared,
            self._tokenizer,
            self._key,
            self._reading.fork(),
            self._seen,
            self._forgotten,
        )

    def _guesser(self, speculate: bool | None) -> Guesser | None:
        return guesser_for(self._shared.engine, self._shared.cost, speculate)

    def _encoded(self, text: str, special: bool) -> list[int]:
        """A text's first tokens begin as the model's texts do; what follows is text alone."""
        if self.length:
            return self._tokenizer.encode(text, special=special)
        return self._tokenizer.encode_prompt(text, special=special)

    def state(self) -> State:
        """(layers, hidden) the recurrent state behind all tokens but the last, a copy."""
        return self._reading.state()

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the session to a safetensors file, which `Model.session` continues.

        Any engine that computes with the same number formats continues it bit for bit. Raises
        EngineError where nothing was read, OptionError for a float engine, FileError.
        """
        if self._key is None:
            raise OptionError(
                "only the state of a packed image can be saved, since float engines round as they "
                "please: run `tritstream pack` and load the image"
            )
        state, tokens = self.state(), self._reading.tokens
        seen = np.zeros(self._key.geometry.vocabulary, np.uint8)
        seen[sorted(self._seen | set(tokens))] = 1
        tensors: dict[str, np.ndarray[Any, Any]] = {
            "state": np.ascontiguousarray(state, np.int32),
            "tokens": np.array(tokens[-_KEPT_TOKENS:], np.int32),
            "seen": np.packbits(seen),
        }
        about = {
            "format": FORMAT,
            "model": self._key.identity,
            "length": str(self.length),
        }
        atomic_write_bytes(path, safetensors_bytes(tensors, about))


def load_session(
    path: str | os.PathLike[str], shared: SharedEngine, tokenizer: Tokenizer, key: ModelKey | None
) -> Session:
    """A saved session. Raises FileError for what is none, OptionError for that of another model."""
    if key is None:
        raise OptionError("a saved session continues on packed images only, not on a checkpoint")
    about, tensors = _read(Path(path))
    if about.get("format") != FORMAT:
        raise FileError(
            f"{path} is no saved session of this version of tritstream: its format is "
            f"'{about.get('format', 'missing')}', '{FORMAT}' is expected"
        )
    if about.get("model") != key.identity:
        raise OptionError(
            f"{path} is a session of another model, or of the same with other number formats or "
            f"another embedding: load the model that it was saved with"
        )
    g = key.geometry
    shapes = {
        "state": (g.layers, g.hidden),
        "tokens": None,
        "seen": (-(-g.vocabulary // 8),),
    }
    for name, shape in shapes.items():
        found = tensors.get(name)
        if found is None or found.dtype != _TENSORS[name] or (shape and found.shape != shape):
            raise FileError(f"{path} is damaged: tensor '{name}' is not what it should be")
    tokens = tensors["tokens"]
    length = int(about["length"]) if about.get("length", "").isdecimal() else -1
    if tokens.ndim != 1 or not 0 < tokens.size <= min(length, _KEPT_TOKENS):
        raise FileError(f"{path} is damaged: it has {tokens.size} tokens of {length}")
    if tokens.min() < 0 or tokens.max() >= g.vocabulary:
        raise FileError(f"{path} is damaged: a token is outside the vocabulary")
    seen = np.flatnonzero(np.unpackbits(tensors["seen"], count=g.vocabulary))
    reading = Reading(shared, tokens.tolist(), tensors["state"])
    return Session(shared, tokenizer, key, reading, seen.tolist(), length - tokens.size)


def _read(path: Path) -> tuple[dict[str, str], dict[str, np.ndarray[Any, Any]]]:
    try:
        if path.stat().st_size > _LARGEST:
            raise FileError(f"{path} is too large for a saved session")
        with safe_open(path, framework="np") as file:
            about = file.metadata() or {}
            return about, {n: file.get_tensor(n) for n in file.keys() if n in _TENSORS}  # noqa: SIM118
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror or error}") from error
    except (SafetensorError, ValueError, TypeError) as error:
        raise FileError(f"{path} is no saved session: {error}") from error
