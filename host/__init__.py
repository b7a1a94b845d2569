"""MatMul-free language models with ternary weights, on PYNQ boards and on PCs.

import tritstream

model = tritstream.load("demo")
for piece in model.generate("Once upon a time", temperature=0.7):
    print(piece, end="", flush=True)
"""

from typing import TYPE_CHECKING, Any

from tritstream.errors import TritstreamError
from tritstream.version import __version__

if TYPE_CHECKING:
    from tritstream.model import Model, load
    from tritstream.packing import pack

__all__ = ["Model", "TritstreamError", "__version__", "load", "pack"]

# Imported when first used: a command that needs neither should not wait for them.
_LAZY = {
    "Model": "tritstream.model",
    "load": "tritstream.model",
    "pack": "tritstream.packing",
}


def __dir__() -> list[str]:
    return sorted({*globals(), *_LAZY})


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)
