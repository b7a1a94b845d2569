"""The way to a cluster: one of this machine's own, or somebody's scheduler."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tritstream.cluster.tasks import about, refuse_other_versions
from tritstream.errors import EngineError, FileError, OptionError

if TYPE_CHECKING:
    from distributed import Client

CA, CERTIFICATE, KEY = "ca.pem", "certificate.pem", "key.pem"
_MOST_WORKERS = 64
_TIMEOUT_S = 20
# A task may lose its worker so many times; Dask's own 3 would give a bad day's work up.
_LOSSES = 20


@contextmanager
def connected(address: str, tls: str | os.PathLike[str] | None = None) -> Iterator[Client]:
    """A client of a cluster whose workers have the same tritstream.

    `address` is ``local:N`` for N workers on this machine, which end with the block, or that of a
    scheduler: ``tls://HOST:PORT`` with a folder of certificates, or ``tcp://`` on this machine.
    Raises OptionError for what is none, no extra `dask`, and workers of other versions; EngineError
    where nobody answers; FileError for certificates.
    """
    try:
        import dask
        from distributed import Client, LocalCluster
        from distributed.security import Security
    except ImportError as error:
        raise OptionError(
            f"--dask needs what is not installed here ({error}): run `pip install "
            f"'tritstream[dask]'`"
        ) from error
    with dask.config.set(
        {"distributed.scheduler.allowed-failures": _LOSSES, "distributed.comm.retry.count": 2}
    ):
        workers = workers_of(address)
        if workers:
            with (
                LocalCluster(
                    n_workers=workers,
                    threads_per_worker=1,
                    host="127.0.0.1",
                    dashboard_address="127.0.0.1:0",
                    worker_dashboard_address="127.0.0.1:0",
                    security=Security.temporary(),
                    silence_logs=60,
                ) as cluster,
                Client(cluster) as client,
            ):
                yield client
            return
        security = _security(address, tls)
        try:
            client = Client(address, security=security, timeout=_TIMEOUT_S)
        except (OSError, ValueError) as error:
            raise EngineError(
                f"no scheduler answers at {address} ({error!s:.200}): start one with `dask "
                f"scheduler`, or use --dask local:N"
            ) from error
        with client:
            if not client.scheduler_info()["workers"]:
                raise EngineError(f"the scheduler at {address} has no workers: start `dask worker`")
            try:
                found = client.run(about)
            except Exception as error:  # whatever a worker without tritstream raises
                raise OptionError(
                    f"a worker of {address} cannot run tritstream ({error!s:.200}): install it"
                ) from error
            for worker, versions in found.items():
                refuse_other_versions(about(), versions, worker)
            yield client


def workers_of(address: str) -> int:
    """How many workers ``local:N`` asks for; 0 for the address of a scheduler.

    Raises OptionError for an address of neither kind.
    """
    if match := re.fullmatch(r"local:(\d{1,4})", address):
        if not 1 <= int(match[1]) <= _MOST_WORKERS:
            raise OptionError(f"a local cluster has 1 to {_MOST_WORKERS} workers, not {match[1]}")
        return int(match[1])
    if not re.fullmatch(r"(tcp|tls)://[^\s/]+:\d+", address):
        raise OptionError(
            f"--dask {address:.100} is no cluster: give local:N, tls://HOST:PORT, or tcp:// on "
            f"this machine"
        )
    return 0


def _security(address: str, tls: str | os.PathLike[str] | None) -> object:
    from distributed.security import Security

    scheme, _, rest = address.partition("://")
    host = rest.rpartition(":")[0].strip("[]")
    if scheme == "tcp":
        if not _is_here(host):
            raise OptionError(
                f"{address} is beyond this machine, where Dask needs TLS: run `tritstream cluster "
                f"certificates`, and give tls:// and --dask-tls"
            )
        return None
    if tls is None:
        raise OptionError(
            f"{address} needs --dask-tls, a folder that `tritstream cluster certificates` makes"
        )
    files = [Path(tls) / name for name in (CA, CERTIFICATE, KEY)]
    for file in files:
        if not file.is_file():
            raise FileError(f"{file} is missing: `tritstream cluster certificates` makes it")
    ca, certificate, key = map(str, files)
    return Security(
        require_encryption=True,
        tls_ca_file=ca,
        tls_client_cert=certificate,
        tls_client_key=key,
    )


def _is_here(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
