"""What pynq remembers of the last overlay must not be taken for the next one's metadata."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType

import pytest

from support.boards import needs_pynq
from tritstream.board import fabric
from tritstream.board.fabric import forget_stale_metadata

needs_pynq()


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """pynq's own module, with its files in a folder of the test."""
    from pynq.pl_server import global_state

    monkeypatch.setattr(global_state, "STATE_DIR", str(tmp_path))
    return global_state


def remember(state: ModuleType, bit: Path, **more: object) -> None:
    bit.write_bytes(b"the first bitstream")
    known = state.GlobalState(bitfile_name=str(bit), active_name="device", timestamp="then", **more)
    state.save_global_state(known)
    assert state.global_state_file_exists()


def test_a_new_bitstream_at_the_same_path(state: ModuleType, tmp_path: Path) -> None:
    bit = tmp_path / "tritstream.bit"
    remember(state, bit)
    bit.write_bytes(b"another bitstream")
    forget_stale_metadata()
    assert not state.global_state_file_exists()


def test_an_old_bitstream_that_is_gone(state: ModuleType, tmp_path: Path) -> None:
    bit = tmp_path / "tritstream.bit"
    remember(state, bit)
    bit.unlink()
    forget_stale_metadata()
    assert not state.global_state_file_exists()


def test_a_damaged_memory(state: ModuleType, tmp_path: Path) -> None:
    remember(state, tmp_path / "tritstream.bit")
    for path in tmp_path.glob("global_pl_state*"):
        path.write_text("{")
    forget_stale_metadata()
    assert not state.global_state_file_exists()
    forget_stale_metadata()  # nothing to forget


def test_what_has_to_be_shut_down_is_kept(state: ModuleType, tmp_path: Path) -> None:
    """Somebody else's overlay with a reconfigurable region: pynq shuts it down before the next."""
    ips = {"manager": {"name": "manager", "base_addr": 0x4000_0000}}
    remember(state, tmp_path / "other.bit", shutdown_ips=ips)
    forget_stale_metadata()
    (path,) = tmp_path.glob("global_pl_state*")
    assert json.loads(path.read_text())["shutdown_ips"] == ips


def test_an_empty_fabric_has_no_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After power-on, whatever pynq remembers: reading where nothing answers hangs a board."""
    manager = tmp_path / "state"
    monkeypatch.setattr(fabric, "_FPGA_MANAGER", manager)

    class Device:
        bitfile_name = str(tmp_path / "tritstream.bit")

    import pynq

    manager.write_text("unknown\n")
    assert fabric._loaded_bitstream(pynq, Device()) is None
    manager.write_text("operating\n")
    assert fabric._loaded_bitstream(pynq, Device()) == tmp_path / "tritstream.bit"
    assert fabric._engine_of(tmp_path / "tritstream.bit") is None
