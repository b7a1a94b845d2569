"""A model ready to run: an engine, its tokenizer, and what a user does with them."""

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import NoReturn

import numpy as np

from tritstream.arguments import text, whole_number
from tritstream.board.options import BoardOptions
from tritstream.checkpoint import Checkpoint, CheckpointConfig
from tritstream.checkpoint.hub import hub_id
from tritstream.engines import Engine, load_engine
from tritstream.errors import TokenizerError
from tritstream.generation import Generation, Limits
from tritstream.image import Image, open_image
from tritstream.models import DEMO, model_path
from tritstream.reading import Reading, SharedEngine
from tritstream.sampling import Sampling
from tritstream.sequences import Sequences, sequences_of
from tritstream.sessions import ModelKey, Session, load_session
from tritstream.speculation import guesser_for
from tritstream.text import ChatTemplate, Tokenizer


class Model:
    """What `load` returns.

    Attributes:
        engine: the execution; see `tritstream.engines.Engine`.
        config: sizes, norm epsilon and special tokens of the model.
        source: the image or checkpoint folder it came from.
    """

    def __init__(
        self,
        engine: Engine,
        config: CheckpointConfig,
        tokenizer_json: bytes | None,
        source: Path,
        key: ModelKey | None = None,
    ) -> None:
        """`key` is what saved sessions of the model belong to; float engines have none."""
        self.config = config
        self.source = source
        self._tokenizer_json = tokenizer_json
        self._key = key
        self._shared = SharedEngine(engine)

    @property
    def engine(self) -> Engine:
        engine: Engine = self._shared.engine  # type: ignore[assignment]
        return engine

    def with_engine(self, engine: Engine) -> "Model":
        """The same model on another engine, of the same image."""
        return Model(engine, self.config, self._tokenizer_json, self.source, self._key)

    def __repr__(self) -> str:
        c = self.config
        return (
            f"<tritstream.Model {self.source}: engine {self.engine.name}, {c.num_hidden_layers} "
            f"layers of {c.hidden_size}, {c.vocab_size} tokens>"
        )

    def __enter__(self) -> "Model":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give back what the engine holds, such as a board's memory; of no use afterwards."""
        with self._shared.lock:
            self.engine.close()

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "a model cannot be copied or pickled, it holds a running engine: load it again, "
            f"tritstream.load({str(self.source)!r})"
        )

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The model's tokenizer. Raises TokenizerError if it has none or one that does not fit."""
        if self._tokenizer_json is None:
            raise TokenizerError(
                f"{self.source} has no tokenizer; put tokenizer.json into the checkpoint folder"
            )
        config = self.config
        tokenizer = Tokenizer(
            self._tokenizer_json,
            config.bos_token_id,
            config.eos_token_id,
            f"the tokenizer of {self.source}",
            add_bos_token=config.add_bos_token,
            vocabulary=config.vocab_size,
        )
        tokenizer.check_not_larger(config.vocab_size)
        return tokenizer

    @cached_property
    def chat_template(self) -> ChatTemplate | None:
        """How messages become a prompt, if the model was made for chats. Raises OptionError where
        jinja2, which renders it, is not installed."""
        config = self.config
        if config.chat_template is None:
            return None
        tokenizer = self.tokenizer
        bos = tokenizer.name_of(config.bos_token_id)
        eos = tokenizer.name_of(min(tokenizer.ends, default=None))
        return ChatTemplate(config.chat_template, bos, eos, str(self.source))

    def reset(self) -> None:
        """Forget what `step` has read. Sessions and texts that are being written keep theirs."""
        with self._shared.lock:
            self._shared.give_to(None)
            self.engine.reset()

    def record_seconds(self) -> list[float] | None:
        """Where a token's time goes on a board: seconds of a start for each layer and the LM head,
        host work included (measured); None on engines without such starts. Texts that are being
        written keep their states."""
        with self._shared.lock:
            self._shared.give_to(None)
            seconds = self.engine.record_seconds(0)
            if seconds is not None:
                self.engine.reset()
            return seconds

    def step(self, token_id: int) -> np.ndarray:
        """Read one token; logits of the next one, float32 (vocab,)."""
        with self._shared.lock:
            self._shared.give_to(None)
            return self.engine.step(whole_number("a token id", token_id))

    def logits(self, token_ids: Sequence[int]) -> np.ndarray:
        """Logits after every token from a fresh state, float32 (T, vocab)."""
        with self._shared.lock:
            self._shared.give_to(None)
            return self.engine.logits(token_ids)

    def generate(
        self, prompt: str = "", *, max_tokens: int = 256, stop: str | Sequence[str] = (),
        temperature: float = 0.0, top_k: int = 0, top_p: float = 1.0,
        repetition_penalty: float = 1.0, seed: int | None = None, special: bool = False,
        speculate: bool | None = None,
    ) -> Generation:  # fmt: skip
        """Continue `prompt`; an empty one starts from BOS.

        Where nothing is said, the likeliest token is taken every time: the same text at each call,
        which may end in a loop. The command line draws instead, with the values of
        `tritstream.sampling.STORY`; ``generate(prompt, **asdict(STORY))`` does here.

        Special tokens that are written out in it, such as ``</s>``, are text unless `special`.

        `speculate` guesses tokens from what the text had before, and reads them in one pass: the
        same text, sooner where it repeats itself. By default that is done where the engine reads
        several tokens in a pass, the model is not small, and it is expected to pay; True does it
        wherever there is a guess.

        The answer is written while it is iterated over, piece by piece; `.text()` writes all of it
        and `.result` tells how it went. The options are those of `tritstream.sampling.Sampling` and
        `tritstream.generation.Limits`. Raises OptionError and TokenizerError.
        """
        return Generation(
            Reading(self._shared),
            self.tokenizer,
            self.tokenizer.encode_prompt(text("the prompt", prompt), special=special),
            Sampling(temperature, top_k, top_p, repetition_penalty, seed),
            Limits(max_tokens, stop),
            guesser=guesser_for(self.engine, self._shared.cost, speculate),
        )

    def session(self, path: str | os.PathLike[str] | None = None) -> Session:
        """A new session, or one that was saved: a text to feed, continue, fork and save.

        Raises FileError for a file that is no session, OptionError for one of another model.
        """
        if path is None:
            return Session(self._shared, self.tokenizer, self._key)
        return load_session(path, self._shared, self.tokenizer, self._key)

    def sequences(self, count: int) -> Sequences:
        """So many recurrent states of the model's own, which advance together: for `Batch`.

        Raises OptionError for a count outside 1 to 256, EngineError.
        """
        return sequences_of(self._shared, count)

    @property
    def identity(self) -> str | None:
        """What a state of the model belongs to, see `Image.identity`; None for float engines."""
        return None if self._key is None else self._key.identity


def load(
    model: str | os.PathLike[str] = DEMO,
    engine: str | None = None,
    board: BoardOptions | None = None,
    threads: int | None = None,
) -> Model:
    """Load a packed image, a checkpoint folder or Hub id, or a model of the package by name.

    `engine` names the execution (`tritstream.engines.ENGINES`). By default it is the fastest that
    runs here for an image, and the float reference for a checkpoint. A file or folder that has the
    name of a model of the package is meant by a path, such as ``./demo``. `board` holds options of
    the board engines, `threads` is how many the native one uses (default: all cores). Raises a
    TritstreamError that says what is wrong.
    """
    if isinstance(model, str) and hub_id(model) is not None and not os.path.exists(model):
        return _load_checkpoint(Checkpoint.open(model), engine or "float", board, threads)
    path = model_path(model)
    if path.is_dir():
        return _load_checkpoint(Checkpoint.open(path), engine or "float", board, threads)
    return _load_image(path, engine, board, threads)


def _load_checkpoint(
    checkpoint: Checkpoint, name: str, board: BoardOptions | None, threads: int | None
) -> Model:
    path = checkpoint.folder / "tokenizer.json"
    json = path.read_bytes() if path.is_file() else None
    engine = load_engine(checkpoint.folder, name, board, threads)
    return Model(engine, checkpoint.config, json, checkpoint.folder)


def _load_image(
    path: Path, name: str | None, board: BoardOptions | None, threads: int | None
) -> Model:
    engine = load_engine(path, name, board, threads)
    image = open_image(path, verify=False)  # the engine's own opening has compared the hashes
    fixed = not engine.name.startswith("float")
    key = ModelKey(image.identity, image.geometry) if fixed else None
    return Model(engine, _config_of(image), image.tokenizer_json, path, key)


def _config_of(image: Image) -> CheckpointConfig:
    header, geometry = image.header, image.geometry
    return CheckpointConfig(
        hidden_size=geometry.hidden,
        intermediate_size=geometry.intermediate,
        num_hidden_layers=geometry.layers,
        vocab_size=geometry.vocabulary,
        rms_norm_eps=header.rms_norm_eps,
        use_lower_bound=header.use_lower_bound,
        bos_token_id=header.bos_token_id,
        eos_token_id=header.eos_token_id,
        add_bos_token=header.add_bos_token,
        chat_template=header.chat_template,
    )
