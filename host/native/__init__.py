"""The native core: a C library that runs packed images, bit for bit as the specification.

README.md beside this file tells how it works. `tritstream.engines.native` is the engine made of it.
"""

from tritstream.native.library import Level, built, choose_level, levels, load_core

__all__ = ["Level", "built", "choose_level", "levels", "load_core"]
