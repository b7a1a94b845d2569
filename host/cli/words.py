"""Words for people, which several commands share."""


def sentence(summary: str) -> str:
    """A summary as a sentence; the names in it keep their capitals."""
    return f"{summary[0].upper()}{summary[1:]}."


def counted(count: int, thing: str) -> str:
    """A count with its noun, such as 1 token or 2,000 tokens."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"
