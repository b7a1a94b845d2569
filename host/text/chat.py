"""A model's chat template: how its messages become one text, as Hugging Face's tokenizers have it.

Templates are Jinja and come with the model, so they are rendered in Jinja's sandbox.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, NoReturn

from tritstream.errors import OptionError, TokenizerError

Message = Mapping[str, str]
"""`role` (system, user or assistant) and `content`."""


class ChatTemplate:
    """Renders messages. Raises OptionError where jinja2 is not installed."""

    def __init__(self, template: str, bos: str = "", eos: str = "", source: str = "") -> None:
        """`bos` and `eos` are what the template knows as `bos_token` and `eos_token`."""
        self._text, self._bos, self.eos, self._source = template, bos, eos, source
        try:
            import jinja2.sandbox  # noqa: F401
        except ImportError as error:
            raise OptionError(
                f"{source} has a chat template, and jinja2, which renders it, is not installed: "
                f"pip install 'tritstream[chat]'; `tritstream chat --plain` does without"
            ) from error

    def render(self, messages: Sequence[Message]) -> str:
        """The text up to where the model answers. Raises TokenizerError for what the template does
        not take, and for one that cannot be rendered."""
        from jinja2 import TemplateError

        try:
            return self._template.render(
                messages=[dict(message) for message in messages],
                add_generation_prompt=True,
                bos_token=self._bos,
                eos_token=self.eos,
            )
        except _RefusedError as error:
            raise TokenizerError(f"the chat template refuses this: {error}") from error
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise TokenizerError(
                f"the chat template of {self._source} cannot be rendered: {error}"
            ) from error
        except RecursionError as error:
            raise TokenizerError(f"the chat template of {self._source} has no end") from error

    @cached_property
    def _template(self) -> Any:
        from jinja2.sandbox import ImmutableSandboxedEnvironment

        # What transformers gives templates: trimmed blocks, loop controls, JSON, refusals.
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        environment.filters["tojson"] = _as_json
        environment.globals["raise_exception"] = _refuse
        return environment.from_string(self._text)


class _RefusedError(Exception):
    """The template's own word for messages that it does not take."""


def _refuse(told: str) -> NoReturn:
    raise _RefusedError(f"{told!s:.200}")


def _as_json(value: Any, indent: int | None = None) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)
