"""A request for many frames: a Shot, and the file that each of its pictures becomes. Standard library only."""

from __future__ import annotations

import json
import math
from array import array
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any, cast

from ..errors import DGTalkerError
from .arrays import pack, unpack
from .shot import Shot
from .signing import SigningCredential, media_type

BITS = {"png": (8, 16), "exr": (16, 32)}
"""Of a number in each kind of file."""
MAX_CUBE = 129
"""Places along a side of a `display`."""
SMALLEST = 2.0**-10
LARGEST = 16.0
"""Of the colours that the places along a side of a `display` stand for; see `display_places`."""
MOST_EXPOSURE = 32.0
MOST_LAYERS = 128
_LONGEST_LAYER = 180
"""Bytes of a view layer's name: with a pass and a channel it is a name of at most 255 in OpenEXR."""


def display_places(side: int) -> list[float]:
    """The scene-linear values that the places along a side of a `display` stand for: as many for every stop of light,
    and black is one of them."""
    reach = math.log2(LARGEST / SMALLEST + 1)
    return [(2 ** (place / (side - 1) * reach) - 1) * SMALLEST for place in range(side)]


@dataclass(frozen=True, kw_only=True)
class FileFormat:
    """What a picture's file holds.

    Attributes:
        kind: "png" or "exr".
        bits: of a number: 8 or 16 in PNG, 16 or 32 in OpenEXR, both of which are floats.
        alpha: whether there is one. Without it colours are those over black.
        depth: whether planar depth, metres, is there besides the colours; OpenEXR without layers only.
        layers: of OpenEXR: none for plain channels, or the names of view layers, each of which has a shot with its
            passes; Blender looks for them under the layer's and the pass's name.
        exposure: stops by which PNG's colours are made brighter.
    """

    kind: str = "png"
    bits: int = 8
    alpha: bool = True
    depth: bool = False
    layers: tuple[str, ...] = ()
    exposure: float = 0.0

    def __post_init__(self) -> None:
        if self.bits not in BITS.get(self.kind, ()):
            raise DGTalkerError(f"There is no picture file {self.kind[:20]!r} of {self.bits} bits.")
        if (self.depth or self.layers) and self.kind != "exr":
            raise DGTalkerError("Only OpenEXR files hold depth and layers.")
        if self.layers and (self.depth or not self.alpha):
            raise DGTalkerError("OpenEXR files of view layers have an alpha, and depth as a pass.")
        if any(not 0 < len(layer.encode()) <= _LONGEST_LAYER or "\0" in layer for layer in self.layers):
            raise DGTalkerError("A view layer's name is too long for an OpenEXR file.", "Give it a shorter one.")
        if len(self.layers) > MOST_LAYERS:
            raise DGTalkerError(f"A file has {len(self.layers)} view layers, more than {MOST_LAYERS}.")
        if len(set(self.layers)) < len(self.layers):
            raise DGTalkerError("Two view layers have the same name.", "Give one of them another.")
        if not abs(self.exposure) <= MOST_EXPOSURE:
            raise DGTalkerError(f"The exposure is not a number up to {MOST_EXPOSURE:g}.")


@dataclass(frozen=True, kw_only=True)
class SequenceRequest:
    """Pictures to render to files.

    Attributes:
        shots: avatars by content hash; one of each of the format's layers, otherwise a single one. All of them have
            the same frames, size and region, and passes only where there are layers.
        files: an absolute path for each frame.
        format: of all files.
        whole: whether pictures are as large as the shot's where its region is smaller; nothing is round it.
        overwrite: whether a file that is there is replaced, unless it already is the picture that was asked for.
        display: a colour transform: float32 (n, n, n, 3), C order, little-endian, from red, green and blue on the
            scale of `display_places` to what is stored, 0 to 1. Empty for sRGB.
        credential: whose signature the files get; None for none. OpenEXR holds none.
    """

    shots: tuple[Shot, ...]
    files: tuple[str, ...]
    format: FileFormat
    whole: bool = False
    overwrite: bool = True
    display: bytes = b""
    credential: SigningCredential | None = None

    def __post_init__(self) -> None:
        if len(self.shots) != max(1, len(self.format.layers)):
            raise DGTalkerError(f"A file of {len(self.format.layers)} layers is not made of {len(self.shots)} shots.")
        for shot in self.shots:
            if len(self.files) != len(shot.frames):
                raise DGTalkerError(f"{len(shot.frames)} pictures cannot go to {len(self.files)} files.")
            if _framing(shot) != _framing(self.shots[0]):
                raise DGTalkerError("The layers of a file have pictures of several sizes.")
            if shot.passes and not self.format.layers:
                raise DGTalkerError("Only files of layers hold passes.")
        if len(set(self.files)) < len(self.files):
            raise DGTalkerError("Two pictures have the same file.", "Each needs one of its own.")
        if not all(PurePath(file).is_absolute() and "\0" not in file for file in self.files):
            raise DGTalkerError("The path of a picture is not absolute.")
        if self.credential is not None and not media_type(f".{self.format.kind}"):
            raise DGTalkerError(
                f"C2PA cannot sign {self.format.kind.upper()} files.", "Choose PNG, or turn signing off."
            )
        if self.display:
            side = round((len(self.display) / 12) ** (1 / 3))
            numbers = array("f", self.display) if len(self.display) == side**3 * 12 else array("f")
            if not 2 <= side <= MAX_CUBE or not numbers or not math.isfinite(sum(numbers)):
                raise DGTalkerError("The colour transform is not a cube of finite numbers.")

    def to_message(self) -> tuple[dict[str, Any], Sequence[Any]]:
        """The header and the body's buffers."""
        shots = {f"shot{i}": shot.to_json().encode() for i, shot in enumerate(self.shots)}
        specs, buffers = pack({**shots, "files": json.dumps(self.files).encode(), "display": self.display})
        rules = {"whole": self.whole, "overwrite": self.overwrite}
        rules |= {"credential": None if self.credential is None else asdict(self.credential)}
        return {"arrays": specs, "format": asdict(self.format), **rules}, buffers

    @classmethod
    def from_message(cls, header: dict[str, Any], body: bytes | bytearray) -> SequenceRequest:
        """Raises DGTalkerError when this is not such a message."""
        try:
            parts = unpack(header["arrays"], body)
            data, credential = header["format"], header["credential"]
            files = json.loads(bytes(parts["files"].data))
            if not isinstance(files, list):
                raise TypeError("files is no list")
            return cls(
                shots=tuple(Shot.from_json(bytes(parts[f"shot{i}"].data)) for i in range(max(1, len(data["layers"])))),
                files=tuple(str(file) for file in cast("list[object]", files)),
                format=FileFormat(
                    kind=str(data["kind"]),
                    bits=int(data["bits"]),
                    alpha=bool(data["alpha"]),
                    depth=bool(data["depth"]),
                    layers=tuple(str(layer) for layer in data["layers"]),
                    exposure=float(data["exposure"]),
                ),
                whole=bool(header["whole"]),
                overwrite=bool(header["overwrite"]),
                display=bytes(parts["display"].data),
                credential=None if credential is None else SigningCredential.from_header(credential),
            )
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise DGTalkerError(f"The request for a sequence cannot be read: {error!r}.") from error


def _framing(shot: Shot) -> tuple[object, ...]:
    return shot.width, shot.height, shot.region
