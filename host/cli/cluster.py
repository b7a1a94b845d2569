"""`tritstream cluster`: what several machines need to work together."""

import argparse
from pathlib import Path

from tritstream.cli.words import sentence

_AFTER = """\
Copy the folder to every machine of the cluster, by a way that nobody else reads. Then:

  dask scheduler --protocol tls {files}
  dask worker tls://SCHEDULER:8786 --nthreads 1 {files}
  tritstream batch prompts.jsonl -o out.jsonl --dask tls://SCHEDULER:8786 --dask-tls {folder}
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    summary = "make the certificates by which the machines of a cluster know each other"
    made = actions.add_parser("certificates", help=summary, description=sentence(summary))
    made.set_defaults(action=_certificates)
    made.add_argument(
        "-o",
        "--output",
        default="tritstream-tls",
        metavar="FOLDER",
        help="the folder to make (default: %(default)s)",
    )
    made.add_argument(
        "--days", type=int, default=365, metavar="N", help="how long they are valid (default: 365)"
    )


def run(args: argparse.Namespace) -> int:
    status: int = args.action(args)
    return status


def _certificates(args: argparse.Namespace) -> int:
    from tritstream.cluster.certificates import make_certificates
    from tritstream.cluster.connection import CA, CERTIFICATE, KEY

    folder = Path(args.output)
    make_certificates(folder, args.days)
    options = zip(("--tls-ca-file", "--tls-cert", "--tls-key"), (CA, CERTIFICATE, KEY), strict=True)
    files = " ".join(f"{option} {folder / file}" for option, file in options)
    print(_AFTER.format(files=files, folder=folder), end="")
    return 0
