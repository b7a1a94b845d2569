"""`tritstream generate`: text on standard output as it is written, figures on standard error."""

import argparse
import sys

from tritstream.cli.options import add_json, add_model, print_json, read_text, readable_rate
from tritstream.errors import OptionError
from tritstream.generation import Generation, Result


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "prompt",
        nargs="?",
        help="text to continue; - reads standard input, as does a pipe when there is no prompt; "
        "nothing starts from the model's beginning-of-text token",
    )
    parser.add_argument("-f", "--file", metavar="FILE", help="read the prompt from a UTF-8 file")
    add_model(parser)
    parser.add_argument(
        "-n", "--max-tokens", type=int, default=256, metavar="N", help="(default: %(default)s)"
    )
    parser.add_argument(
        "--stop",
        action="append",
        default=[],
        metavar="TEXT",
        help="stop before this text; may be given several times",
    )
    draw = parser.add_argument_group("sampling")
    draw.add_argument("--greedy", action="store_true", help="always the likeliest token")
    draw.add_argument(
        "-t", "--temperature", type=float, metavar="T", help="(default: 0.7); 0 is --greedy"
    )
    draw.add_argument("--top-k", type=int, default=0, metavar="K", help="(default: all tokens)")
    draw.add_argument("--top-p", type=float, default=0.95, metavar="P", help="(default: 0.95)")
    draw.add_argument(
        "--repetition-penalty", type=float, default=1.0, metavar="R", help="(default: 1, none)"
    )
    draw.add_argument(
        "--seed", type=int, metavar="S", help="same seed, same text (default: a new one each time)"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    from tritstream.model import load

    prompt = _prompt(args)
    model = load(args.model, args.engine)
    generation = model.generate(
        prompt,
        max_tokens=args.max_tokens,
        stop=args.stop,
        temperature=_temperature(args),
        top_k=args.top_k,
        top_p=args.top_p,
        repetition_penalty=args.repetition_penalty,
        seed=args.seed,
    )
    status = _write(generation, prompt, quiet=args.json)
    engine = model.engine.name
    if args.json:
        print_json(_report(generation.result, prompt, engine, args.model))
    else:
        print(_summary(generation.result, engine), file=sys.stderr)
    return status


def _prompt(args: argparse.Namespace) -> str:
    if args.file is not None:
        if args.prompt is not None:
            raise OptionError("give the prompt as an argument or with --file, not both")
        return read_text(args.file)
    if args.prompt == "-" or (args.prompt is None and not sys.stdin.isatty()):
        # A text from a pipe ends in a newline that nobody meant as part of the prompt.
        return read_text("-").removesuffix("\n")
    return args.prompt or ""


def _temperature(args: argparse.Namespace) -> float:
    if args.greedy:
        if args.temperature:
            raise OptionError("--greedy and --temperature contradict each other")
        return 0.0
    return 0.7 if args.temperature is None else float(args.temperature)


def _write(generation: Generation, prompt: str, quiet: bool) -> int:
    """Write the text, showing it unless `quiet`. Ctrl-C ends the text, not the report."""
    status = 0
    if not quiet:
        print(prompt, end="", flush=True)
    try:
        for piece in generation:
            if not quiet:
                print(piece, end="", flush=True)
    except KeyboardInterrupt:
        status = 130
    if not quiet:
        print(flush=True)
    return status


def _summary(result: Result, engine: str) -> str:
    seed = "" if result.seed is None else f", seed {result.seed}"
    count, rate = len(result.token_ids), result.tokens_per_second
    return (
        f"tritstream: {count} {'token' if count == 1 else 'tokens'} in {result.seconds:.2f} s, "
        + (f"{readable_rate(rate)} tokens/s, " if rate else "")
        + f"after a prompt of {result.prompt_tokens} tokens in {result.prompt_seconds:.2f} s "
        f"(measured; engine {engine}{seed}); stopped by: {result.stop_reason}"
    )


def _report(result: Result, prompt: str, engine: str, model: str) -> dict[str, object]:
    return {
        "model": model,
        "engine": engine,
        "prompt": prompt,
        "text": result.text,
        "token_ids": result.token_ids,
        "stop_reason": result.stop_reason,
        "seed": result.seed,
        "prompt_tokens": result.prompt_tokens,
        "measured": {
            "prompt_seconds": result.prompt_seconds,
            "seconds": result.seconds,
            "tokens_per_second": result.tokens_per_second,
        },
    }
