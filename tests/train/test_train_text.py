import pytest
from hypothesis import given
from hypothesis import strategies as st

from tritstream.errors import TritstreamError
from tritstream.train.text import Source, clean_prose, drop_duplicates, read_source, split


def test_prose_is_unwrapped_and_verse_is_not() -> None:
    prose = "It was late\nand the lamp had\ngone out."
    verse = "Roses are red,\nViolets are blue,\nSo it goes."
    assert clean_prose(f"{prose}\n\n{verse}\n") == (
        f"It was late and the lamp had gone out.\n\n{verse}\n\n"
    )


def test_a_play_keeps_every_line() -> None:
    text = "KING:\nWho comes?\nSpeak now.\n\nFOOL:\nNobody.\n\nKING:\nThen go.\n"
    assert clean_prose(text) == text + "\n"


def test_typography_and_broken_words() -> None:
    text = (
        "\ufeff“My dear,” she  said—then\n"
        "stopped ; the char-\nacter of a well-\nknown _friend_\u2026\n\n"
        "[Illustration: a cat]\n\n156 OLIVER TWIST.\n\n* * *\n\nThe character spoke.\n"
    )
    assert clean_prose(text) == (
        '"My dear," she said--then stopped; the character of a well-known friend...\n\n'
        "The character spoke.\n\n"
    )


def test_free_standing_quotes_join_their_words() -> None:
    assert clean_prose('" No, " said he ; " not I ! "') == '"No," said he; "not I!"\n\n'
    assert clean_prose('" No one answered') == '"No one answered\n\n'


@given(st.text(alphabet="aB.\n \"-_'", max_size=400))
def test_cleaning_keeps_letters_and_leaves_no_wide_gaps(text: str) -> None:
    cleaned = clean_prose(text)
    assert "\n\n\n" not in cleaned and "  " not in cleaned
    assert [c for c in cleaned if c in "aB"] == [c for c in text if c in "aB"]


@given(st.text(alphabet="ab .\n", min_size=1, max_size=300), st.floats(0.01, 0.5))
def test_split_loses_nothing_and_keeps_the_share(text: str, share: float) -> None:
    train, validation = split(text, share)
    assert train + validation == text
    assert len(train) >= int(len(text) * (1 - share))


def test_the_held_out_part_is_the_end(tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("".join(f"Paragraph {k}.\r\n\r\n" for k in range(200)).encode())
    source = read_source(path, 0.05, clean=True)
    assert source.name == "a.txt" and len(source.sha256) == 64
    (train,), (validation,) = source.train, source.validation
    assert "Paragraph 199." in validation and "Paragraph 199." not in train
    assert not set(train.split("\n\n")) & set(validation.split("\n\n")) - {""}
    assert 0.03 < len(validation) / len(train) < 0.06


def test_every_twentieth_document_is_held_out(tmp_path) -> None:
    path = tmp_path / "stories.txt"
    path.write_text("".join(f"Story {k}.\nIt ends.\n<|end|>\n" for k in range(200)) + "\n<|end|>\n")
    source = read_source(path, 0.05, clean=False, separator="<|end|>")
    assert len(source.train) == 190 and len(source.validation) == 10
    assert source.validation[0] == "Story 19.\nIt ends."
    assert len({*source.train, *source.validation}) == 200
    whole = read_source(path, 0.05, clean=False, separator="<|")  # no line of its own
    assert len(whole.train) == 1 and not whole.validation


def test_held_out_documents_that_are_in_the_training_text_are_dropped() -> None:
    words = [f"w{k}" for k in range(60)]
    one, other = " ".join(words[:30]), " ".join(words[30:])
    shouted = one.upper().replace(" ", ", ")
    half = " ".join(words[:19] + [f"v{k}" for k in range(11)])
    a = Source("a", "", (one,), (shouted, half, "w0 w1"))
    b = Source("b", "", ("w0, w1!",), (other, one))
    (a, b), dropped = drop_duplicates([a, b])
    assert dropped == 3
    assert a.validation == (half,) and b.validation == (other,)


def test_unreadable_texts_are_named(tmp_path) -> None:
    with pytest.raises(TritstreamError, match=r"missing\.txt"):
        read_source(tmp_path / "missing.txt", 0.05, clean=True)
    latin = tmp_path / "latin.txt"
    latin.write_bytes("na\u00efve".encode("latin-1"))
    with pytest.raises(TritstreamError, match=r"latin\.txt is not UTF-8"):
        read_source(latin, 0.05, clean=True)
    (tmp_path / "packed.txt").write_bytes(b"\x1f\x8b\x08\x00")
    with pytest.raises(TritstreamError, match=r"packed\.txt is not .* gzip archive: unpack it"):
        read_source(tmp_path / "packed.txt", 0.05, clean=True)
    (tmp_path / "lfs.txt").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\n")
    with pytest.raises(TritstreamError, match=r"lfs\.txt is a git-lfs pointer"):
        read_source(tmp_path / "lfs.txt", 0.05, clean=True)
    empty = tmp_path / "empty.txt"
    empty.write_text(" \n\n ")
    with pytest.raises(TritstreamError, match=r"empty\.txt"):
        read_source(empty, 0.05, clean=True)
