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
_MAX_LAYER = 200


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
        depth: whether planar depth, metres, is there besides the colours; OpenEXR only.
        layer: of OpenEXR: empty for plain channels, or the view layer in whose name Blender looks for them.
        exposure: stops by which PNG's colours are made brighter.
    """

    kind: str = "png"
    bits: int = 8
    alpha: bool = True
    depth: bool = False
    layer: str = ""
    exposure: float = 0.0

    def __post_init__(self) -> None:
        if self.bits not in BITS.get(self.kind, ()):
            raise DGTalkerError(f"There is no picture file {self.kind[:20]!r} of {self.bits} bits.")
        if (self.depth or self.layer) and self.kind != "exr":
            raise DGTalkerError("Only OpenEXR files hold depth and layers.")
        if len(self.layer.encode()) > _MAX_LAYER or "\0" in self.layer:
            raise DGTalkerError("A view layer's name is too long for an OpenEXR file.", "Give it a shorter one.")
        if not abs(self.exposure) <= MOST_EXPOSURE:
            raise DGTalkerError(f"The exposure is not a number up to {MOST_EXPOSURE:g}.")


@dataclass(frozen=True, kw_only=True)
class SequenceRequest:
    """Pictures to render to files.

    Attributes:
        shot: avatars by content hash.
        files: an absolute path for each frame of the shot.
        format: of all files.
        whole: whether pictures are as large as the shot's where its region is smaller; nothing is round it.
        overwrite: whether a file that is there is replaced, unless it already is the picture that was asked for.
        display: a colour transform: float32 (n, n, n, 3), C order, little-endian, from red, green and blue on the
            scale of `display_places` to what is stored, 0 to 1. Empty for sRGB.
        credential: whose signature the files get; None for none. OpenEXR holds none.
    """

    shot: Shot
    files: tuple[str, ...]
    format: FileFormat
    whole: bool = False
    overwrite: bool = True
    display: bytes = b""
    credential: SigningCredential | None = None

    def __post_init__(self) -> None:
        if len(self.files) != len(self.shot.frames):
            raise DGTalkerError(f"{len(self.shot.frames)} pictures cannot go to {len(self.files)} files.")
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
        specs, buffers = pack(
            {"shot": self.shot.to_json().encode(), "files": json.dumps(self.files).encode(), "display": self.display}
        )
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
                shot=Shot.from_json(bytes(parts["shot"].data)),
                files=tuple(str(file) for file in cast("list[object]", files)),
                format=FileFormat(
                    kind=str(data["kind"]),
                    bits=int(data["bits"]),
                    alpha=bool(data["alpha"]),
                    depth=bool(data["depth"]),
                    layer=str(data["layer"]),
                    exposure=float(data["exposure"]),
                ),
                whole=bool(header["whole"]),
                overwrite=bool(header["overwrite"]),
                display=bytes(parts["display"].data),
                credential=None if credential is None else SigningCredential.from_header(credential),
            )
        except (KeyError, TypeError, ValueError, OverflowError, RecursionError) as error:
            raise DGTalkerError(f"The request for a sequence cannot be read: {error!r}.") from error
