"""Text from elsewhere as the characters that a tokenizer takes."""


def whole_characters(text: str) -> str:
    """`text` with unpaired surrogates as U+FFFD, so that it has an encoding in UTF-8.

    Bytes of a command line that are not UTF-8 arrive as such surrogates (PEP 383).
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def universal(text: str) -> str:
    """`text` without a byte order mark, and with every line end (\\r\\n and \\r too) as \\n."""
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
