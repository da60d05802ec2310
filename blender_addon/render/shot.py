"""A Shot of one frame from what Blender evaluated: every head that the view layer shows, its weights, the camera."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire.moments import ShotHead
from dgtalker_engine.wire.shot import MAX_FILTER_WIDTH, Shot, ShotFrame

from ..bridge import avatars
from ..head import model
from ..properties import head_properties, original_of
from . import camera, colours, deformation, lighting, occluders, passes
from .scene_pairs import main_of

_SHOWN = occluders.SURFACES + occluders.OTHERS
"""Types of objects that other engines render."""


@dataclass(frozen=True)
class SeenHead:
    """One head where the camera sees it; an instanced head is seen several times.

    Attributes:
        object: the head, original.
        placed: what puts it there, original: the head itself, or what instances it.
        matrix: head space to world, row by row.
        weights: by control name.
        scene_light: how much of the scene's light is on it, 0 to 1.
        holdout: whether it leaves a hole in the picture.
    """

    object: bpy.types.Object
    placed: bpy.types.Object
    matrix: tuple[float, ...]
    weights: dict[str, float]
    scene_light: float
    holdout: bool


def seen_heads(depsgraph: bpy.types.Depsgraph) -> tuple[list[SeenHead], list[str]]:
    """Heads and their instances as the view layer shows them, and warnings for the user.

    Blender's depsgraph already leaves out what is hidden in renders or excluded from the layer.

    Raises:
        DGTalkerError: a head's place or weights are not finite, or its rig is damaged.
    """
    layer = depsgraph.view_layer
    seen: list[SeenHead] = []
    weights: dict[bpy.types.Object, dict[str, float]] = {}
    warnings: list[str] = []
    for instance in depsgraph.object_instances:
        head = instance.object
        if not model.is_head(head) or not (instance.is_instance or instance.show_self):
            continue
        original = original_of(head)
        placer = instance.parent if instance.is_instance else None
        placed = original_of(placer or head)
        if placed.indirect_only_get(view_layer=layer):
            continue
        matrix = np.array(instance.matrix_world, np.float64)
        if not matrix[:3, :3].any():
            continue  # scaled to nothing, as animators hide things
        if original not in weights:
            weights[original] = model.evaluated_weights(original, depsgraph)
            if missing := model.missing_controls(original):
                warnings.append(
                    f"{original.name} has no shape keys for {', '.join(missing)}: these stay at their default."
                )
        broken = [name for name, weight in weights[original].items() if not np.isfinite(weight)]
        if broken or not np.isfinite(matrix).all():
            raise DGTalkerError(
                f"The {', '.join(broken) or 'place'} of {placed.name} is not a finite number.",
                "Look at its drivers and constraints.",
            )
        amount = head_properties(head).scene_light
        # As evaluated: it may be keyed. Of an instanced head, what instances it says so, as Cycles has it.
        holdout = (placer or head).holdout_get(view_layer=depsgraph.view_layer_eval)
        seen.append(SeenHead(original, placed, tuple(matrix.ravel().tolist()), weights[original], amount, holdout))
    return seen, list(dict.fromkeys(warnings))


def unfollowed(depsgraph: bpy.types.Depsgraph, hiding: occluders.Occluders) -> list[str]:
    """Warnings about what the scene asks for and Gaussian heads do not do."""
    warnings = []
    if hiding.passed_over:
        warnings.append(
            f"Heads are not hidden by {_listed(hiding.passed_over)}: only what is opaque and made of faces hides them."
        )
    if main_of(depsgraph.scene) is not None:
        return warnings
    others: set[str] = set()
    for instance in depsgraph.object_instances:
        ob = instance.object
        shown = instance.is_instance or instance.show_self
        if shown and ob is not None and ob.type in _SHOWN and not model.is_head(ob):
            others.add(original_of(ob).name)
    if others:
        warnings.append(
            f"Only Gaussian heads are rendered, not {_listed(others)}, which cut out what they hide: "
            "Render ▸ Heads with Cycles, or with EEVEE, gives both in one picture."
        )
    return warnings


def placed_heads(
    seen: Sequence[SeenHead],
    depsgraph: bpy.types.Depsgraph,
    shear: np.ndarray | None = None,
    should_cancel: Callable[[], bool] | None = None,
) -> tuple[tuple[str, ...], tuple[ShotHead, ...], list[str]]:
    """A Shot's avatars, its heads in the order of `seen`, and warnings for the user.

    Args:
        shear: of `camera.shot_camera`.
        should_cancel: asked while an avatar is opened, for which the engine may have to start first.

    Raises:
        DGTalkerError: as `frame_shot`.
    """
    index: dict[str, int] = {}
    heads = []
    warnings: list[str] = []
    deformed: dict[bpy.types.Object, deformation.Deformation] = {}
    scene_light = lighting.scene_light(depsgraph) if any(head.scene_light > 0 for head in seen) else None
    if scene_light is not None:
        warnings += scene_light.warnings
    for head in seen:
        avatar = avatars.ensure_open(head.object, should_cancel)
        if head.object not in deformed:
            deformed[head.object] = deformation.followed(head.object, depsgraph, avatars.proxy_of(avatar))
            warnings += deformed[head.object].warnings
        done = deformed[head.object]
        matrix = np.array(head.matrix).reshape(4, 4)
        if done.vertices is None and done.matrix is not None:
            matrix = matrix @ done.matrix
        light = scene_light.of(matrix, head.scene_light) if scene_light and head.scene_light > 0 else ()
        if shear is not None:
            matrix = shear @ matrix
        vertices = b"" if done.vertices is None else done.vertices.astype("<f4").tobytes()
        place = index.setdefault(avatar, len(index))
        heads.append(ShotHead(place, tuple(matrix.ravel().tolist()), head.weights, vertices, light, head.holdout))
    return tuple(index), tuple(heads), warnings


def _listed(names: Iterable[str]) -> str:
    several = sorted(names)
    return ", ".join(several[:3]) + (f" and {len(several) - 3} more" if len(several) > 3 else "")


def filter_width(scene: bpy.types.Scene | None) -> float:
    """Pixels, of the filter of the picture that the heads are put into."""
    main: Any = main_of(scene) or scene
    if main.render.engine == "CYCLES":
        return main.cycles.filter_width
    return main.render.filter_size


def packed_triangles(triangles: np.ndarray, shear: np.ndarray | None) -> bytes:
    """Triangles (T, 3, 3) of the world as a Shot has them."""
    moved = triangles if shear is None else triangles @ shear[:3, :3].T + shear[:3, 3]
    return np.ascontiguousarray(moved, "<f4").tobytes()


def frame_shot(
    depsgraph: bpy.types.Depsgraph,
    camera_object: bpy.types.Object,
    size: tuple[int, int],
    region: tuple[int, int, int, int] | None = None,
    should_cancel: Callable[[], bool] | None = None,
    eye: camera.Eye | None = None,
    with_passes: bool = False,
) -> tuple[Shot, list[str]]:
    """The current frame as a Shot of one frame, and warnings for the user.

    Args:
        camera_object: evaluated.
        size: width and height of the whole picture.
        region: the part to render, from the top left corner.
        should_cancel: asked while an avatar is opened, for which the engine may have to start first.
        eye: of a stereo camera; None for the camera itself.
        with_passes: whether it has those of the view layer.

    Raises:
        DGTalkerError: the camera cannot be rendered from, or a head's avatar or rig is lost or damaged;
            Cancelled when `should_cancel` says so.
    """
    settings = depsgraph.scene_eval.render
    aspect = (settings.pixel_aspect_x, settings.pixel_aspect_y)
    view, shear = camera.shot_camera(camera_object, *size, aspect, eye)
    seen, warnings = seen_heads(depsgraph)
    hiding = occluders.occluders(depsgraph, view, shear)
    warnings += unfollowed(depsgraph, hiding)
    background = None
    if not settings.film_transparent:
        background, warning = colours.world_colour(depsgraph)
        warnings += [warning] if warning else []
    avatar_hashes, heads, more = placed_heads(seen, depsgraph, shear, should_cancel)
    warnings += more
    triangles, solids = (packed_triangles(each, shear) for each in (hiding.triangles, hiding.solids))
    layer, scene = depsgraph.view_layer, depsgraph.scene
    wanted = passes.asked(layer, scene) if with_passes and layer is not None and scene is not None else ()
    if with_passes and main_of(scene) is not None and any(head.holdout for head in heads):
        wanted = (*wanted, passes.HELD_OUT)
    inputs = passes.inputs(depsgraph, [head.object for head in seen], shear) if wanted else None
    number = depsgraph.scene_eval.frame_current
    frame = ShotFrame(number, view, heads, triangles, solids, pass_inputs=inputs)
    width, height = size
    shot = Shot(
        width=width,
        height=height,
        avatars=avatar_hashes,
        frames=(frame,),
        region=region,
        background=background,
        filter_width=min(filter_width(depsgraph.scene), MAX_FILTER_WIDTH),
        passes=wanted,
    )
    return shot, warnings
