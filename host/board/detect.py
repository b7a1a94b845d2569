"""Which board this is, from what the PYNQ image and the device tree say."""

from __future__ import annotations

import os
from pathlib import Path

from tritstream.boards import BOARDS, Board


def board_claims(root: Path = Path("/")) -> list[str]:
    """What the machine calls itself, the most specific first; empty where nothing does."""
    claims = [os.environ.get("BOARD", ""), _read(root / "proc/device-tree/model")]
    claims += [line.strip() for line in _read(root / "etc/xocl.txt").splitlines()]
    return [claim for claim in claims if claim]


def board_here(root: Path = Path("/")) -> Board | None:
    """The board this runs on; None on a PC or on a board that the table does not know."""
    for claim in board_claims(root):
        known = _known_board(claim)
        if known:
            return known
    return None


def _known_board(claim: str) -> Board | None:
    """The board whose names cover `claim`; a name that is the whole claim wins."""
    lower = claim.lower()
    boards = list(BOARDS.values())
    for board in boards:
        if lower in (name.lower() for name in (*board.model_names, board.title, board.name)):
            return board
    for board in boards:
        if any(name.lower() in lower for name in (*board.model_names, board.title)):
            return board
    return None


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip("\0\n ")
    except OSError:
        return ""
