"""File formats of pictures. What is compiled, or heavy to import, is imported where it is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from ...wire import FileFormat, ShotPass
from ...wire.passes import COLOUR_LETTERS

if TYPE_CHECKING:
    import numpy as np


_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class LayerPicture:
    """What a view layer has in a file.

    Attributes:
        rgba: float32 (H, W, 4), premultiplied scene-linear Rec.709, top row first.
        passes: the channels besides.
        planes: their numbers by name, as `passes.planes` makes them.
    """

    rgba: np.ndarray
    passes: Sequence[ShotPass]
    planes: Mapping[str, np.ndarray]


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
        """A whole file of one picture, without layers.

        Args:
            rgba: float32 (H, W, 4), premultiplied scene-linear Rec.709, top row first.
            depth: float32 (H, W), planar, metres.
            xmp: a packet that the file carries.
            digest: `frame_digest.frame_digest`, for `digest_of`.
        """
        if self.settings.kind == "exr":
            from . import exr

            half = self.settings.bits == 16
            colours = exr.Plane("", "RGBA" if self.settings.alpha else "RGB", rgba, half)
            deep = [exr.Plane("", "Z", depth, half=False)] if self.settings.depth else []
            return exr.encode([colours, *deep], xmp, digest)
        from . import pixels, png

        if self.settings.exposure:
            rgba = rgba * pixels.brighter(self.settings.exposure)
        if not self.settings.alpha:
            rgba = pixels.over_black(rgba)
        values = pixels.to_bits(rgba, self.settings.bits, self.display)
        return png.encode(values if self.settings.alpha else values[..., :3], xmp, digest)

    def encode_layers(
        self, layers: Sequence[LayerPicture], xmp: str, digest: str = "", metadata: Mapping[str, str] = _NOTHING
    ) -> bytes:
        """A whole file of several view layers, each of which has the passes of its shot.

        Args:
            layers: as many as `settings` names.
            xmp: a packet that the file carries.
            digest: `frame_digest.frame_digest`, for `digest_of`.
            metadata: texts in the file's header, by name.
        """
        from . import exr

        is_half = self.settings.bits == 16
        channels: list[exr.Plane] = []
        for name, layer in zip(self.settings.layers, layers, strict=True):
            channels.append(exr.Plane(f"{name}.Combined.", "RGBA", layer.rgba, is_half))
            for each in layer.passes:
                half = is_half and COLOUR_LETTERS.issuperset(each.letters)
                channels.append(exr.Plane(f"{name}.{each.name}.", each.letters, layer.planes[each.name], half))
        return exr.encode(channels, xmp, digest, metadata, layered=True)

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
