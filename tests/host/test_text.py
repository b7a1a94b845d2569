import os
import signal
import sys
import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, decoders, models, normalizers, processors
from tokenizers import Tokenizer as Library

from support.random_checkpoint import byte_tokenizer
from tritstream.errors import FileError, TokenizerError
from tritstream.text import Tokenizer
from tritstream.text.characters import universal

BYTES = Tokenizer(byte_tokenizer().to_str(), bos_token_id=1, eos_token_id=2)


def sentencepiece_like() -> Tokenizer:
    """Words with a leading mark and bytes for the rest, as the released models' tokenizer."""
    words = ["<unk>", "<s>", "</s>", *(f"<0x{b:02X}>" for b in range(256))]
    words += ["▁", "▁Once", "▁a", "time", "▁time", "e"]
    library = Library(
        models.BPE(
            vocab={word: number for number, word in enumerate(words)},
            merges=[],
            unk_token="<unk>",
            byte_fallback=True,
        )
    )
    library.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    library.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    library.add_special_tokens(["<unk>", "<s>", "</s>"])
    return Tokenizer(library.to_str(), bos_token_id=1, eos_token_id=2)


FALLBACK = sentencepiece_like()


def pieces_of(tokenizer: Tokenizer, ids: list[int], context: list[int] | None = None) -> list[str]:
    stream = tokenizer.stream(context or [])
    return [stream.push(i) for i in ids] + [stream.finish()]


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_any_text_round_trips(text: str) -> None:
    assert BYTES.decode(BYTES.encode(text)) == text


@given(st.text())
def test_any_string_can_be_a_prompt(text: str) -> None:
    assert BYTES.encode_prompt(text)[0] == 1
    assert FALLBACK.encode_prompt(text)[0] == 1


def test_undecodable_arguments_become_replacement_characters() -> None:
    text = b"caf\xe9".decode("utf-8", "surrogateescape")
    assert BYTES.decode(BYTES.encode(text)) == "caf\N{REPLACEMENT CHARACTER}"


@pytest.mark.parametrize("tokenizer", [BYTES, FALLBACK])
@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_pieces_join_to_the_whole_and_hold_whole_characters(
    tokenizer: Tokenizer, text: str
) -> None:
    ids = tokenizer.encode(text)
    pieces = pieces_of(tokenizer, ids)
    assert "".join(pieces) == tokenizer.decode(ids)
    for piece in pieces[:-1]:
        assert piece.count("\ufffd") <= text.count("\ufffd")


@pytest.mark.parametrize("tokenizer", [BYTES, FALLBACK])
def test_a_character_of_four_tokens_comes_at_once(tokenizer: Tokenizer) -> None:
    ids = tokenizer.encode("e🚀e")
    assert [p for p in pieces_of(tokenizer, ids) if p.strip()] == ["e", "🚀", "e"]


def test_an_incomplete_character_shows_only_at_the_end() -> None:
    pieces = pieces_of(BYTES, BYTES.encode("🚀")[:-1])
    assert pieces == ["", "", "", "\ufffd"]


def test_bytes_that_never_become_text_do_not_block() -> None:
    garbage = BYTES.encode("é")[1:]  # a continuation byte alone
    text = "".join(pieces_of(BYTES, garbage * 100)[:-1])
    assert len(text) > 50
    assert set(text) == {"\ufffd"}


def test_the_space_of_a_continuation_is_kept() -> None:
    prompt = FALLBACK.encode_prompt("Once")
    assert FALLBACK.decode([*prompt, *FALLBACK.encode("time")]) == "Once time"
    assert "".join(pieces_of(FALLBACK, FALLBACK.encode("time"), prompt)) == " time"
    assert "".join(pieces_of(FALLBACK, FALLBACK.encode("time"), [1])) == "time"


def test_long_contexts_and_texts_stay_consistent() -> None:
    text = "naïve – 東京 🚀 " * 40
    ids = BYTES.encode(text)
    assert "".join(pieces_of(BYTES, ids[50:], ids[:50])) == BYTES.decode(ids[50:])


def test_special_tokens_are_not_text() -> None:
    assert BYTES.decode([1, *BYTES.encode("a"), 2]) == "a"
    assert pieces_of(BYTES, [1, 2, 0]) == ["", "", "", ""]


def test_ids_beyond_the_tokenizer_are_nothing() -> None:
    # A model's tables may be padded beyond its tokenizer.
    assert BYTES.decode([*BYTES.encode("ab"), 5000]) == "ab"


def test_size_against_the_model(recwarn: pytest.WarningsRecorder) -> None:
    assert BYTES.size == 259
    BYTES.check_fits(259)
    assert not recwarn.list
    with pytest.warns(UserWarning, match="259 tokens and the model 300"):
        BYTES.check_fits(300)
    with pytest.raises(TokenizerError, match="259 tokens, but the model only knows 258"):
        BYTES.check_fits(258)


def test_an_empty_prompt_is_bos_or_an_error() -> None:
    assert BYTES.encode_prompt("") == [1]
    with pytest.raises(TokenizerError, match="no BOS"):
        Tokenizer(byte_tokenizer().to_str()).encode_prompt("")


@pytest.mark.parametrize("json", ["", "{}", "[1]", b"\xff\xfe", b"{"])
def test_unreadable_tokenizers_are_named(json: str | bytes) -> None:
    with pytest.raises(TokenizerError, match=r"some/tokenizer\.json is not a readable"):
        Tokenizer(json, source="some/tokenizer.json")


def test_truncation_in_the_file_does_not_cut_prompts() -> None:
    library = byte_tokenizer()
    library.enable_truncation(4)
    library.enable_padding(length=8)
    assert len(Tokenizer(library.to_str()).encode("abcdefghijkl")) == 12
    assert len(Tokenizer(library.to_str()).encode("ab")) == 2


def test_highest_code_point() -> None:
    text = chr(sys.maxunicode)
    assert BYTES.decode(BYTES.encode(text)) == text


def with_template(library: Library, template: str | None) -> str:
    """The tokenizer.json with a post-processor that puts what the template says."""
    if template is not None:
        library.post_processor = processors.TemplateProcessing(
            single=template, special_tokens=[("<s>", 1), ("</s>", 2)]
        )
    return library.to_str()


@pytest.mark.parametrize(
    ("template", "add", "bos", "start"),
    [
        ("<s> $A", None, 1, [1]),
        ("<s> $A </s>", None, 1, [1]),
        ("$A </s>", None, 1, []),
        ("$A", None, 1, []),
        (None, None, 1, [1]),
        ("$A", True, 1, [1]),
        ("<s> $A", False, 1, []),
        (None, False, 1, []),
        ("<s> $A", None, None, []),
        ("<s> $A", None, 2, []),
    ],
)
def test_a_text_begins_with_bos_where_tokenizer_and_model_say_so(
    template: str | None, add: bool | None, bos: int | None, start: list[int]
) -> None:
    json = with_template(byte_tokenizer(), template)
    tokenizer = Tokenizer(json, bos, 2, add_bos_token=add)
    text = tokenizer.encode("Once")
    assert tokenizer.encode_prompt("Once") == [*start, *text]
    if bos is not None:
        assert tokenizer.encode_prompt("") == [bos]  # there has to be something to start from


def test_bos_is_never_there_twice() -> None:
    assert BYTES.encode_prompt("<s>Once", special=True) == [1, *BYTES.encode("Once")]
    assert BYTES.encode_prompt("<s>", special=True) == [1]


@pytest.mark.parametrize("tokenizer", [BYTES, FALLBACK])
@given(st.lists(st.sampled_from(["<s>", "</s>", "<unk>", "a", " ", "e", "\n"]), max_size=6))
def test_special_tokens_in_a_text_are_text(tokenizer: Tokenizer, parts: list[str]) -> None:
    text = "".join(parts)
    ids = tokenizer.encode(text)
    assert not {1, 2} & set(ids)
    assert tokenizer.decode(ids) == text
    assert tokenizer.encode(text, special=True).count(2) == parts.count("</s>")


def test_threads_that_want_different_things_of_special_tokens() -> None:
    """A long text is encoded without Python's lock, so another thread could change its mode."""
    text = "</s> once upon a time " * 20_000
    counts: list[int] = []

    def often() -> None:
        for _ in range(3):
            counts.append(BYTES.encode(text).count(2))

    thread = threading.Thread(target=often)
    thread.start()
    while thread.is_alive():
        assert BYTES.encode("</s>", special=True) == [2]
    assert counts == [0, 0, 0]


def test_a_token_without_a_row_is_only_refused_where_it_is_used() -> None:
    library = byte_tokenizer()
    library.add_special_tokens([AddedToken("[PAD]", special=True)])
    library.add_tokens([AddedToken("[KEY]", special=False)])
    tokenizer = Tokenizer(library.to_str(), 1, 2, vocabulary=259)
    with pytest.warns(UserWarning, match=r"has \[PAD\], \[KEY\] beyond the 259 tokens"):
        tokenizer.check_fits(259)
    assert len(tokenizer.encode("a [PAD]")) == 7
    for text, special in (("a [PAD]", True), ("a [KEY]", False)):
        with pytest.raises(TokenizerError, match=r"the text holds \[.*only knows 259"):
            tokenizer.encode(text, special=special)


def test_a_byte_order_mark_and_a_pointer() -> None:
    assert Tokenizer(b"\xef\xbb\xbf" + byte_tokenizer().to_str().encode()).size == 259
    with pytest.raises(FileError, match=r"t\.json is a git-lfs pointer"):
        Tokenizer(b"version https://git-lfs.github.com/spec/v1\noid ...", source="t.json")


@pytest.mark.parametrize("tokenizer", [BYTES, FALLBACK])
def test_a_long_text_has_the_tokens_of_a_short_one(
    tokenizer: Tokenizer, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "Once a time </s> é\n\n" * 50
    expected = {special: tokenizer.encode(text, special=special) for special in (False, True)}
    monkeypatch.setattr("tritstream.text.tokenizer._LONG", 10)
    assert {s: tokenizer.encode(text, special=s) for s in (False, True)} == expected


def test_ctrl_c_acts_while_a_long_text_is_encoded(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless:
        def encode_batch(self, *_: object, **__: object) -> None:
            os.kill(os.getpid(), signal.SIGINT)
            ended.wait(60)

    ended = threading.Event()
    tokenizer = Tokenizer(byte_tokenizer().to_str())
    monkeypatch.setattr(tokenizer, "_tokenizer", Endless())
    with pytest.raises(KeyboardInterrupt):
        tokenizer.encode("a" * 300_000)
    ended.set()


def test_universal_line_ends() -> None:
    assert universal("\ufeffa\r\nb\rc\nd\r\n\r\n") == "a\nb\nc\nd\n\n"
    assert universal("a\ufeff") == "a\ufeff"
