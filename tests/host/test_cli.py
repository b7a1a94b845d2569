"""The command line as a user meets it: in processes of its own."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.random_checkpoint import (
    random_checkpoint,
    random_tensors,
    write_checkpoint,
    write_config,
)
from support.small_disk import on_small_disk
from tritstream.cli import COMMANDS
from tritstream.cli.options import print_json

COMMAND = [sys.executable, "-m", "tritstream"]
SMALL = {"hidden": 64, "intermediate": 128, "layers": 2, "vocab": 259}


def tritstream(
    *arguments: object, stdin: str = "", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        env=os.environ | (env or {}),
    )


def started(*arguments: object) -> subprocess.Popen[bytes]:
    """A command to be interrupted, with an empty standard input."""
    return subprocess.Popen(
        [*COMMAND, *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Where the tests run in the background, a shell has made them ignore Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def refused(*arguments: object, stdin: str = "") -> str:
    """The one sentence of a command that must refuse its input."""
    result = tritstream(*arguments, stdin=stdin)
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    lines = [x for x in result.stderr.splitlines() if not x.startswith("tritstream: warning:")]
    assert len(lines) == 1
    assert lines[0].startswith("tritstream: error: ")
    return lines[0].removeprefix("tritstream: error: ")


def report(*arguments: object, stdin: str = "") -> dict[str, object]:
    result = tritstream(*arguments, "--json", stdin=stdin)
    assert result.returncode == 0, result.stderr
    parsed: dict[str, object] = json.loads(result.stdout)
    return parsed


# generate


def test_text_goes_to_stdout_and_figures_to_stderr(image_file: Path) -> None:
    result = tritstream("generate", "naïve 🚀", "-m", image_file, "-n", 5, "--greedy")
    assert result.returncode == 0
    assert result.stdout.startswith("naïve 🚀")
    assert "5 tokens in" in result.stderr
    assert "tokens/s" in result.stderr
    assert "measured; engine" in result.stderr
    assert "max tokens" in result.stderr


def test_prompts_from_argument_file_and_pipe_are_the_same(image_file: Path, tmp_path: Path) -> None:
    (tmp_path / "prompt.txt").write_text("äb", encoding="utf-8")
    common = ("-m", image_file, "-n", 4, "--greedy")
    texts = [
        report("generate", "äb", *common),
        report("generate", "--file", tmp_path / "prompt.txt", *common),
        report("generate", *common, stdin="äb"),
        report("generate", "-", *common, stdin="äb\n"),
    ]
    assert {t["prompt"] for t in texts} == {"äb"}
    assert len({str(t["token_ids"]) for t in texts}) == 1


def test_line_ends_and_byte_order_marks_do_not_matter(image_file: Path, tmp_path: Path) -> None:
    common = ("-m", image_file, "-n", 2, "--greedy")
    prompt = report("generate", "one\ntwo\nthree", *common)["prompt"]
    foreign = "\ufeffone\r\ntwo\rthree"
    (tmp_path / "p.txt").write_bytes((foreign + "\r\n").encode())
    assert report("generate", foreign, *common)["prompt"] == prompt
    assert report("generate", "-f", tmp_path / "p.txt", *common)["prompt"] == prompt
    got = subprocess.run(
        [*COMMAND, "generate", *map(str, common), "--json"],
        input=(tmp_path / "p.txt").read_bytes(),
        capture_output=True,
        timeout=120,
    )
    assert json.loads(got.stdout)["prompt"] == prompt

    text = "a few words\nin lines\n" * 8
    (tmp_path / "lf.txt").write_bytes(text.encode())
    (tmp_path / "crlf.txt").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())

    def measured(name: str) -> object:
        found = report("eval", tmp_path / name, "-m", image_file, "--against", "none")["measured"]
        assert isinstance(found, dict)
        return found["perplexity"]

    assert measured("lf.txt") == measured("crlf.txt")


def test_special_tokens_are_text_unless_asked_for(image_file: Path) -> None:
    common = ("generate", "a</s>b", "-m", image_file, "-n", 1, "--greedy")
    assert report(*common)["prompt_tokens"] == 1 + len("a</s>b")
    assert report(*common, "--special")["prompt_tokens"] == 4


def test_an_empty_prompt_starts_from_bos(image_file: Path) -> None:
    got = report("generate", "-m", image_file, "-n", 3)
    assert (got["prompt"], got["prompt_tokens"]) == ("", 1)


def test_same_seed_same_text_and_the_drawn_seed_is_told(image_file: Path) -> None:
    common = ("generate", "a", "-m", image_file, "-n", 12, "-t", 1.2)
    first = report(*common)
    again = report(*common, "--seed", first["seed"])
    assert again["text"] == first["text"]
    assert report(*common, "--seed", 1)["text"] != report(*common, "--seed", 2)["text"]


def test_a_stop_string_ends_the_text(image_file: Path) -> None:
    common = ("generate", "a", "-m", image_file, "-n", 40, "--seed", 3, "-t", 1.0)
    full = str(report(*common)["text"])
    stop = next(c for c in full if c.isascii() and c.isprintable())
    got = report(*common, "--stop", stop)
    assert got["text"] == full[: full.index(stop)]
    assert got["stop_reason"] == "stop string"


def test_figures_in_json_are_tagged(image_file: Path) -> None:
    got = report("generate", "a", "-m", image_file, "-n", 3, "--greedy")
    assert set(got["measured"]) == {"prompt_seconds", "seconds", "tokens_per_second"}  # type: ignore[call-overload]
    assert got["seed"] is None
    assert len(got["token_ids"]) == 3  # type: ignore[arg-type]


def test_the_engine_is_an_option(image_file: Path, checkpoint_folder: Path) -> None:
    assert report("generate", "a", "-m", image_file, "-n", 1, "-e", "float")["engine"] == "float"
    assert report("generate", "a", "-m", checkpoint_folder, "-n", 1)["engine"] == "float"


def test_a_terminal_without_unicode_gets_what_it_can_show(image_file: Path) -> None:
    result = tritstream(
        "generate", "é🚀", "-m", image_file, "-n", 2, "--greedy", env={"PYTHONIOENCODING": "ascii"}
    )
    assert result.returncode == 0
    assert result.stdout.startswith("??")


def test_arguments_that_are_not_utf8(image_file: Path) -> None:
    command = [*COMMAND, "generate", b"caf\xe9", "-m", str(image_file), "-n", "1", "--json"]
    result = subprocess.run(command, capture_output=True, stdin=subprocess.DEVNULL, timeout=60)
    assert result.returncode == 0, result.stderr


def test_ctrl_c_ends_with_the_figures(image_file: Path) -> None:
    process = started("generate", "a", "-m", image_file, "-n", 1000000, "-t", 1.5)
    assert process.stdout is not None
    process.stdout.read(20)  # it is writing
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"stopped by: interrupted" in stderr
    assert b"Traceback" not in stderr


def test_a_reader_that_leaves_is_no_error(image_file: Path) -> None:
    process = started("generate", "a", "-m", image_file, "-n", 1000000, "-t", 1.5)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.read(1)
    process.stdout.close()
    stderr = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(timeout=60) == 141
    assert "Traceback" not in stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_other_signals_end_as_ctrl_c_does(image_file: Path, number: int) -> None:
    process = started("generate", "a", "-m", image_file, "-n", 1000000, "-t", 1.5)
    assert process.stdout is not None
    process.stdout.read(20)  # it is writing
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert b"stopped by: interrupted" in stderr
    assert b"Traceback" not in stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_pack_that_is_ended_leaves_nothing(tmp_path: Path, number: int) -> None:
    big = {"hidden": 1024, "intermediate": 2816, "layers": 4, "vocab": 4000}
    folder = random_checkpoint(tmp_path / "c", **big)
    (tmp_path / "out").mkdir()
    process = started("pack", folder, "-o", tmp_path / "out" / "m.trit")
    for _ in range(1200):
        if list((tmp_path / "out").iterdir()):
            break
        time.sleep(0.05)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr.splitlines()[-1]) == (
        128 + number,
        b"tritstream: interrupted",
    )
    assert not list((tmp_path / "out").iterdir())


def test_nohup_keeps_its_promise(image_file: Path) -> None:
    line = [sys.executable, "-c", "import sys, signal; from tritstream.cli import main; "
            "main(['doctor']); print(signal.getsignal(signal.SIGHUP).name)"]  # fmt: skip
    done = subprocess.run(
        line,
        capture_output=True,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN),
    )
    assert done.stdout.splitlines()[-1] == "SIG_IGN"


def test_words_that_look_like_help(image_file: Path) -> None:
    assert "put -- before a text" in refused("generate", "-hello", "-m", image_file)
    said = tritstream("generate", "-m", image_file, "-n", 1, "--greedy", "--", "-hello")
    assert (said.returncode, said.stdout[:6]) == (0, "-hello")
    got = report("generate", "Once", "upon a", "time", "-m", image_file, "-n", 1, "--greedy")
    assert got["prompt"] == "Once upon a time"


def test_an_image_from_a_pipe_is_told(image_file: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for command in (("generate", "a", "-m"), ("inspect",), ("bench", "-m"), ("compare", "-", "-m")):
        assert "no regular file" in refused(*command, tmp_path / "fifo", stdin="words")


def test_outputs_are_checked_before_the_work(image_file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    text = tmp_path / "text"
    text.write_text("words " * 100)
    assert "is no folder" in refused("accuracy", text, "-m", image_file, "-o", tmp_path / "file")
    deep = tmp_path / "file" / "deeper"
    assert "is no folder" in refused("accuracy", text, "-m", image_file, "-o", deep)
    common = ("generate", "a", "-m", "demo", "-e", "rtl")
    assert "does not exist" in refused(*common, "--trace", tmp_path / "no" / "x.vcd")
    assert "is a folder" in refused("estimate", "demo", "--plot", tmp_path)


def test_wrong_options_are_named(image_file: Path, tmp_path: Path) -> None:
    common = ("generate", "a", "-m", image_file)
    assert "top p" in refused(*common, "--top-p", 2)
    assert "temperature" in refused(*common, "-t", -1)
    assert "max tokens" in refused(*common, "-n", 0)
    assert "stop string" in refused(*common, "--stop", "")
    assert "contradict" in refused(*common, "--greedy", "-t", 1)
    assert "--cma-limit" in refused(*common, "-e", "pynq-sim", "--cma-limit", "nan")
    assert "not both" in refused(*common, "--file", "x")
    assert "unknown engine 'abacus'" in refused(*common, "-e", "abacus")
    assert "no file or folder xxx" in refused("generate", "a", "-m", "x" * 5000)
    assert "no file or folder nowhere" in refused("generate", "a", "-m", "nowhere")
    assert "cannot read" in refused("generate", "-m", image_file, "-f", tmp_path / "missing")
    (tmp_path / "latin1").write_bytes(b"caf\xe9")
    assert "not UTF-8" in refused("generate", "-m", image_file, "-f", tmp_path / "latin1")
    result = tritstream("generate", "a", "-n", "many")
    assert result.returncode == 2
    assert "--max-tokens" in result.stderr


# pack and inspect


@pytest.mark.parametrize("packing", ["base3", "2bit"])
@pytest.mark.parametrize("embedding", ["fp16", "int8", "3.5bit"])
def test_pack_then_inspect(
    checkpoint_folder: Path, tmp_path: Path, packing: str, embedding: str
) -> None:
    out = tmp_path / "m.trit"
    options = ("-o", out, "--packing", packing, "--embedding", embedding, "--profile", "small")
    packed = report("pack", checkpoint_folder, *options)
    sizes = packed["derived"]
    assert sizes["total_bytes"] == out.stat().st_size  # type: ignore[index]
    seen = report("inspect", out)
    assert seen["layout"] == packed["layout"]
    assert seen["layout"]["packing"] == packing  # type: ignore[index]
    assert seen["embedding"] == embedding
    assert seen["hashes"] == "match"
    assert report("inspect", out, "--no-verify")["hashes"] == "not compared"
    assert len(report("generate", "a", "-m", out, "-n", 2)["text"]) >= 0  # type: ignore[arg-type]


def test_reports_for_people(checkpoint_folder: Path, tmp_path: Path) -> None:
    packed = tritstream("pack", checkpoint_folder, "-o", tmp_path / "m.trit")
    assert packed.returncode == 0
    for word in ("ternary weights", "embedding", "tokenizer", "total", "derived"):
        assert word in packed.stdout
    seen = tritstream("inspect", tmp_path / "m.trit", "--sections")
    assert seen.returncode == 0
    for word in ("all match", "base3", "layer 1", "head", "derived"):
        assert word in seen.stdout


def test_packing_names_what_it_cannot_do(checkpoint_folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.trit"
    common = ("pack", checkpoint_folder, "-o", out)
    assert "unknown layout 'abc'" in refused(*common, "--layout", "abc")
    assert "profile" in refused(*common, "--profile", "huge")
    assert "packing" in refused(*common, "--packing", "base5")
    assert "embedding" in refused(*common, "--embedding", "fp8")
    assert "does not exist" in refused("pack", checkpoint_folder, "-o", tmp_path / "no" / "m.trit")
    assert "is a folder" in refused("pack", checkpoint_folder, "-o", tmp_path)
    assert list(tmp_path.iterdir()) == []


def damaged_checkpoint(folder: Path, damage: str) -> str:
    """Make a checkpoint with one thing wrong; the words its error must hold."""
    random_checkpoint(folder, **SMALL)
    tensors = random_tensors(**SMALL, seed=0)
    sizes = {
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "vocab_size": 259,
    }
    weights = folder / "model.safetensors"
    if damage == "missing tensor":
        del tensors["model.norm.weight"]
        write_checkpoint(folder, tensors, "float32")
        return "model.norm.weight"
    if damage == "wrong shape":
        tensors["lm_head.weight"] = tensors["lm_head.weight"][:, :-1]
        write_checkpoint(folder, tensors, "float32")
        return "lm_head.weight has shape [259, 63]"
    if damage in ("nan", "inf"):
        tensors["model.layers.1.mlp.down_proj.weight"][3, 4] = float(damage)
        write_checkpoint(folder, tensors, "float16")
        return "model.layers.1.mlp.down_proj.weight"
    if damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:-100])
        return "model.safetensors is truncated"
    if damage == "large tokenizer":
        write_config(folder, **sizes | {"vocab_size": 200})
        write_checkpoint(folder, random_tensors(**SMALL | {"vocab": 200}, seed=0), "float32")
        return "259 tokens, but the model only knows 200"
    key, value = damage.split("=")
    write_config(folder, **sizes | {key: json.loads(value)})
    return key


@pytest.mark.parametrize(
    "damage",
    [
        "missing tensor",
        "wrong shape",
        "nan",
        "inf",
        "truncated",
        "large tokenizer",
        'model_type="llama"',
        "use_short_conv=true",
        "expand_ratio=2",
    ],
)
def test_bad_checkpoints_are_refused_by_name(tmp_path: Path, damage: str) -> None:
    words = damaged_checkpoint(tmp_path / "checkpoint", damage)
    out = tmp_path / "m.trit"
    assert words in refused("pack", tmp_path / "checkpoint", "-o", out)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["checkpoint"]


def test_a_padded_vocabulary_is_only_warned_about(tmp_path: Path) -> None:
    random_checkpoint(tmp_path / "c", **SMALL | {"vocab": 320})
    result = tritstream("pack", tmp_path / "c", "-o", tmp_path / "m.trit")
    assert result.returncode == 0
    assert "tritstream: warning: " in result.stderr
    assert "259 tokens and the model 320" in result.stderr


def test_bad_images_are_refused_by_name(image_file: Path, tmp_path: Path) -> None:
    good = image_file.read_bytes()
    bad = tmp_path / "bad.trit"

    def reason(data: bytes) -> str:
        bad.write_bytes(data)
        first = refused("generate", "a", "-m", bad)
        assert refused("inspect", bad) == first
        assert "bad.trit" in first
        return first

    flipped = bytearray(good)
    flipped[-200] ^= 1
    assert "SHA-256" in reason(bytes(flipped))
    assert "truncated" in reason(good[:-5000])
    assert "not a tritstream model image" in reason(b"something else entirely" * 100)
    newer = bytearray(good)
    newer[8] = 99
    assert "version 99" in reason(bytes(newer))
    assert "empty" in reason(b"")


def test_a_full_disk_while_packing_leaves_nothing(checkpoint_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoint_folder, tmp_path / "checkpoint")
    disk = tmp_path / "disk"
    disk.mkdir()
    result = on_small_disk(
        disk,
        "import os, sys\n"
        "from tritstream.cli import main\n"
        f"status = main(['pack', {str(folder)!r}, '-o', 'm.trit'])\n"
        "print(status, os.listdir())\n",
        kilobytes=64,
    )
    assert result.stdout == "2 []\n"
    assert "m.trit: the disk is full" in result.stderr


def test_an_interrupted_packing_leaves_nothing(tmp_path: Path) -> None:
    folder = random_checkpoint(tmp_path / "c", hidden=512, intermediate=1024, layers=4, vocab=8000)
    out = tmp_path / "out"
    out.mkdir()
    process = started("pack", folder, "-o", out / "m.trit")
    while not list(out.iterdir()) and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert stderr.decode().splitlines()[-1] == "tritstream: interrupted"
    assert process.returncode == 130
    assert list(out.iterdir()) == []


# eval


def test_eval_compares_with_the_float_engine(image_file: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("It was a dark and stormy night; the rain fell in torrents.", encoding="utf-8")
    got = report("eval", text, "-m", image_file, "-e", "spec", "--window", 16)
    measured = got["measured"]
    assert (got["engine"], got["against"]) == ("spec", "float")
    assert measured["tokens"] == 58  # type: ignore[index]
    difference = measured["difference"]  # type: ignore[index]
    assert 0 < difference["logits_error"] < 0.1
    assert difference["top1_agreement"] > 0.8
    assert measured["perplexity"] == pytest.approx(difference["reference_perplexity"], rel=0.01)  # type: ignore[index]
    table = tritstream("eval", text, "-m", image_file).stdout
    for words in ("measured", "perplexity", "top-1 agreement", "KL divergence", "58 tokens"):
        assert words in table


def test_eval_against_the_checkpoint_or_nothing(
    image_file: Path, checkpoint_folder: Path, tmp_path: Path
) -> None:
    text = tmp_path / "text.txt"
    text.write_text("hello there", encoding="utf-8")
    got = report("eval", text, "-m", image_file, "--reference", checkpoint_folder)
    assert got["reference"] == str(checkpoint_folder)
    alone = report("eval", text, "-m", image_file, "--against", "none", "-n", 5)
    assert alone["measured"]["difference"] is None  # type: ignore[index]
    assert alone["measured"]["tokens"] == 5  # type: ignore[index]


def test_eval_refuses_what_makes_no_sense(image_file: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("hello", encoding="utf-8")
    assert "cannot read" in refused("eval", tmp_path / "missing", "-m", image_file)
    assert "window" in refused("eval", text, "-m", image_file, "--window", 1)
    assert "--max-tokens" in refused("eval", text, "-m", image_file, "-n", 0)
    random_checkpoint(tmp_path / "other", **SMALL | {"vocab": 300})
    words = refused("eval", text, "-m", image_file, "--reference", tmp_path / "other")
    assert "different models" in words
    text.write_text("")
    assert "too short" in refused("eval", text, "-m", image_file)


# compare


def test_compare_shows_the_error_by_layer_and_operation(image_file: Path) -> None:
    common = ("compare", "-", "-m", image_file, "-n", 8)
    got = report(*common, "--contributions", stdin="a few words to walk through")["measured"]
    assert got["tokens"] == 8  # type: ignore[index]
    assert len(got["errors"]) == len(got["code_flips"]) == 2  # type: ignore[index]
    assert 0 < got["errors"][1]["state"] < 0.1  # type: ignore[index]
    assert got["contributions"]["(none)"] == got["logits_error"]  # type: ignore[index]
    mixed = report(*common, "--in-float", "norm_codes", stdin="a few words to walk through")
    expected = got["contributions"]["norm_codes"]  # type: ignore[index]
    assert mixed["measured"]["logits_error"] == expected  # type: ignore[index]
    table = tritstream(*common, stdin="a few words").stdout
    for words in ("measured", "layer 1", "state", "int8 codes", "saturations"):
        assert words in table
    assert "no operation 'magic'" in refused(*common, "--in-float", "magic", stdin="a")
    assert "--max-tokens" in refused("compare", "-", "-m", image_file, "-n", 0, stdin="a")


# all commands


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    result = tritstream(name, "--help")
    assert result.returncode == 0
    assert f"usage: tritstream {name}" in result.stdout


def test_the_overview_names_every_command_and_imports_none() -> None:
    result = tritstream("--help")
    assert result.returncode == 0
    for name, (_, summary) in COMMANDS.items():
        assert name in result.stdout
        assert summary in result.stdout
    code = (
        "import sys, tritstream.cli\n"
        "try: tritstream.cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([m for m in ('numpy', 'rich', 'tokenizers', 'torch') if m in sys.modules])"
    )
    out = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert out.splitlines()[-1] == "[]"


def test_version_and_no_command() -> None:
    from tritstream import __version__

    assert tritstream("--version").stdout == f"tritstream {__version__}\n"
    for wrong in ([], ["nothing"]):
        result = tritstream(*wrong)
        assert result.returncode == 2
        assert "usage: tritstream" in result.stderr


def test_the_console_script_is_installed() -> None:
    script = Path(sys.executable).with_name("tritstream")
    if not script.exists():
        pytest.skip("the package is not installed in this environment, only on its path")
    assert subprocess.check_output([script, "--version"], text=True).startswith("tritstream ")


def test_text_from_elsewhere_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    folder = random_checkpoint(tmp_path / "c", **SMALL)
    told = {"by": "[/red] me \x1b[2J", "loss": {"train": 1.23456789, "steps": 12000}}
    (folder / "training.json").write_text(json.dumps(told), encoding="utf-8")
    out = tmp_path / "m[red].trit"
    packed = tritstream("pack", folder, "-o", out)
    # The table may break a long path anywhere.
    assert packed.returncode == 0 and "/m[red]" in "".join(packed.stdout.split())
    seen = tritstream("inspect", out)
    assert seen.returncode == 0, seen.stderr
    assert "[/red] me \\x1b[2J" in seen.stdout
    assert "loss, train" in seen.stdout and "1.23457" in seen.stdout and "12,000" in seen.stdout
    assert report("inspect", out)["provenance"] == told


@pytest.mark.parametrize(
    "text", ["[1]", '{"loss": NaN}', "{", "[" * 100_000, '"' + "x" * (1 << 20)]
)
def test_a_bad_training_json_is_refused_by_name(tmp_path: Path, text: str) -> None:
    folder = random_checkpoint(tmp_path / "c", **SMALL)
    (folder / "training.json").write_text(text, encoding="utf-8")
    assert "training.json" in refused("pack", folder, "-o", tmp_path / "m.trit")
    assert not (tmp_path / "m.trit").exists()


def test_a_checkpoint_is_not_an_image(checkpoint_folder: Path, tmp_path: Path) -> None:
    for command in (("inspect",), ("compare", "-", "-m")):
        assert "tritstream pack" in refused(*command, checkpoint_folder, stdin="words")


def test_closed_and_full_streams(image_file: Path) -> None:
    def shell(redirect: str) -> subprocess.CompletedProcess[str]:
        line = f'"{sys.executable}" -m tritstream generate -n 2 -m "{image_file}" {redirect}'
        return subprocess.run(["sh", "-c", line], capture_output=True, text=True, timeout=120)

    assert shell("<&-").returncode == 0
    assert shell("a >&-").returncode == 0
    assert shell("a 2>&-").returncode == 0
    full = shell("a >/dev/full")
    assert full.returncode == 2
    assert full.stderr == "tritstream: error: cannot write the output: No space left on device\n"


def test_saturations_are_reported(image_file: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("a few words", encoding="utf-8")
    assert report("generate", "a", "-m", image_file, "-n", 2, "-e", "spec")["saturations"] == {}
    assert report("generate", "a", "-m", image_file, "-n", 2, "-e", "float")["saturations"] is None
    measured = report("eval", text, "-m", image_file, "-e", "spec")["measured"]
    assert measured["saturations"] == {}  # type: ignore[index]
    # Norm weights of 1e5 make gates that no format holds.
    folder = random_checkpoint(tmp_path / "c", **SMALL)
    tensors = random_tensors(**SMALL, seed=0)
    tensors["model.layers.1.attn.i_proj.norm.weight"] *= 1e6
    write_checkpoint(folder, tensors, "float32")
    assert tritstream("pack", folder, "-o", tmp_path / "m.trit").returncode == 0
    loud = tritstream("generate", "a", "-m", tmp_path / "m.trit", "-n", 2, "-e", "spec")
    assert loud.returncode == 0
    assert "values cut to their format's range: i " in loud.stderr
    table = tritstream("eval", text, "-m", tmp_path / "m.trit", "-e", "spec").stdout
    assert "saturations" in table


def test_json_has_null_for_what_is_no_number(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"a": [1.5, float("nan"), (float("inf"), True)], "b": None})
    assert json.loads(capsys.readouterr().out) == {"a": [1.5, None, [None, True]], "b": None}


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("model.trit.gz", b"\x1f\x8b\x08 and more", "gzip archive: unpack it first"),
        ("model.gguf", b"GGUF\3\0\0\0 and more", "llama.cpp"),
        ("model.safetensors", bytes(64), "name the folder that it lies in"),
        ("model.bin", b"PK\x03\x04 and more", "zip archive"),
    ],
)
def test_files_of_another_kind_are_named(
    tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(data)
    assert words in refused("inspect", tmp_path / name)


def test_a_text_in_utf_16_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("Once upon a time", encoding="utf-16")
    assert "iconv -f UTF-16" in refused("eval", tmp_path / "notes.txt", "--against", "none")


def test_a_folder_that_is_not_there_is_no_file_name(
    checkpoint_folder: Path, tmp_path: Path
) -> None:
    assert "names a folder" in refused("pack", checkpoint_folder, "-o", f"{tmp_path}/new/")
    assert not list(tmp_path.iterdir())
