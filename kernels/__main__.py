"""`python -m tritstream.kernels build`: regenerate or check the kernel sources."""

from __future__ import annotations

import argparse
import sys

from tritstream.errors import TritstreamError
from tritstream.kernels.build import build, check
from tritstream.kernels.manifest import generated_configurations


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tritstream.kernels", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("build", help="compile the kernels with Allo")
    command.add_argument(
        "--configuration", action="append", metavar="NAME", help="only this one (may be repeated)"
    )
    command.add_argument("--check", action="store_true", help="compare with what is checked in")
    options = parser.parse_args()
    names = options.configuration or list(generated_configurations())
    try:
        if options.check:
            return 0 if check(names, print) else 1
        build(names, print)
    except TritstreamError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
