"""Splats from files and to files, by way of the engine."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import asdict, dataclass
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire.moments import ShotCamera
from dgtalker_engine.wire.shot import Shot, ShotFrame

from ..bridge import avatars, engine
from ..head import add
from ..render import shot

FORMATS: tuple[tuple[str, str, str], ...] = (
    ("ply", "3DGS PLY", ".ply"),
    ("spz", "Niantic SPZ", ".spz"),
    ("glb", "glTF Binary, KHR_gaussian_splatting", ".glb"),
)
"""Identifier, label and suffix of what is written."""
READ = (".ply", ".splat", ".spz", ".glb", ".gltf")
USUAL = "USUAL"
"""Of an axis: as it usually is in the file's format."""

_IDENTITY = tuple(float(row == column) for row in range(4) for column in range(4))
_NOWHERE = ShotCamera(K=(1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0), world_to_camera=_IDENTITY)


@dataclass(frozen=True)
class Axes:
    """How a file's axes lie in Blender.

    Attributes:
        forward, up: the file's axes that are Blender's +Y and +Z, as "-Z"; empty: as usual in its format.
        scale: of an import, metres of one unit of the file; of an export, units of the file a metre.
    """

    forward: str = ""
    up: str = ""
    scale: float = 1.0


def import_steps(
    context: bpy.types.Context, path: str, axes: Axes
) -> Generator[engine.Pending, None, tuple[bpy.types.Object, tuple[str, ...]]]:
    """Adds what a file holds as a head without sliders at the world's origin, as Blender's importers do.

    Returns:
        The object, and sentences for the user about what was left out.

    Raises:
        DGTalkerError: the file cannot be used, or nothing can be added here; nothing was changed.
    """
    reason = add.disabled_reason(context)
    if reason:
        raise DGTalkerError(reason)
    pending = engine.submit("import_splats", {"path": path, **asdict(axes)})
    yield pending
    avatar = avatars.opened(pending)
    return add.place_head(context, avatar, location=(0.0, 0.0, 0.0)), avatar.notes


def export_steps(
    context: bpy.types.Context, path: str, kind: str, axes: Axes
) -> Generator[engine.Pending, None, tuple[int, list[str]]]:
    """Writes the selected heads, as the current frame shows them in the world, to a file.

    Args:
        kind: of `FORMATS`.

    Returns:
        How many Gaussians it has, and sentences for the user about what was left out.

    Raises:
        DGTalkerError: none is selected and shown, or the file cannot be written.
    """
    for head in _selected(context.evaluated_depsgraph_get())[0]:
        yield from avatars.open_steps(head.object)
    depsgraph = context.evaluated_depsgraph_get()  # Blender went on meanwhile
    seen, warnings = _selected(depsgraph)
    hashes, heads, more = shot.placed_heads(seen, depsgraph)
    frame = ShotFrame(context.scene.frame_current, _NOWHERE, heads)
    body = Shot(width=1, height=1, avatars=hashes, frames=(frame,)).to_json().encode()
    pending = engine.submit("export_splats", {"path": path, "format": kind, **asdict(axes)}, body)
    yield pending
    return int(pending.result().header["gaussians"]), [*warnings, *more]


def _selected(depsgraph: bpy.types.Depsgraph) -> tuple[list[shot.SeenHead], list[str]]:
    seen, warnings = shot.seen_heads(depsgraph)
    layer: Any = depsgraph.view_layer
    return [head for head in seen if head.placed.select_get(view_layer=layer)], warnings
