"""Lines of prompts on a model: many at a time, in shared passes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from tritstream.batching import Batch, Score, Text, Work
from tritstream.errors import TritstreamError
from tritstream.model import Model
from tritstream.offline.prompts import Line, limits_of, sampling_of
from tritstream.prefixes import PrefixCache

Answer = dict[str, Any]
PLACES = 16


def answer_lines(
    model: Model, lines: Iterable[tuple[int, Line]], places: int = PLACES
) -> Iterator[tuple[int, Answer]]:
    """Answers by the lines' numbers, as they come. A line that the model cannot read has an error.

    What a line's answer says does not depend on the others, nor on `places`, how many are done at a
    time. Raises EngineError where the engine itself fails.
    """
    batch = Batch(model.sequences(places), PrefixCache(), model.identity or str(model.source))
    left = iter(lines)
    open_: dict[Work, tuple[int, Line]] = {}
    while True:
        while len(open_) < 2 * places and (following := next(left, None)) is not None:
            number, line = following
            try:
                work = _work_of(model, line)
            except TritstreamError as error:
                yield number, _answer(number, line, {"error": str(error)})
                continue
            open_[work] = (number, line)
            batch.add(work)
        if not open_:
            return
        for work in batch.run_pass():
            if work.error is not None:
                raise work.error
            if work.done:
                number, line = open_.pop(work)
                yield number, _answer(number, line, _found(work))


def _work_of(model: Model, line: Line) -> Work:
    tokens = model.tokenizer.encode_prompt(line["prompt"], special=line.get("special", False))
    if "continuation" not in line:
        return Text(tokens, model.tokenizer, sampling_of(line), limits_of(line))
    more = model.tokenizer.encode(line["continuation"], special=line.get("special", False))
    return Score([*tokens, *more], len(tokens))


def _found(work: Work) -> Answer:
    if isinstance(work, Text):
        result = work.writer.result
        return {
            "text": result.text,
            "stop_reason": result.stop_reason,
            "seed": result.seed,
            "prompt_tokens": result.prompt_tokens,
            "tokens": len(result.token_ids),
        }
    assert isinstance(work, Score)
    return {"logprob": work.logprob, "greedy": work.greedy, "tokens": len(work.likelihoods)}


def _answer(number: int, line: Line, found: Answer) -> Answer:
    named = {"id": line["id"]} if "id" in line else {}
    return {"line": number, **named, **found}
