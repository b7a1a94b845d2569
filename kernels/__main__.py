"""`python -m tritstream.kernels`: regenerate or check the kernel sources, print what they do."""

from __future__ import annotations

import argparse
import sys

from tritstream.bench.synthetic import geometry_of
from tritstream.configurations import configuration_named
from tritstream.errors import OptionError, TritstreamError
from tritstream.estimate.cycles import reference_geometry
from tritstream.estimate.work import markdown
from tritstream.kernels.build import build, check
from tritstream.kernels.manifest import generated_configurations
from tritstream.kernels.sources import KERNELS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tritstream.kernels", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("build", help="compile the kernels with Allo")
    command.add_argument(
        "--configuration",
        action="append",
        metavar="NAME",
        help="only this one, or a .toml file of your own (may be repeated)",
    )
    command.add_argument(
        "--kernel",
        action="append",
        choices=KERNELS,
        metavar="NAME",
        help=f"make only this one anew: {', '.join(KERNELS)} (may be repeated)",
    )
    command.add_argument("--check", action="store_true", help="compare with what is checked in")
    table = commands.add_parser("work", help="operations, cycles and memory as Markdown tables")
    table.add_argument("configuration", metavar="NAME")
    table.add_argument("--geometry", metavar="NAME", help="of the model: 370m, 1.3b, 2.7b or demo")
    options = parser.parse_args()
    try:
        if options.command == "work":
            configuration = configuration_named(options.configuration)
            _, geometry = reference_geometry(configuration)
            if options.geometry:
                geometry = geometry_of(options.geometry)
            print(markdown(configuration, geometry), end="")
            return 0
        names = options.configuration or list(generated_configurations())
        if options.check and options.kernel:
            raise OptionError("--check compares whole configurations: leave --kernel out")
        if options.check:
            return 0 if check(names, print) else 1
        build(names, print, options.kernel or ())
    except TritstreamError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
