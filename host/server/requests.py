"""What a client asks for: JSON of the OpenAI interface, checked."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NoReturn

from tritstream.batching import MOST_LOGPROBS, Text
from tritstream.errors import OptionError, TokenizerError
from tritstream.generation import Limits
from tritstream.sampling import Sampling
from tritstream.text import ChatTemplate, Tokenizer

MOST_TEXTS = 128
"""Texts that one request may ask for: prompts times n."""
_SEEDS = 1 << 63
_MOST_STOPS = 16
_LONGEST_STOP = 1000

# Accepted and of no meaning here.
_IGNORED = {
    "user",
    "store",
    "metadata",
    "service_tier",
    "safety_identifier",
    "prompt_cache_key",
    "prompt_cache_retention",
    "parallel_tool_calls",
    "verbosity",
}
# Accepted where they ask for nothing: field -> values that do.
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "presence_penalty": (0,),
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "echo": (False,),
    "suffix": ("",),
    "tools": ([],),
    "tool_choice": ("none", "auto"),
    "functions": ([],),
    "function_call": ("none", "auto"),
    "modalities": (["text"],),
    "response_format": ({"type": "text"},),
}
_COMMON = {
    "model",
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "repetition_penalty",
    "n",
    "seed",
    "stop",
    "stream",
    "stream_options",
    "logprobs",
}


class RequestError(OptionError):
    """What a client asked for makes no sense: HTTP `status`, and the field, if it is one."""

    def __init__(self, told: str, field: str | None = None, status: int = 400) -> None:
        super().__init__(told)
        self.field, self.status = field, status


@dataclass(frozen=True)
class Messages:
    """A chat, from its beginning: role and content of each message."""

    told: tuple[tuple[str, str], ...]

    def tokens(self, tokenizer: Tokenizer, template: ChatTemplate | None) -> list[int]:
        """As the model's template has it; without one each message is a line of its own, as in
        `tritstream chat`. Raises TokenizerError."""
        contents = [content for _, content in self.told]
        if template is None:
            return tokenizer.encode_prompt("\n".join(contents))
        messages = [{"role": role, "content": content} for role, content in self.told]
        return tokenizer.encode_chat(template.render(messages), contents)


@dataclass(frozen=True)
class Asked:
    """Texts to write. `prompts` are texts or token ids; `logprobs` as of `batching.Text`."""

    chat: bool
    prompts: tuple[str | tuple[int, ...] | Messages, ...]
    n: int
    sampling: Sampling
    limits: Limits
    logprobs: int | None
    stream: bool
    usage: bool

    def texts(
        self,
        tokenizer: Tokenizer,
        vocabulary: int,
        longest: int,
        template: ChatTemplate | None = None,
    ) -> list[Text]:
        """The work, prompt by prompt, n of each: seeds count up from the given one within a prompt.

        Raises RequestError for a prompt of more than `longest` tokens, or of others than the
        model's, TokenizerError.
        """
        sampling, found = self.sampling.seeded(), []
        for prompt in self.prompts:
            if isinstance(prompt, str):
                tokens = tokenizer.encode_prompt(prompt)
            elif isinstance(prompt, Messages):
                tokens = _checked("messages", partial(prompt.tokens, tokenizer, template))
            else:
                tokens = list(prompt)
                if not all(0 <= token < vocabulary for token in tokens):
                    raise RequestError(f"prompt tokens must be 0 to {vocabulary - 1}", "prompt")
            if len(tokens) > longest:
                raise RequestError(
                    f"the prompt has {len(tokens)} tokens, and this server reads {longest} at most",
                    "prompt",
                )
            for k in range(self.n):
                seeded = replace(sampling, seed=(sampling.seed or 0) + k)
                found.append(Text(tokens, tokenizer, seeded, self.limits, self.logprobs))
        return found


def decoded(body: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises RequestError."""
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RequestError(f"the body is not JSON: {str(error)[:200]}") from error
    if not isinstance(value, dict):
        raise RequestError("the body must be a JSON object")
    return value


def read_request(body: dict[str, Any], model: str, *, chat: bool, most_tokens: int) -> Asked:
    """A request for texts, of `/v1/chat/completions` or `/v1/completions`. Raises RequestError.

    `model` is what is served, `most_tokens` how many a text may ask for.
    """
    given = {field: value for field, value in body.items() if value is not None}
    _refuse_unknown(given, chat)
    if "model" in given and given["model"] != model:
        name = f"{given['model']!s:.80}"
        raise RequestError(f"there is no model '{name}': this is '{model}'", "model", 404)
    prompts = (_messages(given.get("messages")),) if chat else _prompts(given.get("prompt"))
    n = _whole(given, "n", 1)
    if "best_of" in given and given["best_of"] != n:
        raise RequestError("best_of is supported as the same as n only", "best_of")
    if not 1 <= n * len(prompts) <= MOST_TEXTS:
        raise RequestError(f"a request may ask for 1 to {MOST_TEXTS} texts", "n")
    if not 0 <= _whole(given, "seed", 0) < _SEEDS:
        raise RequestError(f"seed must be 0 to {_SEEDS - 1}", "seed")
    options = given.get("stream_options", {})
    if not isinstance(options, dict):
        raise RequestError("stream_options must be an object", "stream_options")
    return Asked(
        chat=chat,
        prompts=prompts,
        n=n,
        sampling=_checked(
            "temperature",
            lambda: Sampling(
                temperature=given.get("temperature", 1.0),
                top_k=given.get("top_k", 0),
                top_p=given.get("top_p", 1.0),
                repetition_penalty=given.get("repetition_penalty", 1.0),
                seed=given.get("seed"),
            ),
        ),
        limits=_limits(given, chat, most_tokens),
        logprobs=_logprobs(given, chat),
        stream=_flag(given, "stream"),
        usage=_flag(options, "include_usage"),
    )


def _refuse_unknown(given: dict[str, Any], chat: bool) -> None:
    own = {"messages", "max_completion_tokens", "top_logprobs"} if chat else {"prompt", "best_of"}
    for field, value in given.items():
        if field in _NEUTRAL and value not in _NEUTRAL[field]:
            raise RequestError(f"{field:.40} is not supported", field)
        if field not in _COMMON | own | _IGNORED | _NEUTRAL.keys():
            raise RequestError(f"unknown field '{field:.40}'", field[:40])


def _prompts(value: Any) -> tuple[str | tuple[int, ...], ...]:
    """One text, several, token ids, or several of those."""
    if value is None:
        return ("",)
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and value:
        if all(isinstance(item, str) for item in value):
            return tuple(value)
        if _token_ids(value):
            return (tuple(value),)
        if all(isinstance(item, list) and item and _token_ids(item) for item in value):
            return tuple(tuple(item) for item in value)
    raise RequestError("prompt must be a text, token ids, or a list of either", "prompt")


def _token_ids(values: list[Any]) -> bool:
    return all(isinstance(item, int) and not isinstance(item, bool) for item in values)


def _messages(messages: Any) -> Messages:
    if not isinstance(messages, list) or not messages:
        raise RequestError("messages must be a list with at least one message", "messages")
    told = []
    for message in messages:
        if not isinstance(message, dict):
            raise RequestError("a message must be an object with role and content", "messages")
        if message.get("role") not in ("system", "developer", "user", "assistant"):
            raise RequestError(
                "a message's role must be system, developer, user or assistant", "messages"
            )
        content = message.get("content")
        if isinstance(content, list) and all(
            isinstance(part, dict)
            and part.get("type") == "text"
            and isinstance(part.get("text"), str)
            for part in content
        ):
            content = "".join(part["text"] for part in content)
        if not isinstance(content, str):
            raise RequestError("a message's content must be text", "messages")
        role = message["role"]
        told.append(("system" if role == "developer" else role, content))
    return Messages(tuple(told))


def _limits(given: dict[str, Any], chat: bool, most: int) -> Limits:
    field, default = "max_tokens", 256 if chat else 16
    if chat and "max_completion_tokens" in given:
        field = "max_completion_tokens"
    count = _whole(given, field, min(default, most))
    if not 1 <= count <= most:
        raise RequestError(f"{field} must be 1 to {most} on this server", field)
    stop = given.get("stop", ())
    several = [stop] if isinstance(stop, str) else stop
    if len(several) > _MOST_STOPS if isinstance(several, list) else several != ():
        raise RequestError(f"stop must be a text or up to {_MOST_STOPS} of them", "stop")
    if any(isinstance(text, str) and len(text) > _LONGEST_STOP for text in several):
        raise RequestError(f"a stop text may have {_LONGEST_STOP} characters", "stop")
    return _checked("stop", lambda: Limits(count, tuple(several)))


def _logprobs(given: dict[str, Any], chat: bool) -> int | None:
    if not chat:
        # True is not what the interface says, but what clients of chats send.
        count = given.get("logprobs")
        if count is None or count is False:
            return None
        count = 1 if count is True else _whole(given, "logprobs", 0)
    elif _flag(given, "logprobs"):
        count = _whole(given, "top_logprobs", 0)
    elif given.get("top_logprobs"):
        raise RequestError("top_logprobs goes with logprobs: true", "top_logprobs")
    else:
        return None
    if not 0 <= count <= MOST_LOGPROBS:
        raise RequestError(f"logprobs must be 0 to {MOST_LOGPROBS}", "logprobs")
    return count


def _whole(given: dict[str, Any], field: str, default: int) -> int:
    value = given.get(field, default)
    if not isinstance(value, int) or isinstance(value, bool):
        raise RequestError(f"{field} must be a whole number", field)
    return value


def _flag(given: dict[str, Any], field: str) -> bool:
    value = given.get(field)
    if value is not None and not isinstance(value, bool):
        raise RequestError(f"{field} must be true or false", field)
    return bool(value)


def _checked(field: str, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except (OptionError, TokenizerError) as error:
        raise RequestError(str(error), field) from error


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number in JSON")
