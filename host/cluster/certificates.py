"""Certificates for a cluster: one authority, and one certificate for all that it trusts."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

from tritstream.cluster.connection import CA, CERTIFICATE, KEY
from tritstream.errors import FileError, OptionError
from tritstream.files import atomic_write_bytes

_DAYS = 365


def make_certificates(folder: Path, days: int = _DAYS) -> None:
    """Make ca.pem, certificate.pem and key.pem in a new folder that only its owner may read.

    Whoever has the folder may join the cluster: schedulers, workers and clients get a copy of it.
    The authority's own key is thrown away, so that nobody can make further certificates. Raises
    FileError for a folder that exists, OptionError for days outside 1 to 3650.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.x509.oid import NameOID
    except ImportError as error:
        raise OptionError(
            "making certificates needs the package cryptography: run `pip install "
            "'tritstream[dask]'`"
        ) from error
    if not 1 <= days <= 3650:
        raise OptionError(f"certificates are valid for 1 to 3650 days, not {days}")
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise FileError(f"cannot make the folder {folder}: {error.strerror}") from error
    now = datetime.datetime.now(datetime.timezone.utc)
    until = now + datetime.timedelta(days=days)

    def name(common: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])

    authority, own = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    begun = now - datetime.timedelta(hours=1)  # a board's clock may be late

    def certificate(
        subject: str, key: ec.EllipticCurvePublicKey, is_authority: bool
    ) -> x509.Certificate:
        return (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name("tritstream cluster authority"))
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begun)
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(is_authority, 0 if is_authority else None), True)
            .sign(authority, hashes.SHA256())
        )

    pem = serialization.Encoding.PEM
    files = {
        CA: certificate("tritstream cluster authority", authority.public_key(), True),
        CERTIFICATE: certificate("tritstream cluster", own.public_key(), False),
    }
    for file, made in files.items():
        atomic_write_bytes(folder / file, made.public_bytes(pem))
    key = own.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    descriptor = os.open(folder / KEY, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as target:
        target.write(key)
