"""What is seen in one moment: heads, who sees them, what hides them. Standard library only; see docs/shot.md."""

from __future__ import annotations

import base64
import math
import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..errors import DGTalkerError

LARGEST = 1e15
"""Of numbers in a shot: products of two still fit into float32, in which they are computed."""
FARTHEST = 1e6
"""Metres, of a deformed mesh's vertices: how its triangles turn and stretch is worked out from products of these."""
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
        holdout: whether it is seen as a hole: it hides what is behind it, and leaves alpha 0.
    """

    avatar: int
    matrix: tuple[float, ...]
    weights: dict[str, float]
    vertices: bytes = b""
    light: tuple[float, ...] = ()
    holdout: bool = False


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


class Moment(Protocol):
    """What a frame and its sub-frames have in common."""

    @property
    def camera(self) -> ShotCamera: ...
    @property
    def heads(self) -> tuple[ShotHead, ...]: ...
    @property
    def occluders(self) -> bytes | None: ...
    @property
    def solids(self) -> bytes | None: ...


def camera_of(data: Any) -> ShotCamera:
    """Like the readers below: raises KeyError, TypeError, ValueError or AttributeError where the JSON is none."""
    return ShotCamera(
        K=floats_of(data["K"], 9),
        world_to_camera=floats_of(data["world_to_camera"], 16),
        orthographic=bool(data.get("orthographic", False)),
        near=float(data.get("near", 0.01)),
        far=float(data.get("far", 1e10)),
        lens=_lens(data.get("lens")),
    )


def heads_of(data: Any) -> tuple[ShotHead, ...]:
    return tuple(
        ShotHead(
            int(head["avatar"]),
            floats_of(head["matrix"], 16),
            {str(name): float(value) for name, value in head["weights"].items()},
            base64.b64decode(head.get("vertices", ""), validate=True),
            tuple(float(number) for number in head.get("light", ())),
            bool(head.get("holdout", False)),
        )
        for head in data
    )


def _lens(data: Any) -> ShotLens | None:
    if data is None:
        return None
    numbers = {name: float(data[name]) for name in ("radius", "focus", "rotation", "ratio")}
    return ShotLens(blades=int(data["blades"]), **numbers)


def bytes_of(data: Any) -> bytes | None:
    return None if data is None else base64.b64decode(data, validate=True)


def check_moment(moment: Moment, number: int, avatars: Sequence[int], count: int) -> None:
    """Raises DGTalkerError where a frame, or a sub-frame of it, has numbers that cannot be used.

    Args:
        number: of the frame.
        avatars: of the frame's heads.
        count: of the shot's avatars.
    """
    camera, name = moment.camera, f"frame {number}"
    if len(camera.K) != 9 or len(camera.world_to_camera) != 16:
        raise DGTalkerError(f"The camera of {name} needs 9 and 16 numbers.")
    numbers = [*camera.K, *camera.world_to_camera, camera.near, min(camera.far, LARGEST)]
    for head in moment.heads:
        if not 0 <= head.avatar < count or len(head.matrix) != 16:
            raise DGTalkerError(f"A head of {name} has no avatar or no matrix of 16 numbers.")
        numbers += [*head.matrix, *head.weights.values()]
        _check_vertices(head.vertices, 12, f"A head of {name}")
        if len(head.light) not in (0, LIGHT_NUMBERS) or not all(abs(each) <= BRIGHTEST for each in head.light):
            raise DGTalkerError(f"The light of a head of {name} is not {LIGHT_NUMBERS} numbers up to {BRIGHTEST:g}.")
    if [head.avatar for head in moment.heads] != [*avatars]:
        raise DGTalkerError(f"The sub-frames of {name} do not have its {len(avatars)} heads, in their order.")
    for triangles in (moment.occluders, moment.solids):
        _check_vertices(triangles or b"", 36, f"What hides heads in {name}")
    if not all(abs(number) <= LARGEST for number in numbers):
        raise DGTalkerError(f"Frame {number} holds values that are not finite numbers, or exceed {LARGEST:g}.")
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


def floats_of(values: Any, count: int) -> Any:
    if len(values) != count:
        raise ValueError(f"{count} numbers expected, {len(values)} found")
    return tuple(float(value) for value in values)
