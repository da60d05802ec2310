"""The Shot: what to render, with nothing left to Blender. Standard library only; see docs/shot.md."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import DGTalkerError
from .moments import (
    LARGEST,
    ShotCamera,
    ShotHead,
    ShotSubframe,
    bytes_of,
    camera_of,
    check_moment,
    floats_of,
    heads_of,
)
from .passes import CHANNELS, PassInputs, ShotPass, check_inputs, check_passes, inputs_from_json, passes_from_json

SHOT_VERSION = 7
"""Of what is written. Version 1 had no `vertices`, 2 no `occluders` and no `filter_width`, 3 no `lens` and no
`subframes`, 4 no `light` and no `shows_normals`, 5 no `passes`, `pass_inputs` and `neighbours`, 6 no `holdout`; all are
read too."""
MAX_SIDE = 16384
MAX_NUMBER = 10**9
"""Of a frame."""
MAX_FILTER_WIDTH = 16.0
"""Pixels."""
_PICTURE_NUMBERS = 6
"""Of a pixel that is sent over the wire: RGBA, depth, and what meshes hide."""
MAX_SUBFRAMES = 256


@dataclass(frozen=True)
class ShotFrame:
    """One picture.

    Attributes:
        number: the frame's number in the output's file names.
        camera: this frame's camera.
        heads: what is seen.
        occluders: corners of the triangles that hide heads, float32 (T, 3, 3), little-endian, metres, in the world.
        solids: likewise of the heads' own meshes: what is inside them is not before a head.
        subframes: the picture is the mean of these moments, which lie as densely as the shutter is open; empty where
            it is that of the frame itself.
        pass_inputs: what its shot's passes need; None where it has none.
        neighbours: its heads one frame before and one frame after, for passes of motion; empty where there are none.
    """

    number: int
    camera: ShotCamera
    heads: tuple[ShotHead, ...]
    occluders: bytes = b""
    solids: bytes = b""
    subframes: tuple[ShotSubframe, ...] = ()
    pass_inputs: PassInputs | None = None
    neighbours: tuple[ShotSubframe, ...] = ()

    def with_avatars(self, places: Sequence[int]) -> ShotFrame:
        """The frame as part of a Shot in which each of its avatars stands at another place, by that of now."""

        def placed(heads: tuple[ShotHead, ...]) -> tuple[ShotHead, ...]:
            return tuple(replace(head, avatar=places[head.avatar]) for head in heads)

        def moments(several: tuple[ShotSubframe, ...]) -> tuple[ShotSubframe, ...]:
            return tuple(replace(each, heads=placed(each.heads)) for each in several)

        heads, subframes, neighbours = placed(self.heads), moments(self.subframes), moments(self.neighbours)
        return replace(self, heads=heads, subframes=subframes, neighbours=neighbours)


@dataclass(frozen=True, kw_only=True)
class Shot:
    """What to render.

    Attributes:
        width, height: pixels of the whole picture.
        avatars: for each avatar its content hash (over the wire), its path relative to the shot's file, or
            ``builtin:NAME``.
        frames: in order.
        region: x, y, width, height in pixels from the top left corner: the part of the picture to render.
        background: scene-linear Rec.709 RGB behind the heads, or None for a transparent film.
        filter_width: pixels, of the filter with which the edges of occluders are drawn, as Cycles counts it; 0 where
            they are drawn at pixels' centres alone.
        shows_normals: whether heads have, instead of their colours, the sRGB colour (1 + n) / 2 of their normal n in
            the world.
        passes: what comes out besides the colours.
    """

    width: int
    height: int
    avatars: tuple[str, ...]
    frames: tuple[ShotFrame, ...]
    region: tuple[int, int, int, int] | None = None
    background: tuple[float, float, float] | None = None
    filter_width: float = 1.5
    shows_normals: bool = False
    passes: tuple[ShotPass, ...] = ()

    def __post_init__(self) -> None:
        if not (1 <= self.width <= MAX_SIDE and 1 <= self.height <= MAX_SIDE):
            raise DGTalkerError(
                f"A picture of {self.width} × {self.height} pixels cannot be rendered.",
                f"Each side must have between 1 and {MAX_SIDE} pixels.",
            )
        x, y, width, height = self.region or (0, 0, self.width, self.height)
        if x < 0 or y < 0 or width < 1 or height < 1 or x + width > self.width or y + height > self.height:
            raise DGTalkerError("The region to render lies outside the picture.")
        if not all(abs(number) <= LARGEST for number in self.background or ()):
            raise DGTalkerError(f"The background of the picture is not made of finite numbers up to {LARGEST:g}.")
        if not 0 <= self.filter_width <= MAX_FILTER_WIDTH:
            raise DGTalkerError(f"The pixel filter must be 0 to {MAX_FILTER_WIDTH:g} pixels wide.")
        check_passes(self.passes)
        for frame in self.frames:
            if not abs(frame.number) <= MAX_NUMBER:
                raise DGTalkerError(f"A frame has the impossible number {frame.number:.3g}.")
            if self.passes:
                check_inputs(frame.pass_inputs, len(frame.heads), LARGEST)
            if len(frame.subframes) > MAX_SUBFRAMES:
                raise DGTalkerError(f"Frame {frame.number} has more than {MAX_SUBFRAMES} sub-frames.")
            if len(frame.neighbours) not in (0, 2):
                raise DGTalkerError(f"Frame {frame.number} has not one neighbour before it and one after.")
            avatars = [head.avatar for head in frame.heads]
            for moment in (frame, *frame.subframes, *frame.neighbours):
                check_moment(moment, frame.number, avatars, len(self.avatars))

    @property
    def planes(self) -> tuple[ShotPass, ...]:
        """The passes that are sent after a picture over the wire: depth is a part of every picture."""
        return tuple(each for each in self.passes if each.kind != "depth")

    @property
    def numbers_per_pixel(self) -> int:
        """Float32, of a picture and its planes over the wire."""
        return _PICTURE_NUMBERS + sum(CHANNELS[each.kind] for each in self.planes)

    def to_json(self) -> str:
        return json.dumps({"version": SHOT_VERSION, **vars(self)}, allow_nan=False, default=_plain)

    @classmethod
    def from_json(cls, text: str | bytes) -> Shot:
        """Raises DGTalkerError when `text` is not a Shot of a known version."""
        try:
            data = json.loads(text)
            version = data["version"]
            if version not in range(1, SHOT_VERSION + 1):
                raise DGTalkerError(
                    f"The shot has the format version {version}; this engine reads versions 1 to {SHOT_VERSION}.",
                    "Update the engine and the extension together.",
                )
            region, background = data.get("region"), data.get("background")
            return cls(
                width=int(data["width"]),
                height=int(data["height"]),
                avatars=tuple(str(avatar) for avatar in data["avatars"]),
                frames=tuple(_frame(frame) for frame in data["frames"]),
                region=None if region is None else _integers(region, 4),
                background=None if background is None else floats_of(background, 3),
                filter_width=float(data.get("filter_width", 1.5)),
                shows_normals=bool(data.get("shows_normals", False)),
                passes=passes_from_json(data.get("passes", ())),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
            raise DGTalkerError(f"The shot cannot be read: {error!r}.", "docs/shot.md has its format.") from error


def _frame(data: Any) -> ShotFrame:
    return ShotFrame(
        int(data["number"]),
        camera_of(data["camera"]),
        heads_of(data["heads"]),
        base64.b64decode(data.get("occluders", ""), validate=True),
        base64.b64decode(data.get("solids", ""), validate=True),
        _moments(data.get("subframes", ())),
        inputs_from_json(data.get("pass_inputs")),
        _moments(data.get("neighbours", ())),
    )


def _moments(data: Any) -> tuple[ShotSubframe, ...]:
    return tuple(
        ShotSubframe(
            camera_of(each["camera"]), heads_of(each["heads"]), bytes_of(each["occluders"]), bytes_of(each["solids"])
        )
        for each in data
    )


def _plain(part: object) -> str | dict[str, Any]:
    """`dataclasses.asdict` copies whatever it meets, which takes seconds for frames of many sub-frames."""
    return base64.b64encode(part).decode() if isinstance(part, bytes) else vars(part)


def _integers(values: Any, count: int) -> Any:
    return tuple(int(value) for value in floats_of(values, count))
