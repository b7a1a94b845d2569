"""A folder that installs tritstream on a board which has no compiler and no network.

`make_bundle` writes it on a PC: the package's own wheel with the native core cross-compiled, the
wheels of what the package depends on, and a script that installs them beside the image's packages.
"""

from tritstream.board.bundle.compile import MACHINES, Machine, compile_core, machine_for
from tritstream.board.bundle.folder import Bundle, make_bundle
from tritstream.board.bundle.wheel import write_wheel

__all__ = [
    "MACHINES",
    "Bundle",
    "Machine",
    "compile_core",
    "machine_for",
    "make_bundle",
    "write_wheel",
]
