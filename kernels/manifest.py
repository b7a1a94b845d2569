"""The generated sources of a configuration and the manifest that says what they were made from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from tritstream.configurations import CONFIGURATIONS, Configuration
from tritstream.errors import ConfigurationError

GENERATED = Path(__file__).parent / "generated"
MANIFEST = "manifest.json"


def generated_configurations() -> tuple[str, ...]:
    """Names of the configurations, which all have generated sources."""
    return tuple(CONFIGURATIONS)


def folder_of(configuration: Configuration) -> Path:
    """Where the generated sources of a configuration are: in the package, or where it says."""
    return configuration.folder or GENERATED / configuration.name


def make_manifest(configuration: Configuration, folder: Path, allo_commit: str) -> dict[str, Any]:
    """The manifest of a folder of generated files: configuration, profile, Allo commit, hashes."""
    files = sorted(p for p in folder.iterdir() if p.suffix in (".cpp", ".mlir"))
    return {
        "allo_commit": allo_commit,
        "configuration": configuration.table(),
        "profile": configuration.profile.table(),
        "files": {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files},
    }


def read_manifest(configuration: Configuration) -> dict[str, Any]:
    """The manifest of a configuration's generated sources, checked against the configuration.

    Raises ConfigurationError where there are none, or where they were made for other values.
    """
    path = folder_of(configuration) / MANIFEST
    known = ", ".join(generated_configurations())
    try:
        manifest: dict[str, Any] = json.loads(path.read_text())
    except FileNotFoundError:
        raise ConfigurationError(
            f"there are no kernels for configuration '{configuration.name}' in {path.parent}: use "
            f"one of {known}, or make them with `{_command(configuration)}`"
        ) from None
    wanted = json.loads(json.dumps(configuration.table()))
    for what, mine, other in (
        ("configuration", wanted, manifest.get("configuration")),
        ("profile", configuration.profile.table(), manifest.get("profile")),
    ):
        if mine != other:
            raise ConfigurationError(
                f"the kernels of '{configuration.name}' were generated for another {what} and are "
                f"stale: run `{_command(configuration)}`"
            )
    return manifest


def _command(configuration: Configuration) -> str:
    own = configuration.folder is not None
    name = f"{configuration.name}.toml" if own else configuration.name
    return f"python -m tritstream.kernels build --configuration {name}"
