"""`python -m tritstream.train`, which is what `torchrun -m tritstream.train` starts."""

import sys

from tritstream.cli import main

sys.exit(main(["train", *sys.argv[1:]]))
