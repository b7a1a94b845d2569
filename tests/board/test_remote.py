"""Jobs sent over ssh, to an sshd of our own on localhost that needs no rights."""

import getpass
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest

from support.boards import needs_pynq
from tritstream.board.package import set_xrt
from tritstream.board.remote import Remote, RemoteError
from tritstream.cli import main
from tritstream.image import Image

NASTY = 'it\'s "$HOME" `id`; $(id) \\ -- ü\nnext'


@dataclass(frozen=True)
class Server:
    ssh: str
    cache: Path

    @property
    def options(self) -> list[str]:
        command = f"{sys.executable} -m tritstream"
        return ["--remote", "board", "--ssh", self.ssh, "--remote-command", command]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    needs_pynq()
    sshd = shutil.which("sshd", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if sshd is None or shutil.which("ssh") is None:
        pytest.skip("there is no sshd here (on Debian: apt-get install openssh-server)")
    folder = tmp_path_factory.mktemp("ssh")
    for name in ("host", "user"):
        keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(keygen, check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    cache = folder / "cache"
    (folder / "sshd_config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nPidFile none\n"
        f"AuthorizedKeysFile {folder}/user.pub\nStrictModes no\nUsePAM no\n"
        f"PasswordAuthentication no\nSetEnv XDG_CACHE_HOME={cache}\n"
    )
    key = (folder / "host.pub").read_text()
    (folder / "known_hosts").write_text(f"[127.0.0.1]:{port} {key}")
    (folder / "ssh_config").write_text(
        f"Host board\n  HostName 127.0.0.1\n  Port {port}\n  User {getpass.getuser()}\n"
        f"  IdentityFile {folder}/user\n  IdentitiesOnly yes\n  BatchMode yes\n"
        f"  UserKnownHostsFile {folder}/known_hosts\n  LogLevel ERROR\n"
        f"Host nowhere\n  HostName 127.0.0.1\n  Port 1\n  BatchMode yes\n"
    )
    made = _privilege_folder()
    process = subprocess.Popen(
        [sshd, "-D", "-e", "-f", str(folder / "sshd_config")], stderr=subprocess.PIPE, text=True
    )
    try:
        yield Server(f"ssh -F {folder}/ssh_config", cache)
    finally:
        process.terminate()
        process.communicate(timeout=30)
        if made is not None:
            made.rmdir()


def _privilege_folder() -> Path | None:
    """An sshd of root insists on a folder that its service makes; others need none."""
    folder = Path("/run/sshd")
    if os.getuid() or folder.exists():
        return None
    folder.mkdir(mode=0o755)
    return folder


def _wait_for(server: Server) -> None:
    for _ in range(100):
        line = [*server.ssh.split(), "board", "true"]
        if not subprocess.run(line, capture_output=True, check=False).returncode:
            return
        time.sleep(0.1)
    pytest.fail("the sshd of the test does not answer")


def test_the_text_comes_back_and_the_image_goes_once(
    server: Server, tiny: Image, capfd: pytest.CaptureFixture[str]
) -> None:
    _wait_for(server)
    words = ["generate", NASTY, "-m", tiny.source, "-e", "pynq-sim", "-n", "6", "--greedy"]
    assert main(words) == 0
    here = capfd.readouterr()
    assert main([*words, *server.options]) == 0
    there = capfd.readouterr()
    assert there.out == here.out
    assert here.out.startswith(NASTY)
    assert "copying tiny-tiny.trit (0.43 MB) to board, once" in there.err
    assert "engine pynq-sim" in there.err
    (copy,) = (server.cache / "tritstream/images").iterdir()
    assert copy.read_bytes() == Path(tiny.source).read_bytes()

    assert main([*words[:-4], "spec", *words[-3:], "--stop=\x01never", *server.options]) == 0
    again = capfd.readouterr()
    assert again.out == here.out
    assert "copying" not in again.err


def test_errors_there_are_told_here(
    server: Server, tiny: Image, capfd: pytest.CaptureFixture[str]
) -> None:
    _wait_for(server)
    words = ["generate", "x", "-m", tiny.source, "-e", "nonesuch", *server.options]
    assert main(words) == 2
    assert "unknown engine 'nonesuch'" in capfd.readouterr().err


def test_what_cannot_be_reached_or_run(server: Server, tiny: Image) -> None:
    _wait_for(server)
    image = Path(tiny.source)
    with pytest.raises(RemoteError, match="ssh could not reach nowhere"):
        Remote("nowhere", ssh=server.ssh).generate(image, [], "x")
    with pytest.raises(RemoteError, match="--remote-command"):
        Remote("board", "no-such-command", server.ssh).generate(image, [], "x")
    with pytest.raises(RemoteError, match="no host"):
        Remote("-oProxyCommand=id").generate(image, [], "x")


def test_an_image_that_arrives_damaged_is_not_kept(
    server: Server, tiny: Image, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _wait_for(server)
    from tritstream.board import remote

    monkeypatch.setattr(remote, "sha256_of", lambda path: "0" * 64)
    with pytest.raises(RemoteError, match="did not arrive whole"):
        Remote("board", ssh=server.ssh).generate(Path(tiny.source), [], "x")
    assert not list((server.cache / "tritstream/images").glob("0*"))


# What does not need an sshd.


def fake_ssh(folder: Path, script: str) -> str:
    """An ssh that runs a shell script; its last argument is what the board's shell would run."""
    path = folder / "ssh"
    path.write_text(f"#!/bin/sh\nshift\n{script}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("ssh", "words"),
    [
        ("no-such-ssh", r"cannot run no-such-ssh .*--ssh"),
        ("/etc/passwd", r"cannot run /etc/passwd .*--ssh"),
        ("ssh -o 'x", r"--ssh ssh -o 'x is no command"),
        (" ", r"--ssh is empty"),
        ("false", r"ended with exit status 1 .*sudo"),
        ("sh -c 'exit 255'", r"ssh could not reach board"),
        ("sh -c 'exit 127'", r"no command 'tritstream' on board"),
        ("sh -c 'kill -9 $$'", r"ended with exit status -9"),
    ],
)
def test_an_ssh_that_does_not_work_is_one_line(
    ssh: str, words: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert main(["generate", "x", "--remote", "board", "--ssh", ssh]) == 2
    error = capfd.readouterr().err
    assert error.startswith("tritstream: error: ")
    assert error.count("\n") == 1
    assert re.search(words, error)


def test_a_prompt_that_is_not_text_is_sent_as_it_is_read_here(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    ssh = fake_ssh(tmp_path, f"cat > {tmp_path}/sent")
    prompt = os.fsdecode(b"caf\xe9\r\nol\xc3\xa9")
    assert main(["generate", prompt, "--remote", "board", "--ssh", ssh]) == 0
    assert (tmp_path / "sent").read_bytes().decode() == "caf\N{REPLACEMENT CHARACTER}\nolé\n"


def test_a_command_without_a_login_finds_the_board(tmp_path: Path) -> None:
    """Over ssh and sudo nothing has read /etc/profile.d; pynq then looks for no device."""
    needs_pynq()
    code = (
        "from tritstream.board.package import import_pynq; pynq = import_pynq(); "
        "from pynq.pl_server.device import DeviceMeta as d; "
        "print([c.__name__ for c in d._subclasses.values()])"
    )

    def devices(**environment: str) -> subprocess.CompletedProcess[str]:
        bare = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)} | environment
        command = [sys.executable, "-c", code]
        return subprocess.run(command, env=bare, text=True, capture_output=True, check=False)

    on_board = devices(BOARD="Pynq-Z2")
    if metadata.version("pynq").startswith("3.0"):
        # It loads XRT's library, which this machine lacks: a sentence, and one that names it.
        assert "BoardError: pynq cannot load XRT" in on_board.stderr
        assert "XILINX_XRT=/usr" in on_board.stderr
    else:
        assert "EmbeddedDevice" in on_board.stdout
    assert devices().stdout == "[]\n"


@pytest.mark.parametrize(
    ("profile", "value"),
    [
        (None, "/usr"),
        ("export XILINX_XRT=/opt/xrt\n", "/opt/xrt"),
        ("export PATH\n  XILINX_XRT='/opt/xrt'\n", "/opt/xrt"),
        ("export XILINX_XRT=/nowhere\n", "/usr"),
    ],
)
def test_where_xrt_is_comes_from_the_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, profile: str | None, value: str
) -> None:
    (tmp_path / "etc/profile.d").mkdir(parents=True)
    (tmp_path / "opt/xrt").mkdir(parents=True)
    if profile:
        (tmp_path / "etc/profile.d/xrt.sh").write_text(profile)
    monkeypatch.delenv("BOARD", raising=False)
    monkeypatch.setenv("XILINX_XRT", "")
    set_xrt(tmp_path)
    assert os.environ["XILINX_XRT"] == ""  # this is no board
    (tmp_path / "proc/device-tree").mkdir(parents=True)
    (tmp_path / "proc/device-tree/model").write_text("TUL PYNQ-Z2\0")
    set_xrt(tmp_path)
    assert os.environ["XILINX_XRT"] == value
    monkeypatch.setenv("XILINX_XRT", "/mine")
    set_xrt(tmp_path)
    assert os.environ["XILINX_XRT"] == "/mine"
