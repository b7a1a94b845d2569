"""From a .bit or FASM to a timing report."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from tritstream.bitstream.database import Database, open_database
from tritstream.bitstream.decode import Layout
from tritstream.bitstream.device import frames_of
from tritstream.bitstream.errors import BitstreamError
from tritstream.bitstream.packets import read_bit
from tritstream.bitstream.placed import read_fasm
from tritstream.bitstream.placed_netlist import read_names
from tritstream.bitstream.routing import open_nodes
from tritstream.bitstream.timing.analysis import Timing, analyse
from tritstream.bitstream.timing.build import build
from tritstream.bitstream.timing.report import Report, make_report
from tritstream.bitstream.wiring import Wiring

PATHS = 10


def features_of_bit(
    data: bytes, name: str, database: Database, partial: bool = False
) -> Mapping[str, list[str]]:
    """Features by tile. Raises BitstreamError for what is no whole .bit of the part, and but for a
    partial analysis for bits that mean nothing known: what they do to time is not known either."""
    bitmap = Layout(database).decode(frames_of(read_bit(data, name), database.device, name))
    if bitmap.unknown and not partial:
        raise BitstreamError(f"{len(bitmap.unknown)} bits of {name} mean nothing known")
    return bitmap.features


def features_of_fasm(path: Path, database: Database) -> Mapping[str, list[str]]:
    """Features by tile. Raises BitstreamError for a file that cannot be read, for what is no FASM
    and for a tile that the part does not have."""
    features: dict[str, list[str]] = defaultdict(list)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BitstreamError(f"{path} cannot be read: {error}") from error
    for tile, feature in read_fasm(text, str(path)):
        if tile not in database.tiles:
            raise BitstreamError(f"{path} sets {tile}.{feature}; {database.part} has no such tile")
        # What a wire always takes needs no feature, and FASM names block RAM of 36 kbit by wires
        # that its two halves have, too.
        if database.pseudo(database.tiles[tile].type).get(feature) != "always":
            features[tile].append(feature)
    return features


def analyse_features(
    database: Database,
    features: Mapping[str, list[str]],
    progress: Callable[[str], None] = lambda text: None,
    partial: bool = False,
) -> Timing:
    """Raises BitstreamError, naming the tile, for what contradicts itself or is not known; with
    ``partial`` that is left out."""
    progress("following routes")
    wiring = Wiring(database, open_nodes(database), features)
    design = build(database, wiring, features, partial)
    progress("adding up delays")
    return analyse(design)


def report_of(
    part: str,
    folder: Path | None,
    source: Path | tuple[str, bytes],
    clock_hz: float | None = None,
    paths: int = PATHS,
    progress: Callable[[str], None] = lambda text: None,
    partial: bool = False,
    netlist: Path | None = None,
) -> Report:
    """Of FASM (a path), or a .bit (its name and bytes), with the database in a folder or
    $PRJXRAY_DB_DIR; ``netlist``: what names the cells. Raises BitstreamError."""
    database = open_database(part, folder)
    progress("decoding")
    if isinstance(source, Path):
        name, features = str(source), features_of_fasm(source, database)
    else:
        name, features = source[0], features_of_bit(source[1], source[0], database, partial)
    timing = analyse_features(database, features, progress, partial)
    progress("finding the worst paths")
    names = read_names(netlist, database) if netlist is not None else None
    return make_report(timing, part, name, clock_hz, paths, names)
