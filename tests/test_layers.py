"""The layers of the package, written down here: each imports from those below it alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = {
    "host": (),
    "kernels": ("kernels",),
    "bitstreams": ("bitstreams",),
    "notebooks": ("notebooks",),
    "tcl": ("tcl",),
}
LAYERS = (
    # Data, and what depends on nothing.
    {"bitstreams", "errors", "interruption", "notebooks", "tcl", "version"},
    # Files, programs, tables, number formats; the native core; text of Verilog.
    {"arguments", "boards", "caches", "files", "geometry", "models", "native", "numerics"},
    {"toolchain", "verilog"},
    # Text and checkpoints; the meaning of every operation; hardware by name.
    {"checkpoint", "configurations", "sampling", "spec", "speculation", "text"},
    # Images; texts that are read and written on an engine.
    {"image", "reading"},
    {"evaluate", "generation", "prefixes"},
    {"sessions"},
    # The hardware: kernels and what is made of them.
    {"kernels", "reference"},
    {"estimate", "packing", "rtl"},
    {"board", "shell"},
    {"sim"},
    {"system"},
    # Executions, and models that run on them.
    {"build", "engines"},
    {"accuracy", "doctor", "report", "sequences"},
    {"batching", "model"},
    {""},  # `import tritstream`
    {"offline", "server", "train"},
    {"cluster", "harness"},
    {"bench"},
    # Hardware against the specification.
    {"bitstream", "cosim"},
    {"cli"},
)
LAYER_OF = {name: number for number, layer in enumerate(LAYERS) for name in layer}


def modules() -> dict[str, Path]:
    """Every module by its dotted name. A `__main__` is a program, above all layers."""
    found = {}
    for folder, inside in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = ("tritstream", *inside, *path.relative_to(ROOT / folder).with_suffix("").parts)
            if parts[-1] == "__init__":
                parts = parts[:-1]
            if parts[-1] != "__main__":
                found[".".join(parts)] = path
    return found


MODULES = modules()


def package_of(module: str) -> str:
    """The package or module right below `tritstream`; empty for that itself."""
    return module.split(".")[1] if "." in module else ""


def imports_of(path: Path) -> Iterator[str]:
    """Modules of the package that a file imports anywhere, within functions and for types too."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{path} has a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.partition(".")[0] == "tritstream":
                while name not in MODULES:  # the last part may be something in a module
                    name = name.rpartition(".")[0]
                yield name


def test_every_package_has_one_layer() -> None:
    assert sum(len(layer) for layer in LAYERS) == len(LAYER_OF)
    assert {package_of(module) for module in MODULES} == LAYER_OF.keys()


@pytest.mark.parametrize("package", sorted(LAYER_OF))
def test_imports_go_down(package: str) -> None:
    """So there is no cycle either."""
    upward = {
        f"{module} imports {other}"
        for module, path in MODULES.items()
        if package_of(module) == package
        for other in imports_of(path)
        if package_of(other) != package and LAYER_OF[package_of(other)] >= LAYER_OF[package]
    }
    assert upward == set()


def test_the_compiler_is_used_through_its_face() -> None:
    """Its stages are its own: what others need is in `tritstream.rtl`."""
    past = {
        f"{module} imports {other}"
        for module, path in MODULES.items()
        if package_of(module) != "rtl"
        for other in imports_of(path)
        if other.startswith("tritstream.rtl.")
    }
    assert past == set()
