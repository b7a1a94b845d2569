"""Packing must not hold the model: at most one layer and the embedding in float."""

import subprocess
import sys
from pathlib import Path

import pytest

from support.random_checkpoint import random_checkpoint
from tritstream.checkpoint import Checkpoint, expected_tensors

CHILD = """
import sys
from tritstream.packing import pack
print("ready", flush=True)
sys.stdin.readline()
pack(sys.argv[1], sys.argv[2], embedding=sys.argv[3])
"""


def anonymous_bytes(pid: int) -> int:
    """Memory of a process that no file backs; 0 once it has ended."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    found = [line.split()[1] for line in status.splitlines() if line.startswith("RssAnon:")]
    return 1024 * int(found[0]) if found else 0


@pytest.mark.long
@pytest.mark.parametrize("embedding", ["fp16", "3.5bit"])
def test_packing_holds_at_most_a_layer_and_the_embedding(tmp_path: Path, embedding: str) -> None:
    """Widths of the 370M geometry: a layer is 51 MB in float, all of the model 480 MB."""
    if not Path("/proc/self/status").exists():
        pytest.skip("this system does not tell a process's anonymous memory")
    folder = random_checkpoint(
        tmp_path / "model", hidden=1024, intermediate=2816, layers=8, vocab=8000
    )
    shapes = expected_tensors(Checkpoint.open(folder).config)
    floats = {name: 4 * _product(shape) for name, shape in shapes.items()}
    layer = sum(n for name, n in floats.items() if name.startswith("model.layers.0."))
    allowed = layer + floats["model.embeddings.weight"]
    assert allowed < sum(floats.values()) / 4
    with subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder), str(tmp_path / "model.trit"), embedding],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None and child.stdin is not None
        assert child.stdout.readline() == "ready\n"
        before = anonymous_bytes(child.pid)
        child.stdin.write("go\n")
        child.stdin.flush()
        peak = before
        while child.poll() is None:
            peak = max(peak, anonymous_bytes(child.pid))
    assert child.returncode == 0
    assert peak > before + layer / 10  # it was looked at while it worked
    assert peak - before <= allowed, f"{(peak - before) / 1e6:.0f} MB of {allowed / 1e6:.0f} MB"


def _product(shape: tuple[int, ...]) -> int:
    result = 1
    for size in shape:
        result *= size
    return result
