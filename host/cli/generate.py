"""`tritstream generate`: text on standard output as it is written, figures on standard error."""

import argparse
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tritstream.board.options import BoardOptions
from tritstream.cli.options import (
    add_dask,
    add_json,
    add_model,
    add_threads,
    print_json,
    read_text,
    readable_rate,
)
from tritstream.cli.words import counted
from tritstream.errors import OptionError
from tritstream.files import check_output
from tritstream.generation import Generation, Result
from tritstream.interruption import interrupted_status
from tritstream.sampling import STORY, Sampling
from tritstream.text.characters import universal

if TYPE_CHECKING:
    from tritstream.model import Model

_EXAMPLES = """\
examples:
  tritstream generate "Once upon a time"
  tritstream generate "Once upon a time" --greedy -n 60
  tritstream generate "One day, a dog" --seed 7 -t 0.9 --stop "The end"
  tritstream generate -m model.trit -f prompt.txt
  echo "Once upon a time" | tritstream generate

The text goes to standard output, its figures to standard error. Ctrl-C ends a text early.
"""


_LONG = 4096
"""Tokens of a prompt from which on it takes a second or more to be read."""
_PLACES = 16
_MOST_SAMPLES = 100_000
"""Texts in one pass: more gain little."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    parser.usage = "%(prog)s [options] [prompt]"
    parser.add_argument(
        "prompt",
        nargs="*",
        help="text to continue, in one word or several; - reads it from standard input, as does "
        "leaving it out in a pipe; an empty one lets the model begin by itself",
    )
    parser.add_argument("-f", "--file", metavar="FILE", help="read the prompt from a UTF-8 file")
    add_model(parser)
    add_threads(parser)
    parser.add_argument(
        "-n",
        "--max-tokens",
        type=int,
        default=300,
        metavar="N",
        help="stop after this many tokens, a few letters each (default: %(default)s)",
    )
    parser.add_argument(
        "--samples",
        type=int,
        default=1,
        metavar="N",
        help="write so many texts, with the seed and those after it, in shared passes",
    )
    parser.add_argument(
        "--stop",
        action="append",
        default=[],
        metavar="TEXT",
        help="stop before this text; may be given several times",
    )
    parser.add_argument(
        "--special",
        action="store_true",
        help="take special tokens written out in the prompt, such as </s>, as such and not as text",
    )
    parser.add_argument(
        "--state", metavar="FILE", help="go on from a session that --save-state or chat has saved"
    )
    parser.add_argument(
        "--save-state",
        metavar="FILE",
        help="keep what was read and written, to go on from it later (a file of some 100 KB)",
    )
    add_speculate(parser)
    parser.add_argument(
        "--verbose",
        action="store_true",
        help="also say where the cycles of a token went, on engines that count them",
    )
    add_json(parser)
    add_sampling(parser.add_argument_group("how the next token is chosen"))
    _add_board(parser.add_argument_group("boards (engines pynq and pynq-sim)"))
    _add_cluster(parser.add_argument_group("several boards (engine boards)"))
    _add_trace(parser.add_argument_group("simulated hardware (engine rtl)"))
    _add_remote(parser.add_argument_group("another machine"))


def add_speculate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--speculate",
        action=argparse.BooleanOptionalAction,
        help="guess tokens from what the text had before and read them in one pass: the same text, "
        "sooner where it repeats itself (default: with large models, where that should pay)",
    )


def add_sampling(draw: argparse._ArgumentGroup) -> None:
    draw.add_argument("--greedy", action="store_true", help="always take the likeliest")
    draw.add_argument(
        "-t",
        "--temperature",
        type=float,
        metavar="T",
        help="below 1 prefers likely tokens, above 1 surprises "
        f"(default: {STORY.temperature}); 0 is --greedy",
    )
    draw.add_argument(
        "--top-k",
        type=int,
        default=STORY.top_k,
        metavar="K",
        help="draw from the K likeliest only; 0 is all (default: %(default)s)",
    )
    draw.add_argument(
        "--top-p",
        type=float,
        default=STORY.top_p,
        metavar="P",
        help="draw from the likeliest that together have this probability (default: %(default)s)",
    )
    draw.add_argument(
        "--repetition-penalty",
        type=float,
        metavar="R",
        help="above 1 makes tokens that were there before less likely "
        f"(default: {STORY.repetition_penalty}; with --greedy 1, none)",
    )
    draw.add_argument(
        "--seed", type=int, metavar="S", help="same seed, same text (default: a new one each time)"
    )


def _add_board(board: argparse._ArgumentGroup) -> None:
    board.add_argument(
        "--overlay",
        metavar="FOLDER",
        help="overlay to load (default: the installed one that fits board and image)",
    )
    board.add_argument(
        "--cma-limit",
        type=float,
        metavar="MB",
        help="contiguous memory to use; records beyond it are streamed (default: what is free)",
    )
    board.add_argument(
        "--simulate",
        choices=("spec", "csim", "rtl"),
        default="spec",
        help="what the simulated board of pynq-sim computes with (default: %(default)s)",
    )
    board.add_argument(
        "--check", action="store_true", help="compare every token with the specification (slow)"
    )


def _add_cluster(cluster: argparse._ArgumentGroup) -> None:
    add_dask(cluster)
    cluster.add_argument(
        "--boards",
        type=int,
        metavar="N",
        help="workers that the layers are divided among (default: all)",
    )
    cluster.add_argument(
        "--checkpoint-tokens",
        type=int,
        default=64,
        metavar="N",
        help="fetch the states every N tokens, so that a lost board costs no more (default: 64)",
    )


def _add_trace(rtl: argparse._ArgumentGroup) -> None:
    rtl.add_argument(
        "--trace", metavar="FILE", help="write the waveform of the first token's beginning (VCD)"
    )
    rtl.add_argument(
        "--trace-cycles",
        type=int,
        default=5_000,
        metavar="N",
        help="cycles in the waveform, 14 KB each for the smallest engine (default: %(default)s)",
    )


def _add_remote(remote: argparse._ArgumentGroup) -> None:
    remote.add_argument(
        "--remote",
        metavar="USER@HOST",
        help="run on that machine over ssh; the image is copied once",
    )
    remote.add_argument(
        "--remote-command",
        default="tritstream",
        metavar="COMMAND",
        help="what starts tritstream there (default: %(default)s)",
    )
    remote.add_argument(
        "--ssh", default="ssh", metavar="COMMAND", help="ssh with options (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    prompt = _prompt(args)
    if args.remote is not None:
        return _run_remote(args, prompt)
    with _loaded(args) as model:
        return _write_one(args, model, prompt)


def _write_one(args: argparse.Namespace, model: "Model", prompt: str) -> int:
    if note := model.engine.info.note:
        print(f"tritstream: {note}", file=sys.stderr)
    if args.samples != 1:
        return _write_samples(args, model, prompt)
    if args.save_state is not None:
        check_output(args.save_state)
    session = model.session(args.state)
    generation = session.generate(
        prompt,
        max_tokens=args.max_tokens,
        stop=args.stop,
        special=args.special,
        speculate=args.speculate,
        **sampling_of(args),
    )
    status = write(generation, prompt, quiet=args.json)
    if args.save_state is not None:
        session.save(args.save_state)
    engine = model.engine.name
    saturations = model.engine.info.saturations
    if args.json:
        print_json(_report(generation.result, prompt, engine, args.model, saturations))
    else:
        print(_summary(generation.result, engine), file=sys.stderr)
        if args.verbose:
            print(f"tritstream: {_budget(model)}", file=sys.stderr)
        if saturations:
            found = ", ".join(f"{name} {count}" for name, count in saturations.items())
            print(f"tritstream: values cut to their format's range: {found}", file=sys.stderr)
    return status


def _budget(model: "Model") -> str:
    budget = model.engine.info.budget
    if budget is None:
        return f"engine {model.engine.name} counts no cycles: a board does, and --simulate rtl"
    return f"the latest start took {budget}"


def _write_samples(args: argparse.Namespace, model: "Model", prompt: str) -> int:
    """Several texts from one prompt. Ctrl-C ends them all, not the report."""
    from dataclasses import replace

    from tritstream.batching import Batch, Text
    from tritstream.generation import Limits
    from tritstream.prefixes import PrefixCache

    if not 1 <= args.samples <= _MOST_SAMPLES:
        raise OptionError(f"--samples must be 1 to {_MOST_SAMPLES:,}, not {args.samples}")
    for option, value in (("--state", args.state), ("--save-state", args.save_state)):
        if value is not None:
            raise OptionError(f"{option} is of one text: leave out --samples")
    if args.speculate:
        raise OptionError("--speculate is of one text: samples share their passes already")
    sampling = Sampling(**sampling_of(args)).seeded()
    seed, limits = sampling.seed or 0, Limits(args.max_tokens, args.stop)
    tokens = model.tokenizer.encode_prompt(prompt, special=args.special)
    texts = [
        Text(tokens, model.tokenizer, replace(sampling, seed=seed + n), limits)
        for n in range(args.samples)
    ]
    batch = Batch(model.sequences(min(args.samples, _PLACES)), PrefixCache(), "")
    for text in texts:
        batch.add(text)
    status, start = 0, time.perf_counter()
    try:
        batch.run()
    except KeyboardInterrupt as error:
        status = interrupted_status(error)
    seconds = time.perf_counter() - start
    results, engine = [text.writer.result for text in texts], model.engine.name
    if args.json:
        reports = [_report(r, prompt, engine, args.model, None) for r in results]
        print_json({"samples": reports, "measured": {"seconds": seconds}})
        return status
    print("\n---\n".join(prompt + result.text for result in results))
    count = sum(len(result.token_ids) for result in results)
    print(
        f"tritstream: {counted(count, 'token')} of {counted(len(results), 'text')} in "
        f"{seconds:.2f} s, {readable_rate(count / seconds)} tokens/s, prompt included (measured; "
        f"engine {engine}, seeds {seed} to {seed + len(results) - 1})",
        file=sys.stderr,
    )
    return status


@contextmanager
def _loaded(args: argparse.Namespace) -> Iterator["Model"]:
    """The model, and the cluster under it where there is one."""
    if args.engine != "boards":
        if args.dask is not None or args.boards is not None:
            raise OptionError("--dask and --boards go with --engine boards")
        yield _load(args)
        return
    if args.dask is None:
        raise OptionError("--engine boards needs --dask: local:N, or a cluster of boards")
    if args.trace is not None or args.threads is not None:
        raise OptionError("--engine boards takes neither --trace nor --threads")
    from tritstream.cluster.boards import BoardsEngine
    from tritstream.cluster.connection import connected
    from tritstream.image import open_image
    from tritstream.model import load

    model = load(args.model, "spec")
    image = open_image(model.source)
    with (
        connected(args.dask, args.dask_tls) as client,
        model.with_engine(
            BoardsEngine(
                image,
                client,
                args.boards,
                simulate=args.simulate,
                checkpoint_tokens=args.checkpoint_tokens,
            )
        ) as whole,
    ):
        yield whole


def _load(args: argparse.Namespace) -> "Model":
    from tritstream.model import load

    options = _board_options(args)
    if args.trace is not None:
        check_output(args.trace)
    if args.trace is None:
        return load(args.model, args.engine, options, args.threads)
    if args.engine != "rtl" or options is not None:
        raise OptionError(
            "--trace writes a waveform of simulated hardware: it goes with --engine rtl, and with "
            "no option for boards"
        )
    if args.trace_cycles < 1:
        raise OptionError(f"--trace-cycles must be 1 or more, not {args.trace_cycles}")
    from tritstream.engines.rtl import RtlEngine
    from tritstream.image import open_image

    model = load(args.model, "spec")
    image = open_image(model.source)
    return model.with_engine(
        RtlEngine(image, trace=Path(args.trace), trace_cycles=args.trace_cycles)
    )


def _board_options(args: argparse.Namespace) -> BoardOptions | None:
    """None where none was given, so that engines which take none are left alone."""
    if args.cma_limit is not None and not 0 <= args.cma_limit < 1e9:
        raise OptionError(f"--cma-limit must be 0 MB or more, not {args.cma_limit}")
    limit = None if args.cma_limit is None else int(args.cma_limit * 1e6)
    overlay = None if args.overlay is None else Path(args.overlay)
    options = BoardOptions(
        overlay=overlay,
        cma_limit=limit,
        check=args.check,
        simulate=args.simulate,
        # A start of simulated RTL takes minutes.
        time_limit_s=3600.0 if args.simulate == "rtl" else BoardOptions.time_limit_s,
    )
    return None if options == BoardOptions() else options


def _run_remote(args: argparse.Namespace, prompt: str) -> int:
    from tritstream.board.remote import Remote
    from tritstream.models import model_path

    for option, value in (
        ("--trace", args.trace),
        ("--state", args.state),
        ("--save-state", args.save_state),
    ):
        if value is not None:
            raise OptionError(
                f"{option} and --remote do not go together: the file would lie over there"
            )
    if args.samples != 1:
        raise OptionError("--samples and --remote do not go together: run --remote several times")
    image = model_path(args.model)
    if image.is_dir():
        raise OptionError(
            f"--remote sends packed images, and {image} is a checkpoint: run `tritstream pack` "
            f"first"
        )
    values = {
        "--engine": args.engine,
        "--threads": args.threads,
        "--max-tokens": args.max_tokens,
        "--temperature": _temperature(args),
        "--top-k": args.top_k,
        "--top-p": args.top_p,
        "--repetition-penalty": _penalty(args),
        "--seed": args.seed,
        "--overlay": args.overlay,
        "--cma-limit": args.cma_limit,
        "--simulate": None if args.simulate == "spec" else args.simulate,
    }
    # One word each, so that no value is taken for an option.
    words = [f"{name}={value}" for name, value in values.items() if value is not None]
    words += [f"--stop={text}" for text in args.stop]
    words += [f"--{name}" for name in ("json", "check", "special") if getattr(args, name)]
    if args.speculate is not None:
        words.append("--speculate" if args.speculate else "--no-speculate")
    remote = Remote(args.remote, args.remote_command, args.ssh)
    return remote.generate(image, words, prompt)


def _prompt(args: argparse.Namespace) -> str:
    if args.file is not None:
        if args.prompt:
            raise OptionError("give the prompt as an argument or with --file, not both")
        return _unended(read_text(args.file))
    if args.prompt == ["-"] or (not args.prompt and not sys.stdin.isatty()):
        return _unended(read_text("-"))
    return universal(" ".join(args.prompt))


def _unended(text: str) -> str:
    """A text from a file or pipe ends in a newline that nobody meant as part of the prompt."""
    return text.removesuffix("\n")


def sampling_of(args: argparse.Namespace) -> dict[str, Any]:
    """What the options of `add_sampling` say, as `Session.generate` takes it."""
    return {
        "temperature": _temperature(args),
        "top_k": args.top_k,
        "top_p": args.top_p,
        "repetition_penalty": _penalty(args),
        "seed": args.seed,
    }


def _penalty(args: argparse.Namespace) -> float:
    if args.repetition_penalty is not None:
        return float(args.repetition_penalty)
    return 1.0 if _temperature(args) == 0 else STORY.repetition_penalty


def _temperature(args: argparse.Namespace) -> float:
    if args.greedy:
        if args.temperature:
            raise OptionError("--greedy and --temperature contradict each other")
        return 0.0
    return STORY.temperature if args.temperature is None else float(args.temperature)


def write(generation: Generation, prompt: str, quiet: bool) -> int:
    """Write the text, showing it unless `quiet`. Ctrl-C ends the text, not the report."""
    status = 0
    try:
        pieces = iter(generation)
        if generation.result.prompt_tokens >= _LONG and sys.stderr.isatty():
            with _reading(generation):
                pieces = chain([next(pieces, "")], pieces)
        if not quiet:
            print(prompt, end="", flush=True)
        for piece in pieces:
            if not quiet:
                print(piece, end="", flush=True)
    except KeyboardInterrupt as error:
        status = interrupted_status(error)
    if not quiet:
        print(flush=True)
    return status


@contextmanager
def _reading(generation: Generation) -> Iterator[None]:
    """How far a long prompt has been read, for a terminal."""
    from rich.console import Console
    from rich.live import Live
    from rich.progress import MofNCompleteColumn, Progress, TimeRemainingColumn

    bar = Progress("reading the prompt", MofNCompleteColumn(), "tokens", TimeRemainingColumn())
    task = bar.add_task("", total=generation.result.prompt_tokens)

    def shown() -> Progress:
        bar.update(task, completed=generation.prompt_read)
        return bar

    with Live(get_renderable=shown, console=Console(stderr=True), transient=True):
        yield


def _summary(result: Result, engine: str) -> str:
    seed = "" if result.seed is None else f", seed {result.seed}"
    rate, read = result.tokens_per_second, result.prompt_read
    whole = counted(result.prompt_tokens, "token")
    of = whole if read == result.prompt_tokens else f"{read:,} of {whole}"
    return (
        f"tritstream: {counted(len(result.token_ids), 'token')} in {result.seconds:.2f} s, "
        + (f"{readable_rate(rate)} tokens/s, " if rate else "")
        + _guessed(result)
        + f"after a prompt of {of} in {result.prompt_seconds:.2f} s "
        f"(measured; engine {engine}{seed}); stopped by: {result.stop_reason}"
    )


def _guessed(result: Result) -> str:
    if not result.guessed:
        return ""
    return (
        f"{result.tokens_per_pass:.2f} tokens a pass ({result.acceptance_rate:.0%} of "
        f"{counted(result.guessed, 'guessed token')} right), "
    )


def _report(
    result: Result, prompt: str, engine: str, model: str, saturations: Mapping[str, int] | None
) -> dict[str, object]:
    return {
        "model": model,
        "engine": engine,
        "prompt": prompt,
        "text": result.text,
        "token_ids": result.token_ids,
        "stop_reason": result.stop_reason,
        "seed": result.seed,
        "prompt_tokens": result.prompt_tokens,
        "prompt_read": result.prompt_read,
        "saturations": saturations,
        "passes": result.passes,
        "guessed": result.guessed,
        "guessed_right": result.guessed_right,
        "acceptance_rate": result.acceptance_rate,
        "tokens_per_pass": result.tokens_per_pass,
        "measured": {
            "prompt_seconds": result.prompt_seconds,
            "seconds": result.seconds,
            "tokens_per_second": result.tokens_per_second,
        },
    }
