"""Signals that end a program, as the exception that Ctrl-C raises."""

import signal


class Ended(KeyboardInterrupt):
    """SIGTERM or SIGHUP: everything that tidies up after Ctrl-C does so after these too."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def interrupted_status(error: KeyboardInterrupt) -> int:
    """The exit status of a program that was ended so, as shells have it: 128 and the number."""
    return 128 + (error.number if isinstance(error, Ended) else signal.SIGINT)
