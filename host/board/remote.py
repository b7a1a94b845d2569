"""Running a job on a board from a PC, over the user's own ssh.

Nothing new listens on the board: each step is one ssh command there, run by `sh`. The image is
copied once, into a file named by its SHA-256; later jobs find it and need a single connection.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tritstream.board.errors import BoardError
from tritstream.board.memory import megabytes
from tritstream.files import sha256_of
from tritstream.text.characters import whole_characters

_NO_IMAGE = 66
"""Exit status with which the script on the board says that the image is not there yet."""
_NOT_FOUND, _SSH_FAILED = 127, 255
_OF_A_JOB = (0, 2, 130, 141, 143)
"""Exit statuses of `tritstream generate`, which come with whatever it has to say."""


class RemoteError(BoardError):
    """The other machine cannot be reached, or cannot run the job."""


@dataclass(frozen=True)
class Remote:
    """A machine to run jobs on."""

    host: str
    """As ssh takes it: ``user@host`` or a name of the user's ssh configuration."""
    command: str = "tritstream"
    """What starts tritstream there, as the shell there reads it."""
    ssh: str = "ssh"
    """The local ssh command with options of the user's own."""

    def generate(self, image: Path, arguments: Sequence[str], prompt: str) -> int:
        """Run `tritstream generate` there; its output comes here. Returns its exit status.

        Raises RemoteError where the connection fails or there is no tritstream.
        """
        digest = sha256_of(image)
        place = f'f="${{XDG_CACHE_HOME:-$HOME/.cache}}/tritstream/images/{digest}.trit"'
        # The prompt goes through standard input: no shell ever reads it.
        job = f'exec {self.command} generate - --model "$f" {shlex.join(arguments)}'
        script = f'{place}; test -f "$f" || exit {_NO_IMAGE}; {job}'
        # What is no text in the prompt reaches the tokenizer there as it does here.
        stdin = whole_characters(prompt)
        status = self._run(script, stdin)
        if status == _NO_IMAGE:
            self._copy(image, place, digest)
            status = self._run(script, stdin)
        if status == _NOT_FOUND:
            raise RemoteError(
                f"there is no command '{self.command}' on {self.host}: install tritstream there, "
                f"or name it with --remote-command, such as "
                f"'sudo -n /usr/local/share/pynq-venv/bin/tritstream'"
            )
        if status not in _OF_A_JOB:
            raise RemoteError(
                f"the job on {self.host} ended with exit status {status} and no text of its own: "
                f"try `{self.ssh} {self.host} {self.command} doctor` by itself. A sudo in "
                f"--remote-command must not ask for a password: log in as root, or allow it "
                f"without one"
            )
        return status

    def _copy(self, image: Path, place: str, digest: str) -> None:
        size = megabytes(image.stat().st_size)
        print(f"tritstream: copying {image.name} ({size}) to {self.host}, once", file=sys.stderr)
        script = (
            f'{place}; umask 077; mkdir -p "${{f%/*}}" && t="$f.$$.part" && trap \'rm -f "$t"\' 0 '
            f'&& cat > "$t" && s=$(sha256sum < "$t") && test "${{s%% *}}" = {digest} '
            f'&& mv "$t" "$f"'
        )
        with open(image, "rb") as file:
            status = self._ssh(script, stdin=file)
        if status == _SSH_FAILED:
            raise self._unreachable()
        if status:
            raise RemoteError(
                f"{image} did not arrive whole on {self.host} (exit status {status}): is its disk "
                f"full?"
            )

    def _run(self, script: str, stdin: str) -> int:
        sys.stdout.flush()
        status = self._ssh(script, input=(stdin + "\n").encode())
        if status == _SSH_FAILED:
            raise self._unreachable()
        return status

    def _ssh(self, script: str, **streams: Any) -> int:
        line = self._line(script)
        try:
            return subprocess.run(line, check=False, **streams).returncode
        except OSError as error:
            raise RemoteError(
                f"cannot run {line[0]} ({error.strerror}): install ssh (on Debian: apt-get install "
                f"openssh-client), or name it with --ssh"
            ) from error

    def _line(self, script: str) -> list[str]:
        if self.host.startswith("-") or not self.host:
            raise RemoteError(f"'{self.host}' is no host: give user@host")
        try:
            ssh = shlex.split(self.ssh)
        except ValueError as error:
            raise RemoteError(f"--ssh {self.ssh} is no command: {error}") from error
        if not ssh:
            raise RemoteError("--ssh is empty: give a command such as ssh, with its options")
        return [*ssh, self.host, f"sh -c {shlex.quote(script)}"]

    def _unreachable(self) -> RemoteError:
        return RemoteError(
            f"ssh could not reach {self.host}: try `{self.ssh} {self.host}` by itself"
        )
