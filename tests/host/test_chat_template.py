"""Chat templates: from a checkpoint into its image, and how chats are put with them."""

from __future__ import annotations

import io
import json
import sys
import urllib.request
from pathlib import Path

import pytest

import tritstream
from support.random_checkpoint import random_checkpoint
from support.serving import served
from tritstream.cli import main
from tritstream.errors import CheckpointError, OptionError, TokenizerError
from tritstream.image import open_image
from tritstream.model import Model
from tritstream.packing import pack
from tritstream.text import ChatTemplate

# Of the Zephyr kind, with what templates use: trimmed blocks, conditions, refusals, JSON.
TEMPLATE = """\
{%- for message in messages %}
    {%- if message.role not in ['system', 'user', 'assistant'] %}
        {{- raise_exception('unknown role ' + message.role) }}
    {%- endif %}
    {{- '[' + message.role + ']' + message.content | trim + eos_token }}
{%- endfor %}
{%- if add_generation_prompt %}{{ '[assistant]' }}{% endif %}"""
SAMPLING = {"max_tokens": 8, "temperature": 1.0, "seed": 3}


def checkpoint(folder: Path, template: object = TEMPLATE) -> Path:
    random_checkpoint(folder, hidden=64, vocab=259, intermediate=96, layers=2)
    if template is not None:
        about = {"chat_template": template}
        (folder / "tokenizer_config.json").write_text(json.dumps(about))
    return folder


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    folder = tmp_path_factory.mktemp("template")
    pack(checkpoint(folder / "model"), folder / "model.trit")
    return tritstream.load(folder / "model.trit")


def test_the_image_holds_what_the_checkpoint_says(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "model")
    pack(folder, tmp_path / "a.trit")
    assert open_image(tmp_path / "a.trit").header.chat_template == TEMPLATE
    pack(tmp_path / "a.trit", tmp_path / "b.trit", layout="kv260")
    assert open_image(tmp_path / "b.trit").header.chat_template == TEMPLATE
    assert tritstream.load(folder).config.chat_template == TEMPLATE
    # Newer files: several by name, or one in a file of its own, which comes first.
    several = [{"name": "tools", "template": "x"}, {"name": "default", "template": "y"}]
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": several}))
    assert tritstream.load(folder).config.chat_template == "y"
    (folder / "chat_template.jinja").write_text("z")
    assert tritstream.load(folder).config.chat_template == "z"


def test_an_image_without_a_template_has_the_bytes_that_it_had(tmp_path: Path) -> None:
    folder = checkpoint(tmp_path / "model", None)
    pack(folder, tmp_path / "a.trit")
    assert b"chat_template" not in (tmp_path / "a.trit").read_bytes()
    assert tritstream.load(tmp_path / "a.trit").chat_template is None


def test_a_template_does_not_change_what_a_session_belongs_to(tmp_path: Path, model: Model) -> None:
    pack(checkpoint(tmp_path / "model", None), tmp_path / "a.trit")
    assert tritstream.load(tmp_path / "a.trit").identity == model.identity


@pytest.mark.parametrize("template", [3, "x" * 70_000, [{"name": "default", "template": 1}]])
def test_what_is_no_template_is_named(tmp_path: Path, template: object) -> None:
    with pytest.raises(CheckpointError, match="chat template must be a text"):
        tritstream.load(checkpoint(tmp_path / "model", template))


MESSAGES = (
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": " Hello </s>\n"},
)


def test_messages_are_put_as_the_template_has_it() -> None:
    text = ChatTemplate(TEMPLATE, "<s>", "</s>").render(MESSAGES)
    assert text == "[system]Be brief.</s>[user]Hello </s></s>[assistant]"


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ raise_exception('no system message') }}", "refuses this: no system message"),
        ("{% for %}", "cannot be rendered"),
        ("{{ messages[0].content.nothing.at_all }}", "cannot be rendered"),
        ("{{ 1 / 0 }}", "cannot be rendered"),
        ("{{ ''.__class__.__mro__[1].__subclasses__() }}", "cannot be rendered"),
        ("{{ messages.append(1) }}", "cannot be rendered"),
        ("{% for i in range(10 ** 9) %}{% endfor %}", "cannot be rendered"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "has no end"),
    ],
)
def test_what_a_template_must_not_do(template: str, told: str) -> None:
    with pytest.raises(TokenizerError, match=told):
        ChatTemplate(template, source="m.trit").render(MESSAGES)


def test_jinja2_is_asked_for_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "jinja2.sandbox", None)
    with pytest.raises(OptionError, match=r"pip install 'tritstream\[chat\]'"):
        ChatTemplate(TEMPLATE, source="m.trit")


def test_special_tokens_in_a_message_are_text(model: Model) -> None:
    tokenizer = model.tokenizer
    text = ChatTemplate(TEMPLATE, eos="</s>").render(MESSAGES)
    contents = [message["content"] for message in MESSAGES]
    tokens = tokenizer.encode_chat(text, contents)
    assert tokens.count(2) == 2  # the template's own, and not that of the message
    assert tokenizer.decode(tokens) == "[system]Be brief.[user]Hello </s>[assistant]"
    plain = text.replace("Hello </s>", "Hello")
    assert tokenizer.encode_chat(plain, ["Be brief.", "Hello"]) == tokenizer.encode_prompt(
        plain, special=True
    )


def test_a_chat_over_the_server_is_put_with_the_template(model: Model) -> None:
    prompt = "[system]Be brief.</s>[user]Hello</s>[assistant]"
    expected = model.generate(prompt, special=True, **SAMPLING).text()
    told = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Hello"}]},
    ]
    with served(model, sequences=2) as server:
        url = f"{server.url}/v1/chat/completions"
        body = json.dumps({"messages": told, **SAMPLING}).encode()
        request = urllib.request.Request(url, body, {"content-type": "application/json"})
        answer = json.load(urllib.request.urlopen(request))
        assert answer["choices"][0]["message"]["content"] == expected
        count = len(model.tokenizer.encode_prompt(prompt, special=True))
        assert answer["usage"]["prompt_tokens"] == count


def chat(
    model: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *lines: str
) -> list[str]:
    monkeypatch.setattr(sys, "stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
    assert main(["chat", "-m", str(model), "-n", "8", "-t", "1", "--seed", "3"]) == 0
    return capsys.readouterr().out.split("\n")[:-1]


def test_turns_of_a_chat(
    model: Model, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each turn equals the whole chat from its beginning; /undo and /reset go back in it."""
    options = {"max_tokens": 8, "temperature": 1.0, "seed": 3, "top_k": 40, "top_p": 0.95}
    options["repetition_penalty"] = 1.05
    first = model.session().generate("[user]one</s>[assistant]", special=True, **options)
    answer = first.text()
    second = f"[user]one</s>[assistant]{answer}</s>[user]two</s>[assistant]"
    session = model.session()
    session.generate("[user]one</s>[assistant]", special=True, **options).text()
    rest = second.removeprefix(f"[user]one</s>[assistant]{answer}")
    if first.result.stop_reason == "end of text":
        rest = rest.removeprefix("</s>")
    again = session.generate(rest, special=True, **options).text()
    written = chat(model.source, monkeypatch, capsys, "one", "two", "/undo", "two", "/reset", "one")
    assert "\n".join(written) == "\n".join([answer, again, again, answer])


def test_a_template_that_shows_answers_in_another_way_begins_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    template = "{% for m in messages %}{{ loop.revindex }}{{ m.content | trim }}{% endfor %}:"
    pack(checkpoint(tmp_path / "model", template), tmp_path / "m.trit")
    model = tritstream.load(tmp_path / "m.trit")
    options = {"max_tokens": 8, "temperature": 1.0, "seed": 3, "top_k": 40, "top_p": 0.95}
    options["repetition_penalty"] = 1.05
    first = model.generate("1one:", special=True, **options).text()
    second = f"3one2{first.strip()}1two:"
    expected = [first, model.generate(second, special=True, **options).text()]
    written = chat(tmp_path / "m.trit", monkeypatch, capsys, "one", "two")
    assert "\n".join(written) == "\n".join(expected)
