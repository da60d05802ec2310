"""The kinds of files that pictures are written to.

What is heavy (NumPy, Numba) is imported when a picture is encoded, so that the command line can name the
formats at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Format:
    """One kind of file.

    Attributes:
        suffix: of the file's name.
        encode: ``(rgba, depth, xmp) -> bytes``, the whole file of premultiplied scene-linear Rec.709 RGBA float32
            (H, W, 4) and planar depth float32 (H, W), top row first, that carries an XMP packet.
    """

    suffix: str
    encode: Callable[[np.ndarray, np.ndarray, str], bytes]


def _png(rgba: np.ndarray, depth: np.ndarray, xmp: str) -> bytes:
    from . import pixels, png

    return png.encode(pixels.to_8_bit(rgba), xmp)


def _png16(rgba: np.ndarray, depth: np.ndarray, xmp: str) -> bytes:
    from . import pixels, png

    return png.encode(pixels.to_16_bit(rgba), xmp)


def _exr(rgba: np.ndarray, depth: np.ndarray, xmp: str) -> bytes:
    from . import exr

    return exr.encode(rgba, depth, xmp)


FORMATS = {"png": Format(".png", _png), "png16": Format(".png", _png16), "exr": Format(".exr", _exr)}
"""By the name that the command line has for them: 8 bit, 16 bit, and half floats with depth."""


def warm_up() -> None:
    """Compiles the kernels of all formats, or loads them where this version was compiled on this machine before."""
    import numpy as np

    rgba, depth = np.ones((1, 16, 4), np.float32), np.ones((1, 16), np.float32)
    for kind in FORMATS.values():
        kind.encode(rgba, depth, "")
