"""The exceptions that tritstream raises for bad input.

Each carries one sentence for a person: what is wrong, which file, option or tensor, and what to do.
The command line prints it and exits with status 2; anything else that escapes is a bug in
tritstream.
"""


class TritstreamError(Exception):
    """Base class: something a user can put right."""


class CheckpointError(TritstreamError):
    """A checkpoint folder, its config.json or one of its tensors cannot be used."""


class TokenizerError(TritstreamError):
    """A tokenizer is missing, unreadable or does not fit the model."""


class ImageError(TritstreamError):
    """A model image is truncated, damaged, too new or packed for something else."""


class ConfigurationError(TritstreamError):
    """An unknown or impossible build configuration, profile, packing or board."""


class EngineError(TritstreamError):
    """An execution is unknown, cannot run here, or was given what it cannot run."""


class OptionError(TritstreamError):
    """An option or argument has a value that makes no sense."""


class FileError(TritstreamError):
    """A file cannot be read or written."""
