"""The user space of a board: Debian for armhf and arm64 under qemu-user, without a network."""

import os
import platform
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tritstream.board.bundle import MACHINES, make_bundle
from tritstream.cli import main

pytestmark = pytest.mark.long

DEBIAN = {"armv7l": "armhf", "aarch64": "arm64"}
IMAGE = "/usr/local/share/pynq-venv"
"""Where the boards' images have their Python environment."""
STORY = ["generate", "Once upon a time", "--seed", "7", "-n", "24"]


@pytest.fixture(scope="module", params=list(DEBIAN))
def root(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A root with Python and NumPy and, laid out as on a board, a virtual environment over them.

    TRITSTREAM_TEST_ROOTS names a folder where the roots are kept between runs.
    """
    machine = MACHINES[request.param]
    for program in ("debootstrap", "unshare", f"{machine.triplet}-gcc"):
        if shutil.which(program) is None:
            pytest.skip(
                f"{program} is not here (Debian: apt-get install debootstrap {machine.debian})"
            )
    if os.getuid():
        pytest.skip("debootstrap needs root")
    runs = Path(f"/proc/sys/fs/binfmt_misc/qemu-{machine.name.removesuffix('v7l')}")
    if platform.machine() != machine.name and not runs.exists():
        pytest.skip(f"{machine.name} does not run here (Debian: apt-get install qemu-user-static)")
    kept = os.environ.get("TRITSTREAM_TEST_ROOTS")
    base = Path(kept) if kept else tmp_path_factory.mktemp("roots")
    folder = base / f"bookworm-{DEBIAN[request.param]}"
    if not (folder / "made").exists():
        command = ["debootstrap", "--variant=minbase", f"--arch={DEBIAN[request.param]}"]
        command += [
            "--include=python3,python3-venv,python3-pip,python3-numpy",
            "bookworm",
            str(folder),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if "Couldn't download" in done.stdout + done.stderr:
            pytest.skip("debootstrap reaches no Debian archive from here")
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr
        (folder / "made").touch()
    shutil.rmtree(f"{folder}{IMAGE}", ignore_errors=True)
    inside(folder, "python3", "-m", "venv", "--system-site-packages", IMAGE)
    yield folder
    if not kept:
        shutil.rmtree(folder)


def inside(root: Path, *command: str) -> str:
    """Run a command in a root, without a network and with a login's bare environment."""
    bare = ["env", "-i", "HOME=/root", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"]
    done = subprocess.run(
        ["unshare", "-n", "chroot", str(root), *bare, *command],
        capture_output=True,
        text=True,
        check=False,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_board_installs_offline_and_writes_the_same_text(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    machine = MACHINES["armv7l" if root.name.endswith("armhf") else "aarch64"]
    bundle = root / "opt" / "bundle"
    made = make_bundle(machine, bundle)
    assert len(made.wheels) == 7
    before = inside(root, f"{IMAGE}/bin/pip", "freeze", "--all")
    assert "tritstream" not in before
    inside(root, "sh", "/opt/bundle/install.sh")
    after = inside(root, f"{IMAGE}/bin/pip", "freeze", "--all")
    assert set(before.splitlines()) <= set(after.splitlines())  # NumPy above all
    assert "compiled" in inside(root, f"{IMAGE}/bin/tritstream", "doctor")

    assert main([*STORY, "-e", "native"]) == 0
    here = capsys.readouterr().out
    for engine in ("native", "native:c", "spec"):
        there = inside(root, f"{IMAGE}/bin/tritstream", *STORY, "-e", engine)
        assert there == here, engine
