"""Blender's camera as a Shot's: plain numbers in, plain numbers out; `region`, `shot_camera` and `aperture` alone read
Blender's data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire.moments import LARGEST, RADII, RATIOS, ShotCamera, ShotLens

if TYPE_CHECKING:
    import bpy

KINDS = ("PERSP", "ORTHO")

_RIGID = 1e-5
"""What single-precision matrices are off."""

_LEAST = 1e-5
"""Blender's least f-stop, and its least distance of focus in metres."""


@dataclass(frozen=True, kw_only=True)
class Lens:
    """What Blender's camera data says: millimetres, except `ortho_scale`, `clip_start` and `clip_end` (metres)."""

    kind: str = "PERSP"
    lens: float = 50.0
    ortho_scale: float = 6.0
    sensor_fit: str = "AUTO"
    sensor_width: float = 36.0
    sensor_height: float = 24.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    clip_start: float = 0.1
    clip_end: float = 1000.0


def intrinsics(lens: Lens, width: int, height: int, pixel_aspect: tuple[float, float] = (1.0, 1.0)) -> np.ndarray:
    """K, float64 (3, 3), of a picture of `width` × `height` pixels; pixels per metre for an orthographic camera.

    Pixel centres lie at .5, (0, 0) is the top left corner.

    Raises:
        DGTalkerError: the camera is neither perspective nor orthographic.
    """
    check_kind(lens.kind)
    aspect_x, aspect_y = pixel_aspect
    fit = lens.sensor_fit
    if fit == "AUTO":
        fit = "HORIZONTAL" if width * aspect_x >= height * aspect_y else "VERTICAL"
    view = width * aspect_x if fit == "HORIZONTAL" else height * aspect_y
    sensor = lens.sensor_height if lens.sensor_fit == "VERTICAL" else lens.sensor_width
    focal = lens.lens / sensor * view if lens.kind == "PERSP" else view / lens.ortho_scale
    centre_x = width / 2 - lens.shift_x * view / aspect_x
    centre_y = height / 2 + lens.shift_y * view / aspect_y
    return np.array([[focal / aspect_x, 0, centre_x], [0, focal / aspect_y, centre_y], [0, 0, 1]], np.float64)


def check_kind(kind: str) -> None:
    """Raises DGTalkerError for a camera that is neither perspective nor orthographic."""
    if kind not in KINDS:
        raise DGTalkerError(
            f"DGTalker cannot render from a {'panoramic' if kind == 'PANO' else kind.lower()} camera.",
            "Set the camera's type to Perspective or Orthographic.",
        )


def world_to_camera(matrix_world: np.ndarray) -> np.ndarray:
    """OpenCV's (4, 4) from the (4, 4) of Blender's camera object, whose scale Blender ignores.

    A negative scale mirrors the picture, as it does in Blender.
    """
    matrix = np.array(matrix_world, np.float64)
    matrix[:3, :3] /= np.linalg.norm(matrix[:3, :3], axis=0)
    return np.diag([1.0, -1.0, -1.0, 1.0]) @ np.linalg.inv(matrix)


def rigid(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """A camera that is turned below a parent with unequal scale is sheared. The rigid camera (4, 4) at the same place
    that is nearest, and the affine map (4, 4) of the world before it that gives the same picture; None if it is rigid.
    """
    left, _, right = np.linalg.svd(matrix[:3, :3])
    turn = left @ right
    if np.abs(turn - matrix[:3, :3]).max() < _RIGID:
        return matrix, None
    eye = -np.linalg.solve(matrix[:3, :3], matrix[:3, 3])
    nearest = np.eye(4)
    nearest[:3, :3], nearest[:3, 3] = turn, -turn @ eye
    return nearest, np.linalg.inv(nearest) @ matrix


def picture_size(width: int, height: int, percentage: int) -> tuple[int, int]:
    """Pixels of the picture at a resolution percentage, rounded as Blender does."""
    return width * percentage // 100, height * percentage // 100


def border_region(border: tuple[float, float, float, float], width: int, height: int) -> tuple[int, int, int, int]:
    """The pixels of Blender's render border: x, y, width, height from the top left corner.

    Args:
        border: min x, max x, min y, max y as parts of the picture, from its bottom left corner.
    """
    # Blender multiplies single-precision numbers, and a pixel more or less is a wrong picture.
    left, right = (int(np.float32(side) * np.float32(width)) for side in border[:2])
    bottom, top = (int(np.float32(side) * np.float32(height)) for side in border[2:])
    return left, height - top, right - left, top - bottom


def region(settings: bpy.types.RenderSettings, width: int, height: int) -> tuple[int, int, int, int] | None:
    """The pixels of the border that render settings have: as `border_region`; None where all of it is rendered."""
    if not settings.use_border:
        return None
    border = (settings.border_min_x, settings.border_max_x, settings.border_min_y, settings.border_max_y)
    return border_region(border, width, height)


@dataclass(frozen=True)
class Eye:
    """One of the eyes of a stereo camera, or of several cameras that see together.

    Attributes:
        matrix_world: (4, 4) of Blender's camera object.
        shift_x: as camera data has it.
    """

    matrix_world: np.ndarray
    shift_x: float


def shot_camera(
    camera: bpy.types.Object,
    width: int,
    height: int,
    pixel_aspect: tuple[float, float] = (1.0, 1.0),
    eye: Eye | None = None,
) -> tuple[ShotCamera, np.ndarray | None]:
    """The camera object (evaluated, where it is animated) as a Shot's camera, and what `rigid` puts before the world.

    Args:
        camera: perspective or orthographic.
        width, height: of the whole picture.
        pixel_aspect: of the picture.
        eye: where the camera stands in place of where it is.

    Raises:
        DGTalkerError: the camera is neither perspective nor orthographic, or its scale is zero.
    """
    data = cast("bpy.types.Camera", camera.data)
    lens = Lens(
        kind=data.type,
        lens=data.lens,
        ortho_scale=data.ortho_scale,
        sensor_fit=data.sensor_fit,
        sensor_width=data.sensor_width,
        sensor_height=data.sensor_height,
        shift_x=data.shift_x if eye is None else eye.shift_x,
        shift_y=data.shift_y,
        clip_start=data.clip_start,
        clip_end=data.clip_end,
    )
    matrix_world = np.array(camera.matrix_world) if eye is None else eye.matrix_world
    try:
        K = intrinsics(lens, width, height, pixel_aspect)
        with np.errstate(divide="raise", invalid="raise"):
            matrix, shear = rigid(world_to_camera(matrix_world))
    except (FloatingPointError, np.linalg.LinAlgError) as error:
        raise DGTalkerError(f"The camera {camera.name} has a scale of zero.", "Give it a scale of one.") from error
    view = ShotCamera(
        K=tuple(K.ravel().tolist()),
        world_to_camera=tuple(matrix.ravel().tolist()),
        orthographic=lens.kind == "ORTHO",
        near=lens.clip_start,
        far=lens.clip_end,
        lens=aperture(camera),
    )
    return view, shear


def aperture(camera: bpy.types.Object) -> ShotLens | None:
    """The aperture of an evaluated camera, as Cycles has it; None where all of the picture is sharp."""
    data = cast("bpy.types.Camera", camera.data)
    settings: Any = data.dof
    if not settings.use_dof:
        return None
    width = 1.0 if data.type == "ORTHO" else data.lens / 1000
    return ShotLens(
        radius=min(max(width / (2 * max(settings.aperture_fstop, _LEAST)), RADII[0]), RADII[1]),
        focus=min(max(_focus(camera, settings), _LEAST), LARGEST),
        blades=settings.aperture_blades,
        rotation=settings.aperture_rotation,
        ratio=min(max(settings.aperture_ratio, RATIOS[0]), RATIOS[1]),
    )


def _focus(camera: bpy.types.Object, settings: Any) -> float:
    """Planar depth of what is in focus, metres."""
    target = settings.focus_object
    if target is None:
        return settings.focus_distance
    place = target.matrix_world
    if target.pose is not None and settings.focus_subtarget in target.pose.bones:
        place = place @ target.pose.bones[settings.focus_subtarget].matrix
    axis = np.array(camera.matrix_world)[:3, 2]
    away = np.array(camera.matrix_world.translation - place.translation)
    return float(abs(axis @ away) / max(float(np.linalg.norm(axis)), _LEAST))
