"""Training a model of the `hgrn_bit` architecture on a user's own text (extra `train`).

`add_arguments` and `main` are the command `tritstream train`. Nothing here imports torch before
`main` runs.
"""

from tritstream.train.command import add_arguments, main

__all__ = ["add_arguments", "main"]
