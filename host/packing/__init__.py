"""Packing: from a checkpoint folder, or an image, to a model image in a layout."""

from tritstream.packing.hardware import hardware_for, in_layout
from tritstream.packing.pack import PackReport, pack

__all__ = ["PackReport", "hardware_for", "in_layout", "pack"]
