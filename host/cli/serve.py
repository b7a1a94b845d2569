"""`tritstream serve`: a model behind the OpenAI interface."""

import argparse
import ipaddress
import os
import socket
import sys

from tritstream.cli.options import add_model, add_threads
from tritstream.errors import OptionError

_EXAMPLES = """\
examples:
  tritstream serve                                 the demo model at http://127.0.0.1:8080
  tritstream serve -m model.trit --port 9000 --sequences 8
  tritstream serve --host 0.0.0.0 --api-key-file key.txt

  curl http://127.0.0.1:8080/v1/completions -H 'content-type: application/json' \\
    -d '{"prompt": "Once upon a time", "max_tokens": 60, "stream": true}'

It listens on this machine alone unless --host says otherwise, and speaks plain HTTP: beyond a
network that you trust, put a proxy with TLS in front. The extra `server` brings what it needs.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = _EXAMPLES
    add_model(parser)
    add_threads(parser)
    listen = parser.add_argument_group("who may ask")
    listen.add_argument(
        "--host",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to listen on (default: %(default)s)",
    )
    listen.add_argument(
        "--port", type=int, default=8080, metavar="N", help="(default: %(default)s; 0: a free one)"
    )
    listen.add_argument(
        "--api-key-file",
        metavar="FILE",
        help="clients must send the first line of this file as bearer token (default: the variable "
        "TRITSTREAM_API_KEY, or none)",
    )
    listen.add_argument(
        "--name", metavar="NAME", help="of the model, for clients (default: that of its file)"
    )
    much = parser.add_argument_group("how much at a time")
    for option, default, told in (
        ("--sequences", 16, "texts that are written at a time"),
        ("--queue", 256, "texts that may wait for a place, before 429 is answered"),
        ("--max-tokens", 4096, "the most that one text may ask for"),
        ("--prompt-tokens", 1 << 17, "the most that a prompt may have"),
        ("--body-bytes", 1 << 20, "the most that a request may have"),
        ("--cache-mb", 64, "memory for states of prompts that were read; 0 keeps none"),
    ):
        much.add_argument(
            option, type=int, default=default, metavar="N", help=f"{told} (default: {default})"
        )
    much.add_argument(
        "--time-limit",
        type=float,
        default=600.0,
        metavar="S",
        help="seconds until a request is given up (default: %(default)s)",
    )
    much.add_argument(
        "--stall-limit",
        type=float,
        default=30.0,
        metavar="S",
        help="seconds until a client is given up that neither sends nor takes (default: "
        "%(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    _check(args)
    try:
        import uvicorn

        from tritstream.server.app import ServerOptions, make_app
    except ImportError as error:
        raise OptionError(
            f"`tritstream serve` needs what is not installed here ({error}): run "
            f"`pip install 'tritstream[server]'`"
        ) from error
    from tritstream.model import load

    key = _key(args.api_key_file)
    listener = _listener(args.host, args.port)
    with listener, load(args.model, args.engine, threads=args.threads) as model:
        model.tokenizer  # noqa: B018 - a model without one cannot be served
        loopback = _is_loopback(listener.getsockname()[0])
        options = ServerOptions(
            name=args.name or model.source.stem,
            sequences=args.sequences,
            queue=args.queue,
            key=key,
            body_bytes=args.body_bytes,
            prompt_tokens=args.prompt_tokens,
            max_tokens=args.max_tokens,
            request_s=args.time_limit,
            stall_s=args.stall_limit,
            cache_bytes=args.cache_mb << 20,
            hosts=("127.0.0.1", "localhost", "[::1]") if loopback else (),
        )
        if not loopback and key is None:
            print(
                "tritstream: warning: everybody who reaches this address may use the model: "
                "--api-key-file asks for a key",
                file=sys.stderr,
            )
        config = uvicorn.Config(
            make_app(model, options),
            log_level="warning",
            access_log=False,
            server_header=False,
            lifespan="on",
            timeout_graceful_shutdown=5,
        )
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        print(
            f"tritstream: {options.name} on engine {model.engine.name} at http://{shown}:{port} "
            f"(Ctrl-C ends it)",
            file=sys.stderr,
            flush=True,
        )
        try:
            uvicorn.Server(config).run(sockets=[listener])
        except KeyboardInterrupt:
            print("tritstream: stopped", file=sys.stderr)
    return 0


def _check(args: argparse.Namespace) -> None:
    least = {"queue": 0, "cache_mb": 0, "body_bytes": 100, "port": 0}
    for name in (
        *("sequences", "queue", "max_tokens", "prompt_tokens", "body_bytes", "cache_mb"),
        *("time_limit", "stall_limit", "port"),
    ):
        value = getattr(args, name)
        if not least.get(name, 0.001) <= value < 1e12:
            option = "--" + name.replace("_", "-")
            raise OptionError(f"{option} must be {max(least.get(name, 1), 0)} or more, not {value}")
    if args.port > 65535:
        raise OptionError(f"--port must be 0 to 65535, not {args.port}")


def _key(path: str | None) -> str | None:
    if path is None:
        return os.environ.get("TRITSTREAM_API_KEY") or None
    from tritstream.cli.options import read_text

    key = read_text(path).partition("\n")[0].strip()
    if not key or not key.isascii() or " " in key:
        raise OptionError(f"the first line of {path} must be a key of ASCII characters, unspaced")
    return key


def _listener(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OptionError(
            f"cannot listen on {host} port {port}: {reason}; choose others with --host and --port"
        ) from error


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address.partition("%")[0]).is_loopback
