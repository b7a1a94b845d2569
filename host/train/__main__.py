"""`python -m tritstream.train`, which is what `torchrun -m tritstream.train` starts."""

import os
import sys

from tritstream.cli import main

status = main(["train", *sys.argv[1:]])
if int(os.environ.get("WORLD_SIZE", 1)) > 1:
    # Everything is written and the group is closed. What PyTorch's libraries destroy after that
    # ends now and then in std::terminate, and torchrun would take the run for failed.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
sys.exit(status)
