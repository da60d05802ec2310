"""File formats of pictures. What is compiled, or heavy to import, is imported where it is used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...wire import FileFormat

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Format:
    """One kind of file.

    Attributes:
        settings: what it holds.
        display: float32 (n, n, n, 3), see `display`, what PNG's colours go through; None for sRGB.
    """

    settings: FileFormat
    display: np.ndarray | None = None

    @property
    def suffix(self) -> str:
        """Of the file's name."""
        return f".{self.settings.kind}"

    def encode(self, rgba: np.ndarray, depth: np.ndarray, xmp: str, digest: str = "") -> bytes:
        """A whole file.

        Args:
            rgba: float32 (H, W, 4), premultiplied scene-linear Rec.709, top row first.
            depth: float32 (H, W), planar, metres.
            xmp: a packet that the file carries.
            digest: `frame_digest.frame_digest`, for `digest_of`.
        """
        if self.settings.kind == "exr":
            from . import exr

            return exr.encode(rgba, depth, xmp, self.settings, digest)
        from . import pixels, png

        if self.settings.exposure:
            rgba = rgba * pixels.brighter(self.settings.exposure)
        if not self.settings.alpha:
            rgba = pixels.over_black(rgba)
        values = pixels.to_bits(rgba, self.settings.bits, self.display)
        return png.encode(values if self.settings.alpha else values[..., :3], xmp, digest)

    def digest_of(self, path: Path) -> str:
        """What `encode` was given as the digest of a file that is whole; empty for any other.

        Raises:
            OSError: it is there and cannot be read.
        """
        from . import exr, png

        if not path.is_file():
            return ""
        return (exr if self.settings.kind == "exr" else png).digest_of(path)


FORMATS = {
    "png": Format(FileFormat()),
    "png16": Format(FileFormat(bits=16)),
    "exr": Format(FileFormat(kind="exr", bits=16, depth=True)),
}
"""By the name that the command line has for them: 8 bit, 16 bit, and half floats with depth."""


def warm_up() -> None:
    """Compiles the kernels of all formats, or loads them where this version was compiled on this machine before."""
    import numpy as np

    rgba, depth = np.ones((1, 16, 4), np.float32), np.ones((1, 16), np.float32)
    identity = np.zeros((2, 2, 2, 3), np.float32)
    for kind in (*FORMATS.values(), Format(FileFormat(), identity), Format(FileFormat(bits=16), identity)):
        kind.encode(rgba, depth, "")
