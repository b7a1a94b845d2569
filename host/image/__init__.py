"""The model image (.trit): one file, packed for one build configuration, memory-mapped in use."""

from tritstream.image.embedding import EMBEDDINGS
from tritstream.image.header import ImageHeader, Section
from tritstream.image.reader import Image, open_image, verify_hashes
from tritstream.image.records import RecordLayout

__all__ = [
    "EMBEDDINGS",
    "Image",
    "ImageHeader",
    "RecordLayout",
    "Section",
    "open_image",
    "verify_hashes",
]
