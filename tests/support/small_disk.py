"""Running Python where the disk is really full."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest


def on_small_disk(
    folder: Path, code: str, kilobytes: int = 256
) -> subprocess.CompletedProcess[str]:
    """Run `code` with a new file system of that size as working directory, `folder` of the host.

    The file system lives in a mount namespace of the child. Skips the test where the system does
    not allow one.
    """
    enter = ["unshare", "--map-root-user", "--mount", "sh", "-c"]
    mount = f"mount -t tmpfs -o size={kilobytes}k tmpfs '{folder}' && cd '{folder}'"
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed, so no small file system can be made")
    probe = subprocess.run([*enter, mount], capture_output=True, text=True)
    if probe.returncode:
        pytest.skip(f"no mount namespace on this system: {probe.stderr.strip()}")
    return subprocess.run(
        [*enter, f'{mount} && exec "$0" -c "$1"', sys.executable, code],
        capture_output=True,
        text=True,
        timeout=120,
    )
