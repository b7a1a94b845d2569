"""Batches and evaluations by a cluster: processes of this machine, some of which are killed."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import tritstream
from tritstream.cli import main
from tritstream.cluster import tasks
from tritstream.cluster.certificates import make_certificates
from tritstream.cluster.connection import connected, workers_of
from tritstream.cluster.spread import spread
from tritstream.errors import EngineError, FileError, OptionError

pytest.importorskip("distributed", reason="the extra `dask` is not installed")


def write_prompts(path: Path, count: int, tokens: int) -> Path:
    lines: list[Any] = [{"prompt": f"line {n}", "max_tokens": tokens} for n in range(count)]
    lines += [{"prompt": "one", "continuation": " two"}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


class Killer:
    """Kills a worker after the first parts, and the one that takes its place after further ones."""

    def __init__(self, client: Any, kills: tuple[int, ...]) -> None:
        self.client, self.left, self.count = client, list(kills), 0
        self.killed: list[int] = []

    def __call__(self) -> None:
        self.count += 1
        if self.left and self.count >= self.left[0]:
            self.left.pop(0)
            nannies = self.client.cluster.workers.values()
            # The newest is the one that took the other's place.
            pid = max({nanny.pid for nanny in nannies if nanny.pid} - set(self.killed))
            self.killed.append(pid)
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def killers(monkeypatch: pytest.MonkeyPatch) -> list[Killer]:
    """Every cluster loses a worker after two parts and another after four; who did it."""
    from tritstream.cluster import spread as module

    found: list[Killer] = []

    def watched(client: Any, task: Any, parts: Any) -> Iterator[Any]:
        found.append(killer := Killer(client, (2, 4)))
        for result in spread(client, task, parts):
            yield result
            killer()

    monkeypatch.setattr(module, "spread", watched)
    return found


def test_a_batch_of_three_workers_one_killed_twice_is_that_of_one_process(
    image_file: Path, tmp_path: Path, killers: list[Killer]
) -> None:
    prompts = write_prompts(tmp_path / "in", 60, 400)
    options = ["-m", str(image_file), "--seed", "1", "--places", "2"]
    assert main(["batch", str(prompts), "-o", str(tmp_path / "one"), *options]) == 0
    output = tmp_path / "three"
    assert main(["batch", str(prompts), "-o", str(output), *options, "--dask", "local:3"]) == 0
    [killer] = killers
    assert len(set(killer.killed)) == 2 and killer.count == 31
    assert output.read_bytes() == (tmp_path / "one").read_bytes()


def test_an_evaluation_of_three_workers_one_killed_twice_is_that_of_one_process(
    image_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], killers: list[Killer]
) -> None:
    (tmp_path / "text").write_text("a text to be predicted, and more of it. " * 60)
    command = ["eval", str(tmp_path / "text"), "-m", str(image_file), "--window", "40", "--json"]
    found = []
    for more in ([], ["--dask", "local:3"]):
        assert main([*command, *more]) == 0
        report = json.loads(capsys.readouterr().out)["measured"]
        assert report["seconds"] > 0
        found.append({k: v for k, v in report.items() if "second" not in k and k != "saturations"})
    [killer] = killers
    assert len(set(killer.killed)) == 2
    assert found[0] == found[1]


def test_what_goes_wrong_on_workers_is_a_sentence(image_file: Path, tmp_path: Path) -> None:
    model = tritstream.load(image_file)
    lines = [(0, {"prompt": "a", "continuation": "b"})]
    about = (str(image_file), None, 1)
    with connected("local:1") as client:
        wrong = {**tasks.about(), "tritstream": "0"}
        identity = model.identity
        for part, told in (
            ((*about, identity, wrong, lines, 1), "install the same"),
            ((*about, "other", tasks.about(), lines, 1), "is another model"),
            ((str(tmp_path / "no"), None, 1, identity, tasks.about(), lines, 1), "no"),
        ):
            with pytest.raises(tritstream.errors.TritstreamError, match=told):
                list(spread(client, tasks.answers, [part]))
        with pytest.raises(EngineError, match="could not do a part"):
            list(spread(client, time.sleep, [("long",)]))
        listening = subprocess.run(["ss", "-Hltn"], capture_output=True, text=True, check=False)
        ports = {address.rpartition(":")[2] for address in client.run(os.getpid)}
        for line in listening.stdout.splitlines():
            address, _, port = line.split()[3].rpartition(":")
            assert port not in ports or address == "127.0.0.1"


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("local:0", "1 to 64 workers"),
        ("local:999", "1 to 64 workers"),
        ("nonsense", "is no cluster"),
        ("http://a:1", "is no cluster"),
        ("tcp://10.0.0.1:8786", "Dask needs TLS"),
        ("tcp://example.org:8786", "Dask needs TLS"),
        ("tcp://0.0.0.0:8786", "Dask needs TLS"),
        ("tls://10.0.0.1:8786", "needs --dask-tls"),
    ],
)
def test_addresses_that_are_refused(address: str, told: str) -> None:
    with pytest.raises(OptionError, match=told), connected(address):
        pass


def test_a_scheduler_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tritstream.cluster.connection._TIMEOUT_S", 1)
    assert workers_of("tcp://127.0.0.1:1") == 0
    with pytest.raises(EngineError, match="no scheduler answers"), connected("tcp://127.0.0.1:1"):
        pass
    missing = pytest.raises(FileError, match=r"ca\.pem is missing")
    with missing, connected("tls://a:1", tmp_path):
        pass


def test_certificates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "tls"
    assert main(["cluster", "certificates", "-o", str(folder)]) == 0
    assert "dask scheduler --protocol tls" in capsys.readouterr().out
    assert (folder.stat().st_mode & 0o777, (folder / "key.pem").stat().st_mode & 0o777) == (
        0o700,
        0o600,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(folder / "ca.pem"))
    context.load_cert_chain(folder / "certificate.pem", folder / "key.pem")
    assert main(["cluster", "certificates", "-o", str(folder)]) == 2
    assert "cannot make the folder" in capsys.readouterr().err
    with pytest.raises(OptionError, match="days"):
        make_certificates(tmp_path / "b", 0)


@pytest.mark.long
def test_a_scheduler_with_tls_lets_in_who_has_the_certificates(
    image_file: Path, tmp_path: Path
) -> None:
    """Scheduler and worker as a user starts them; a client without certificates stays out."""
    for name in ("tls", "other"):
        make_certificates(tmp_path / name)
    files = ["--tls-ca-file", f"{tmp_path}/tls/ca.pem", "--tls-cert"]
    files += [f"{tmp_path}/tls/certificate.pem", "--tls-key", f"{tmp_path}/tls/key.pem"]
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    scheduler = subprocess.Popen(
        [*dask, "--protocol", "tls", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
        + ["--scheduler-file", str(tmp_path / "scheduler.json"), *files]
    )
    workers: list[subprocess.Popen[bytes]] = []
    try:
        end = time.monotonic() + 60
        while not (tmp_path / "scheduler.json").exists():
            assert time.monotonic() < end
            time.sleep(0.1)
        address = json.loads((tmp_path / "scheduler.json").read_text())["address"]
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1"]
        workers.append(subprocess.Popen([*worker, "--no-dashboard", *files]))
        prompts = write_prompts(tmp_path / "in", 6, 5)
        options = ["-m", str(image_file), "--seed", "1"]
        assert main(["batch", str(prompts), "-o", str(tmp_path / "one"), *options]) == 0
        by = ["--dask", address, "--dask-tls"]
        output = str(tmp_path / "out")
        while main(["batch", str(prompts), "-o", output, *options, *by, f"{tmp_path}/tls"]):
            assert time.monotonic() < end
            time.sleep(1)
        assert (tmp_path / "out").read_bytes() == (tmp_path / "one").read_bytes()
        assert main(["batch", str(prompts), "-o", output, *options, *by, f"{tmp_path}/other"]) == 2
    finally:
        for process in (*workers, scheduler):
            process.terminate()
            process.wait()
