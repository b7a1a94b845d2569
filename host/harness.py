"""Models of tritstream in the LM evaluation harness (lm_eval); needs the extra `lm-eval`.

The harness knows the models that were imported, which the command `tritstream-lm-eval` does before
it hands over its arguments:

    tritstream-lm-eval run --model tritstream --model_args model=model.trit --tasks arc_easy
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lm_eval.api.model import TemplateLM
from lm_eval.api.registry import register_model
from tqdm import tqdm

from tritstream.batching import Batch, Score, Text, Work
from tritstream.errors import OptionError
from tritstream.generation import Limits
from tritstream.model import load
from tritstream.prefixes import PrefixCache
from tritstream.sampling import Sampling

_AT_A_TIME = 256


@register_model("tritstream")
class HarnessModel(TemplateLM):
    """A model behind the harness's interface. Texts have no longest length: the state is constant.

    Arguments are those of `tritstream.load`; ``places`` is how many texts share a pass, and
    ``add_bos_token`` puts BOS in front of every text, as the harness's own models take it (default:
    in front of an empty context alone).
    """

    def __init__(
        self,
        model: str = "demo",
        engine: str | None = None,
        threads: int | None = None,
        places: int = 32,
        add_bos_token: bool = False,
        max_gen_toks: int = 256,
        batch_size: object = None,
        max_batch_size: object = None,
        device: object = None,
    ) -> None:
        """The last three are what the harness says to every model; they mean nothing here."""
        super().__init__()
        self.model = load(model, engine, threads=threads)
        self._tokenizer = self.model.tokenizer
        self._add_bos = add_bos_token
        self._most = max_gen_toks
        identity = self.model.identity or str(self.model.source)
        self._batch = Batch(self.model.sequences(places), PrefixCache(), identity)

    @property
    def tokenizer_name(self) -> str:
        return self.model.source.name

    @property
    def eot_token_id(self) -> int:
        return min(self._tokenizer.ends, default=self.prefix_token_id)

    @property
    def prefix_token_id(self) -> int:
        token = self._tokenizer.bos_token_id
        if token is None:
            token = min(self._tokenizer.ends, default=None)
        if token is None:
            raise OptionError(f"{self.model.source} has neither BOS nor EOS to begin a text with")
        return token

    def tok_encode(
        self, string: str, add_special_tokens: bool | None = None, **kwargs: Any
    ) -> list[int]:
        tokens = self._tokenizer.encode(string)
        adds = self._add_bos if add_special_tokens is None else add_special_tokens
        return [self.prefix_token_id, *tokens] if adds else tokens

    def _loglikelihood_tokens(
        self,
        requests: list[tuple[tuple[str, str], list[int], list[int]]],
        disable_tqdm: bool = False,
        **kwargs: Any,
    ) -> list[tuple[float, bool]]:
        scores = [Score([*context, *more], len(context)) for _, context, more in requests]
        self._run(scores, disable_tqdm)
        found = [(score.logprob, score.greedy) for score in scores]
        for (named, _, _), answer in zip(requests, found, strict=True):
            self.cache_hook.add_partial("loglikelihood", named, answer)
        return found

    def loglikelihood_rolling(self, requests: list[Any], disable_tqdm: bool = False) -> list[float]:
        """Of whole texts, each read in one piece behind BOS."""
        texts = [request.args[0] for request in requests]
        encoded = [self._tokenizer.encode(text) for text in texts]
        scores = [Score([self.prefix_token_id, *ids]) if ids else None for ids in encoded]
        self._run([score for score in scores if score is not None], disable_tqdm)
        found = [0.0 if score is None else score.logprob for score in scores]
        for text, answer in zip(texts, found, strict=True):
            self.cache_hook.add_partial("loglikelihood_rolling", (text,), answer)
        return found

    def generate_until(self, requests: list[Any], disable_tqdm: bool = False) -> list[str]:
        texts = []
        for request in requests:
            context, options = request.args
            tokens = self.tok_encode(context) or [self.prefix_token_id]
            texts.append(Text(tokens, self._tokenizer, _sampling(options), self._limits(options)))
        self._run(texts, disable_tqdm)
        found = [text.writer.result.text for text in texts]
        for request, answer in zip(requests, found, strict=True):
            self.cache_hook.add_partial("generate_until", request.args, answer)
        return found

    def _limits(self, options: dict[str, Any]) -> Limits:
        until = options.get("until") or ()
        several = (until,) if isinstance(until, str) else until
        most = next((options[k] for k in ("max_gen_toks", "max_tokens") if k in options), None)
        return Limits(self._most if most is None else most, [text for text in several if text])

    def _run(self, works: Sequence[Work], quiet: bool) -> None:
        with tqdm(total=len(works), desc="tritstream", disable=quiet) as bar:
            for at in range(0, len(works), _AT_A_TIME):
                for work in works[at : at + _AT_A_TIME]:
                    self._batch.add(work)
                self._batch.run(lambda work: bar.update(work.done))
        for work in works:
            if work.error is not None:
                raise work.error


def _sampling(options: dict[str, Any]) -> Sampling:
    if not options.get("do_sample", options.get("temperature", 0) > 0):
        return Sampling()
    given = ("temperature", "top_k", "top_p", "repetition_penalty", "seed")
    return Sampling(**{"temperature": 1.0, **{k: options[k] for k in given if k in options}})


def main() -> None:
    """The harness's own command line, with this model known to it."""
    from lm_eval.__main__ import cli_evaluate

    cli_evaluate()
