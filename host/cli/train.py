"""`tritstream train`: a model of one's own text."""

from tritstream.train.command import add_arguments
from tritstream.train.command import main as run

__all__ = ["add_arguments", "run"]
