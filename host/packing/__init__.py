"""Packing: from a checkpoint folder to a model image."""

from tritstream.packing.pack import PackReport, pack

__all__ = ["PackReport", "pack"]
