"""Layouts, which images are packed for, and configurations, which hardware is made for.

A configuration is hardware alone: how wide it is, what it computes in, and the largest model that
it holds. A layout is the part of it that the order of weights in memory depends on. Several
configurations may share a layout, and one image runs on all of them that are large enough. A new
configuration is one more entry in the table, or a TOML file of one's own:

    packing = "base3"
    profile = "default"
    lanes = 32              # bytes of a weight word
    ports = 2
    element_lanes = 8
    hidden = 1024           # the largest model
    intermediate = 2816
    board = "ultra96v2"
    tokens = 4              # that share a pass over the weights; left out: 1
    kernels = "mine"        # the folder for what Allo makes, beside the file; else the file's name
"""

from __future__ import annotations

import re
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tritstream.boards import BOARDS, Board
from tritstream.errors import ConfigurationError
from tritstream.geometry import Geometry
from tritstream.numerics import Profile, profile_named

ROWS_PER_BYTE = {"base3": 5, "2bit": 4}
"""Packings: how many trits, consecutive output rows of one column, share a byte."""

PORT_BYTES = (8, 16)
"""A weight master is 64 or 128 bits wide."""
MAX_TOKENS = 8
MAX_HIDDEN = 4 * 4095
"""What the bits for it in the engine's table of sizes hold."""
PARAMETER_WORD = 16
"""Bytes that everything in a parameter block is a multiple of."""


def round_up(value: int, step: int) -> int:
    return -(-value // step) * step


@dataclass(frozen=True)
class Layout:
    """How weights lie in memory: ``lanes`` bytes make a weight word, split evenly over ``ports``.

    Raises ConfigurationError where the parts do not fit each other.
    """

    packing: str
    profile_name: str
    lanes: int
    ports: int
    parameter_word: int = PARAMETER_WORD
    """Other values are those of images of format version 1."""
    pads: bool = True
    """Whether sizes that do not fit the word are padded; images of format version 1 have none."""

    def __post_init__(self) -> None:
        if self.packing not in ROWS_PER_BYTE:
            known = ", ".join(ROWS_PER_BYTE)
            raise ConfigurationError(f"unknown packing '{self.packing}': choose one of {known}")
        profile_named(self.profile_name)
        if self.ports not in (1, 2, 3, 4) or self.lanes not in [
            self.ports * width for width in PORT_BYTES
        ]:
            raise ConfigurationError(
                f"a weight word of {self.lanes} bytes over {self.ports} ports: one to four ports "
                f"of {' or '.join(map(str, PORT_BYTES))} bytes each are supported"
            )

    def __str__(self) -> str:
        old = "" if self.pads else " of format version 1"
        return f"{self.packing}-{self.profile_name}-{self.lanes}x{self.ports}{old}"

    @property
    def rows_per_byte(self) -> int:
        return ROWS_PER_BYTE[self.packing]

    @property
    def port_bytes(self) -> int:
        """Bytes of a word that one port brings."""
        return self.lanes // self.ports

    @property
    def profile(self) -> Profile:
        return profile_named(self.profile_name)

    def table(self) -> dict[str, Any]:
        """The layout as image headers and manifests store it."""
        return {k: v for k, v in asdict(self).items() if k not in ("parameter_word", "pads")}

    def padded(self, geometry: Geometry) -> Geometry:
        """The sizes that an engine works with for a model.

        Vectors are whole weight words, and at least as many as a byte has rows, because that many
        sums leave the mat-vec one a cycle while the next row group comes in. Logits are whole beats
        of four. What is added has zero weights and is zero throughout.
        """
        if not self.pads:
            return geometry
        least = self.lanes * self.rows_per_byte
        hidden, intermediate = (
            max(round_up(width, self.lanes), least)
            for width in (geometry.hidden, geometry.intermediate)
        )
        vocabulary = round_up(geometry.vocabulary, 4)
        return Geometry(hidden, intermediate, geometry.layers, vocabulary)


@dataclass(frozen=True)
class Configuration:
    """One piece of hardware: a layout, norms that are ``element_lanes`` wide, the largest
    ``hidden`` and ``intermediate`` size that its memories hold, and the board that it is for.

    Raises ConfigurationError where the parts do not fit each other.
    """

    name: str
    packing: str
    profile_name: str
    lanes: int
    ports: int
    element_lanes: int
    hidden: int
    intermediate: int
    board_name: str
    tokens: int = 1
    """The most that one start of the engine takes, in one pass over the weights."""
    folder: Path | None = field(default=None, compare=False)
    """Where its kernels are, if not in the package."""

    def __post_init__(self) -> None:
        where = f"configuration '{self.name}'"
        try:
            layout = self.layout
            Geometry(self.hidden, self.intermediate, 1, 4)
        except ConfigurationError as error:
            raise ConfigurationError(f"{where}: {error}") from None
        if self.element_lanes not in (4, 8, 16, 32) or self.lanes % self.element_lanes:
            raise ConfigurationError(
                f"{where}: element lanes must be 4, 8, 16 or 32 and divide the word's {self.lanes} "
                f"lanes, not {self.element_lanes}"
            )
        if not 1 <= self.tokens <= MAX_TOKENS:
            raise ConfigurationError(
                f"{where}: tokens must be 1 to {MAX_TOKENS}, not {self.tokens}"
            )
        if self.board_name not in BOARDS:
            raise ConfigurationError(
                f"{where}: unknown board '{self.board_name}': choose one of {', '.join(BOARDS)}"
            )
        for name, width in (("hidden", self.hidden), ("intermediate", self.intermediate)):
            if width % self.lanes or width < self.lanes * layout.rows_per_byte:
                raise ConfigurationError(
                    f"{where}: its largest {name} size {width} must be a multiple of the word's "
                    f"{self.lanes} lanes, and at least {layout.rows_per_byte} words"
                )
        if self.hidden > MAX_HIDDEN:
            raise ConfigurationError(
                f"{where}: its largest hidden size must be {MAX_HIDDEN} or less, not {self.hidden}"
            )

    @property
    def layout(self) -> Layout:
        return Layout(self.packing, self.profile_name, self.lanes, self.ports)

    @property
    def rows_per_byte(self) -> int:
        return ROWS_PER_BYTE[self.packing]

    @property
    def port_bytes(self) -> int:
        """Bytes of a word that one port brings."""
        return self.lanes // self.ports

    @property
    def profile(self) -> Profile:
        return profile_named(self.profile_name)

    @property
    def board(self) -> Board:
        return BOARDS[self.board_name]

    @property
    def sample(self) -> Geometry:
        """A small model for it: what kernels are tried with by themselves, and the engine where no
        model is given. It grows with the word, so that a matrix is many more words than the
        mat-vec's pipeline is deep."""
        words = max(8, self.lanes // 4)
        hidden = min(self.hidden, words * self.lanes)
        intermediate = min(self.intermediate, words * 3 // 2 * self.lanes)
        return Geometry(hidden, intermediate, layers=2, vocabulary=512)

    def refusal(self, geometry: Geometry) -> str | None:
        """Why a model of these sizes does not fit, as a sentence; None where it does."""
        padded = self.layout.padded(geometry)
        for name in ("hidden", "intermediate"):
            width, most = getattr(padded, name), getattr(self, name)
            if width > most:
                return (
                    f"'{self.name}' holds models up to hidden size {self.hidden} and "
                    f"intermediate size {self.intermediate}; the model's {name} size is "
                    f"{getattr(geometry, name)}"
                )
        return None

    def table(self) -> dict[str, Any]:
        """The configuration as manifests store it."""
        return {k: v for k, v in asdict(self).items() if k != "folder"}


CONFIGURATIONS = {
    c.name: c
    for c in (
        Configuration("tiny", "2bit", "default", 32, 2, 4, 192, 256, "pynq-z2", tokens=3),
        Configuration("z7020", "base3", "small", 32, 4, 4, 2048, 5632, "pynq-z2"),
        Configuration("kv260", "base3", "default", 64, 4, 16, 2560, 6912, "kv260", tokens=4),
        Configuration("zu3", "base3", "default", 64, 4, 16, 2560, 6912, "aup-zu3"),
    )
}
DEFAULT_LAYOUT = "kv260"
"""What an image is packed for where nothing is asked for; software engines take any layout."""


def configuration_named(name: str) -> Configuration:
    """The configuration of that name, or in a file whose name ends in .toml.

    Raises ConfigurationError naming the known ones, or what is wrong in the file.
    """
    if name.endswith(".toml"):
        return read_configuration(Path(name))
    try:
        return CONFIGURATIONS[name]
    except KeyError:
        raise ConfigurationError(
            f"unknown build configuration '{name}': choose one of {', '.join(CONFIGURATIONS)}, or "
            f"name a .toml file"
        ) from None


_KEYS: dict[str, type] = {
    "packing": str,
    "profile": str,
    "lanes": int,
    "ports": int,
    "element_lanes": int,
    "hidden": int,
    "intermediate": int,
    "board": str,
    "tokens": int,
}
_OPTIONAL = {"tokens": 1}
_NAME = re.compile(r"[A-Za-z0-9][\w-]{0,63}")


def read_configuration(path: Path) -> Configuration:
    """The configuration in a TOML file, which gives it its name.

    Raises ConfigurationError where the file cannot be read, or is no configuration.
    """
    try:
        values = _toml(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigurationError(
            f"cannot read the configuration {path}: {error.strerror}"
        ) from None
    except ValueError as error:  # no TOML, or no UTF-8
        raise ConfigurationError(f"{path} is no TOML file: {error}") from None
    name = path.stem
    if not _NAME.fullmatch(name) or name in CONFIGURATIONS:
        raise ConfigurationError(
            f"{path}: a configuration has the name of its file, and '{name}' is "
            f"{'one of the package' if name in CONFIGURATIONS else 'no name'}: rename it to "
            f"letters, digits, - and _"
        )
    kernels = values.pop("kernels", name)
    values = _OPTIONAL | values
    if unknown := sorted(values.keys() - _KEYS.keys()):
        raise ConfigurationError(
            f"{path}: unknown key '{unknown[0]}': choose of {', '.join((*_KEYS, 'kernels'))}"
        )
    for key, kind in _KEYS.items():
        if key not in values:
            raise ConfigurationError(f"{path}: the key '{key}' is missing")
        if type(values[key]) is not kind:
            what = "text" if kind is str else "a whole number"
            raise ConfigurationError(f"{path}: {key} must be {what}, not {values[key]!r:.80}")
    if not isinstance(kernels, str) or not kernels:
        raise ConfigurationError(f"{path}: kernels must be the name of a folder")
    values["profile_name"], values["board_name"] = values.pop("profile"), values.pop("board")
    try:
        return Configuration(name, folder=path.parent / kernels, **values)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def toml_of(configuration: Configuration) -> str:
    """The lines of a file that `read_configuration` reads as it."""
    c = configuration
    values = {
        "packing": c.packing,
        "profile": c.profile_name,
        "lanes": c.lanes,
        "ports": c.ports,
        "element_lanes": c.element_lanes,
        "hidden": c.hidden,
        "intermediate": c.intermediate,
        "board": c.board_name,
        "tokens": c.tokens,
    }
    return "".join(
        f'{name} = "{value}"\n' if isinstance(value, str) else f"{name} = {value}\n"
        for name, value in values.items()
    )


def _toml(text: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)


def layout_named(name: str, packing: str | None = None, profile: str | None = None) -> Layout:
    """The layout of a configuration, with another packing or profile where one is given.

    Raises ConfigurationError naming the known ones.
    """
    if name not in CONFIGURATIONS and not name.endswith(".toml"):
        raise ConfigurationError(
            f"unknown layout '{name}': choose that of one of {', '.join(CONFIGURATIONS)}, or name "
            f"a .toml file"
        )
    layout = configuration_named(name).layout
    return replace(
        layout,
        packing=packing or layout.packing,
        profile_name=profile or layout.profile_name,
    )
