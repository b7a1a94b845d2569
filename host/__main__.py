"""`python -m tritstream` is the command `tritstream`."""

import sys

from tritstream.cli import main

sys.exit(main())
