import json
from pathlib import Path

import pytest

from tritstream.train import coherence, ppmd
from tritstream.train.coherence import measure, names

KEPT = (
    'One day, Tom saw a dog. The dog ran to Tom and his friend, Sue. "I like it," said Tom. '
    "They all ran home. Tom and Sue had tea."
)
LOST = (
    "Once there was a cat named Tim. Tim sat on a mat all day. The cat was sad. "
    "A bird came and sang to a girl named Lily. Lily was glad."
)


def test_names_stand_inside_a_sentence_and_come_in_order() -> None:
    assert names(KEPT) == ["Tom", "Sue"]
    assert names(LOST) == ["Tim", "Lily"]
    assert names("It was late. The dog, I think, ran to Mom. Red is a colour.") == []
    assert names("She took Ben's hat, and Ben ran.") == ["Ben"]


def test_measures_of_two_known_stories() -> None:
    found = measure([KEPT, LOST], [True, False])
    assert found.stories == 2 and found.ended == 0.5 and found.named == 1
    assert found.protagonist_kept == 0.5  # Tim is lost
    assert found.no_stranger == 0.5  # Lily comes at the end
    assert measure(["go go go go go go"]).distinct_1 == pytest.approx(1 / 6)
    assert measure(["go go go go go go"]).repeated == pytest.approx(2 / 3)
    assert measure(["One two three four five."]).repeated == 0
    assert measure(["No one is here."]).ended is None


def test_held_out_stories_are_measured(tmp_path: Path, capsys) -> None:
    path = tmp_path / "stories.txt"
    path.write_text(
        "".join(f"{KEPT if k % 20 == 19 else LOST}\n<|endoftext|>\n" for k in range(60))
    )
    assert coherence.main(["--stories", str(path)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["stories"] == 3 and found["protagonist_kept"] == 1
    assert coherence.main([]) == 2
    assert "name a model" in capsys.readouterr().err


def test_the_demo_model_tells_stories_that_end(capsys) -> None:
    assert coherence.main(["demo", "--count", "5", "--threads", "1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["stories"] == 5 and found["ended"] >= 0.8
    assert 60 < found["words"] < 250 and found["repeated"] < 0.1


def test_ppmd_charges_less_for_what_it_has_read() -> None:
    pytest.importorskip("pyppmd", reason="pyppmd is not installed")
    seen, new = ppmd.added_bytes([KEPT], [KEPT]), ppmd.added_bytes([KEPT], [LOST])
    assert seen[1] == len(KEPT) and new[1] == len(LOST)
    assert seen[0] < 20 and 40 < new[0] < len(LOST)
    assert ppmd.added_bytes([], [LOST])[0] > new[0]


def test_ppmd_without_its_library_is_one_sentence(tmp_path: Path, monkeypatch, capsys) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pyppmd", None)
    path = tmp_path / "stories.txt"
    path.write_text("A story.\n<|end|>\n" * 30)
    assert ppmd.main(["--text", str(path), "--separator", "<|end|>"]) == 2
    assert "pip install pyppmd" in capsys.readouterr().err
