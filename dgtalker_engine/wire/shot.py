"""The Shot: what to render, with nothing left to Blender. Standard library only; see docs/shot.md."""

from __future__ import annotations

import base64
import json
import math
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..errors import DGTalkerError
from .passes import CHANNELS, PassInputs, ShotPass, check_inputs, check_passes, inputs_from_json, passes_from_json

SHOT_VERSION = 6
"""Of what is written. Version 1 had no `vertices`, 2 no `occluders` and no `filter_width`, 3 no `lens` and no
`subframes`, 4 no `light` and no `shows_normals`, 5 no `passes` and no `pass_inputs`; all are read too."""
MAX_SIDE = 16384
LARGEST = 1e15
"""Of numbers in a shot: products of two still fit into float32, in which they are computed."""
FARTHEST = 1e6
"""Metres, of a deformed mesh's vertices: how its triangles turn and stretch is worked out from products of these."""
MAX_NUMBER = 10**9
"""Of a frame."""
MAX_FILTER_WIDTH = 16.0
"""Pixels."""
_PICTURE_NUMBERS = 6
"""Of a pixel that is sent over the wire: RGBA, depth, and what meshes hide."""
MAX_SUBFRAMES = 256
MAX_BLADES = 64
RADII = (1e-9, 1e3)
"""Metres, of an aperture."""
RATIOS = (1e-2, 1e2)
"""Of an aperture."""
LIGHT_NUMBERS = 27
BRIGHTEST = 1e6
"""Times as bright as in a white world, of what light makes of a head."""


@dataclass(frozen=True, kw_only=True)
class ShotLens:
    """A thin lens, as Cycles has it: what lies off the plane of focus is blurred.

    Attributes:
        radius: of the aperture, metres; for parallel rays, of the bundle that meets in each point of that plane.
        focus: planar depth of the plane that is sharp, metres.
        blades: sides of a regular polygon that the aperture is; below 3 a circle.
        rotation: of that polygon, radians, counterclockwise as the camera looks.
        ratio: the aperture's height by its width.
    """

    radius: float
    focus: float
    blades: int = 0
    rotation: float = 0.0
    ratio: float = 1.0


@dataclass(frozen=True, kw_only=True)
class ShotCamera:
    """`K` 9 and `world_to_camera` 16 numbers, row by row, as in `gaussians.Camera`."""

    K: tuple[float, ...]
    world_to_camera: tuple[float, ...]
    orthographic: bool = False
    near: float = 0.01
    far: float = 1e10
    lens: ShotLens | None = None


@dataclass(frozen=True)
class ShotHead:
    """One avatar in one frame.

    Attributes:
        avatar: index into the shot's avatars.
        matrix: head space to world, 16 numbers, row by row; metres.
        weights: by control name; controls that are not named stay at their default.
        vertices: where Blender deformed the avatar's proxy mesh by more than its controls: where its V vertices are,
            float32 (V, 3), little-endian, metres, in the space that `matrix` puts into the world. The Gaussians are
            carried with it. Empty where the mesh is as the weights leave it.
        light: what the scene's light makes of the head's colours, by normals in the space that `matrix` puts into the
            world: 9 real spherical harmonics of degree 0 to 2, three colours each, scene-linear Rec.709, of a factor
            that is 1 in a uniform white world. Empty where the head keeps the light that it was made in.
    """

    avatar: int
    matrix: tuple[float, ...]
    weights: dict[str, float]
    vertices: bytes = b""
    light: tuple[float, ...] = ()


@dataclass(frozen=True)
class ShotSubframe:
    """One of the moments in which the shutter is open.

    Attributes:
        camera: of this moment.
        heads: of its frame, in their order, as they are in this moment.
        occluders, solids: as `ShotFrame` has them; None where they are its frame's.
    """

    camera: ShotCamera
    heads: tuple[ShotHead, ...]
    occluders: bytes | None = None
    solids: bytes | None = None


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
    """

    number: int
    camera: ShotCamera
    heads: tuple[ShotHead, ...]
    occluders: bytes = b""
    solids: bytes = b""
    subframes: tuple[ShotSubframe, ...] = ()
    pass_inputs: PassInputs | None = None

    def with_avatars(self, places: Sequence[int]) -> ShotFrame:
        """The frame as part of a Shot in which each of its avatars stands at another place, by that of now."""

        def placed(heads: tuple[ShotHead, ...]) -> tuple[ShotHead, ...]:
            return tuple(replace(head, avatar=places[head.avatar]) for head in heads)

        subframes = tuple(replace(each, heads=placed(each.heads)) for each in self.subframes)
        return replace(self, heads=placed(self.heads), subframes=subframes)


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
            for moment in (frame, *frame.subframes):
                _check_moment(moment, frame, len(self.avatars))

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
                background=None if background is None else _floats(background, 3),
                filter_width=float(data.get("filter_width", 1.5)),
                shows_normals=bool(data.get("shows_normals", False)),
                passes=passes_from_json(data.get("passes", ())),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError) as error:
            raise DGTalkerError(f"The shot cannot be read: {error!r}.", "docs/shot.md has its format.") from error


def _frame(data: Any) -> ShotFrame:
    subframes = tuple(
        ShotSubframe(_camera(each["camera"]), _heads(each["heads"]), _bytes(each["occluders"]), _bytes(each["solids"]))
        for each in data.get("subframes", ())
    )
    return ShotFrame(
        int(data["number"]),
        _camera(data["camera"]),
        _heads(data["heads"]),
        base64.b64decode(data.get("occluders", ""), validate=True),
        base64.b64decode(data.get("solids", ""), validate=True),
        subframes,
        inputs_from_json(data.get("pass_inputs")),
    )


def _camera(data: Any) -> ShotCamera:
    return ShotCamera(
        K=_floats(data["K"], 9),
        world_to_camera=_floats(data["world_to_camera"], 16),
        orthographic=bool(data.get("orthographic", False)),
        near=float(data.get("near", 0.01)),
        far=float(data.get("far", 1e10)),
        lens=_lens(data.get("lens")),
    )


def _heads(data: Any) -> tuple[ShotHead, ...]:
    return tuple(
        ShotHead(
            int(head["avatar"]),
            _floats(head["matrix"], 16),
            {str(name): float(value) for name, value in head["weights"].items()},
            base64.b64decode(head.get("vertices", ""), validate=True),
            tuple(float(number) for number in head.get("light", ())),
        )
        for head in data
    )


def _lens(data: Any) -> ShotLens | None:
    if data is None:
        return None
    numbers = {name: float(data[name]) for name in ("radius", "focus", "rotation", "ratio")}
    return ShotLens(blades=int(data["blades"]), **numbers)


def _bytes(data: Any) -> bytes | None:
    return None if data is None else base64.b64decode(data, validate=True)


def _check_moment(moment: ShotFrame | ShotSubframe, frame: ShotFrame, avatars: int) -> None:
    """Raises DGTalkerError where a frame, or a sub-frame of it, has numbers that cannot be used."""
    camera, name = moment.camera, f"frame {frame.number}"
    if len(camera.K) != 9 or len(camera.world_to_camera) != 16:
        raise DGTalkerError(f"The camera of {name} needs 9 and 16 numbers.")
    numbers = [*camera.K, *camera.world_to_camera, camera.near, min(camera.far, LARGEST)]
    for head in moment.heads:
        if not 0 <= head.avatar < avatars or len(head.matrix) != 16:
            raise DGTalkerError(f"A head of {name} has no avatar or no matrix of 16 numbers.")
        numbers += [*head.matrix, *head.weights.values()]
        _check_vertices(head.vertices, 12, f"A head of {name}")
        if len(head.light) not in (0, LIGHT_NUMBERS) or not all(abs(each) <= BRIGHTEST for each in head.light):
            raise DGTalkerError(f"The light of a head of {name} is not {LIGHT_NUMBERS} numbers up to {BRIGHTEST:g}.")
    if [head.avatar for head in moment.heads] != [head.avatar for head in frame.heads]:
        raise DGTalkerError(f"The sub-frames of {name} do not have its {len(frame.heads)} heads, in their order.")
    for triangles in (moment.occluders, moment.solids):
        _check_vertices(triangles or b"", 36, f"What hides heads in {name}")
    if not all(abs(number) <= LARGEST for number in numbers):
        raise DGTalkerError(f"Frame {frame.number} holds values that are not finite numbers, or exceed {LARGEST:g}.")
    lens = camera.lens
    if lens is not None and not (
        RADII[0] <= lens.radius <= RADII[1]
        and 0 < lens.focus <= LARGEST
        and 0 <= lens.blades <= MAX_BLADES
        and abs(lens.rotation) <= LARGEST
        and RATIOS[0] <= lens.ratio <= RATIOS[1]
    ):
        raise DGTalkerError(f"The camera of {name} has an aperture or a distance of focus that no lens has.")


def _check_vertices(data: bytes, size: int, whose: str) -> None:
    """Raises DGTalkerError where these are no places of vertices, or no whole number of `size` bytes."""
    if len(data) % size:
        raise DGTalkerError(f"{whose} has vertices that are not {size // 4} float32 numbers each.")
    numbers = array("f", data)
    if sys.byteorder == "big":
        numbers.byteswap()
    # A sum tells numbers that are none, which compare with nothing; a loop over millions of them would take a second.
    if not (
        math.isfinite(sum(numbers)) and max(numbers, default=0) <= FARTHEST and min(numbers, default=0) >= -FARTHEST
    ):
        raise DGTalkerError(
            f"{whose} has vertices that are not finite, or farther than {FARTHEST:g} m away.",
            "Look at its modifiers, lattices and shape keys.",
        )


def _plain(part: object) -> str | dict[str, Any]:
    """`dataclasses.asdict` copies whatever it meets, which takes seconds for frames of many sub-frames."""
    return base64.b64encode(part).decode() if isinstance(part, bytes) else vars(part)


def _floats(values: Any, count: int) -> Any:
    if len(values) != count:
        raise ValueError(f"{count} numbers expected, {len(values)} found")
    return tuple(float(value) for value in values)


def _integers(values: Any, count: int) -> Any:
    return tuple(int(value) for value in _floats(values, count))
