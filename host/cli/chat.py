"""`tritstream chat`: a text written in turns, from a terminal."""

import argparse
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tritstream.cli.generate import add_sampling, add_speculate, sampling_of, write
from tritstream.cli.options import add_model, add_threads
from tritstream.cli.words import counted
from tritstream.errors import TritstreamError

if TYPE_CHECKING:
    from tritstream.model import Model
    from tritstream.sessions import Session
    from tritstream.text import ChatTemplate
    from tritstream.text.chat import Message

_HELP = """\
/undo         take the last turn back
/reset        begin a new text
/save FILE    keep the text, to go on with it later
/load FILE    go on with a kept text
/help         show this
/quit         leave, as does Ctrl-D

Everything else is text, and the model continues it; an empty line lets it go on by itself. A model
that was made for chats and has a template gets it as messages, and answers. Ctrl-C ends what it is
writing. A line that begins with a slash is written //... .
"""
_PROMPT = "> "


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _HELP
    add_model(parser)
    add_threads(parser)
    parser.add_argument(
        "-n",
        "--max-tokens",
        type=int,
        default=256,
        metavar="N",
        help="of a turn (default: %(default)s)",
    )
    parser.add_argument("--state", metavar="FILE", help="go on with a text that was kept")
    parser.add_argument(
        "--plain", action="store_true", help="continue the text, whatever template the model has"
    )
    add_speculate(parser)
    add_sampling(parser.add_argument_group("how the next token is chosen"))


def run(args: argparse.Namespace) -> int:
    from tritstream.generation import Limits
    from tritstream.model import load
    from tritstream.sampling import Sampling

    Limits(args.max_tokens)  # options that make no sense end the program before it begins
    Sampling(**sampling_of(args))
    with suppress(ImportError):  # lines can be edited and recalled where Python was built with it
        import readline  # noqa: F401
    model = load(args.model, args.engine, threads=args.threads)
    session = model.session(args.state)
    template = None if args.plain else model.chat_template
    talk = Talk()
    name = model.source.name
    print(f"{name} on engine {model.engine.name}: /help tells what can be done", file=sys.stderr)
    turns: list[tuple[Session, Talk]] = []
    while True:
        try:
            line = input(_PROMPT if sys.stdin.isatty() else "")
        except EOFError:
            return 0
        except KeyboardInterrupt:
            print(file=sys.stderr)
            continue
        word, _, rest = line.partition(" ")
        try:
            if word in ("/quit", "/exit"):
                return 0
            if word == "/help":
                print(_HELP, end="", file=sys.stderr)
            elif word == "/reset":
                session, talk, turns = model.session(), Talk(), []
            elif word == "/undo":
                session, talk = _undone(turns) or (session, talk)
            elif word == "/save":
                session.save(_named(rest, word))
                print(f"kept {counted(session.length, 'token')} in {rest}", file=sys.stderr)
            elif word == "/load":
                session, talk, turns = model.session(_named(rest, word)), Talk(), []
                print(f"going on behind {counted(session.length, 'token')}", file=sys.stderr)
            elif word.startswith("/") and not word.startswith("//"):
                print(f"there is no {word}: /help shows what there is", file=sys.stderr)
            else:
                line = line.removeprefix("/") if word.startswith("//") else line
                turns.append((session.fork(), talk))
                if template is None:
                    _turn(session, line, args)
                else:
                    session, talk = _answer(model, template, session, talk, line, args)
        except TritstreamError as error:
            print(f"tritstream: {error}", file=sys.stderr)


def _turn(session: "Session", line: str, args: argparse.Namespace) -> None:
    """The model continues the line, which begins on a line of its own."""
    text = f"\n{line}" if session.length and line else line
    generation = session.generate(
        text, max_tokens=args.max_tokens, speculate=args.speculate, **sampling_of(args)
    )
    write(generation, "", quiet=False)


@dataclass(frozen=True)
class Talk:
    """Messages of a chat, and the text that the template made of them, answers included."""

    messages: "tuple[Message, ...]" = ()
    text: str = ""
    ended: bool = False
    """Whether the model has ended its last answer, with a token that is not in the text."""


def _answer(
    model: "Model",
    template: "ChatTemplate",
    session: "Session",
    talk: Talk,
    line: str,
    args: argparse.Namespace,
) -> "tuple[Session, Talk]":
    """The model answers a message. It reads only what is new, where the template lets it."""
    messages = (*talk.messages, {"role": "user", "content": line})
    text = template.render(messages)
    read = talk.text + template.eos if talk.ended else talk.text
    if not text.startswith(read):  # the template shows earlier answers in another way
        session, read = model.session(), ""
    generation = session.generate(
        text[len(read) :],
        max_tokens=args.max_tokens,
        special=True,
        speculate=args.speculate,
        **sampling_of(args),
    )
    write(generation, "", quiet=False)
    answer, ended = generation.result.text, generation.result.stop_reason == "end of text"
    messages = (*messages, {"role": "assistant", "content": answer})
    return session, Talk(messages, text + answer, ended)


def _undone(turns: "list[tuple[Session, Talk]]") -> "tuple[Session, Talk] | None":
    if not turns:
        print("there is no turn to take back", file=sys.stderr)
        return None
    return turns.pop()


def _named(rest: str, word: str) -> str:
    if not rest.strip():
        raise TritstreamError(f"{word} needs the name of a file: {word} story.state")
    return rest.strip()
