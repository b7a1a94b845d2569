"""Which hardware runs an image, and the image in that hardware's layout."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable

from tritstream.caches import made_cache_folder
from tritstream.configurations import CONFIGURATIONS, Configuration, Layout
from tritstream.errors import EngineError
from tritstream.image.header import encode_header
from tritstream.image.reader import Image, open_image
from tritstream.packing.pack import pack


def hardware_for(
    image: Image, among: Iterable[Configuration] | None = None
) -> tuple[Configuration, Image]:
    """The first configuration that holds the image, one with its layout before others, and the
    image in that layout: in another one it is packed again, into the cache.

    Only configurations with the image's number formats are taken: with others it would write other
    text. Raises EngineError naming why none fits.
    """
    from tritstream.kernels.descriptors import refusal

    layout, reasons = image.header.layout, []
    known = list(CONFIGURATIONS.values() if among is None else among)
    known.sort(key=lambda c: c.layout != layout)
    for configuration in known:
        if configuration.profile_name != layout.profile_name:
            profile = configuration.profile_name
            reasons.append(f"'{configuration.name}' computes in profile {profile}")
            continue
        why = refusal(configuration, image.geometry)
        if why is None:
            return configuration, in_layout(image, configuration.layout)
        reasons.append(why)
    raise EngineError(
        f"{image.source} ({image.geometry}, profile {layout.profile_name}) fits no hardware: "
        f"{'; '.join(reasons)}"
    )


def in_layout(image: Image, layout: Layout) -> Image:
    """The image itself where it has this layout, else what packing it again makes, in the cache."""
    if image.header.layout == layout:
        return image
    # The header has the hash of every part.
    digest = hashlib.sha256(encode_header(image.header)).hexdigest()[:16]
    path = made_cache_folder("images") / f"{digest}-{layout}.trit"
    if path.is_file():
        return open_image(path)
    warnings.warn(
        f"{image.source} is packed for layout {image.header.layout}, this hardware has {layout}: "
        f"packing it again into {path}",
        stacklevel=2,
    )
    pack(image.source, path, layout=layout)
    return open_image(path)
