"""Whether there is room for what Blender is about to write, and whether it has written it: Blender itself says "Saved"
of a file that a full disk cut off."""

from __future__ import annotations

import contextlib
import shutil
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError

from .whole_files import is_whole

ROOM = "Make room, or choose another folder in the output properties."

_CHANNELS = 4
"""Of every picture: Blender's EXR files have colours although BW is chosen."""
_FRAMING = 1.1
"""Packed noise is larger than the noise: by a fourteenth in IRIS files."""
_SPARE = 1_000_000
"""Bytes for what is not pixels: the header, metadata, a preview."""


def target(scene: bpy.types.Scene, frame: int, view: str = "") -> Path | None:
    """Where Blender would write a frame; None where it cannot tell, which it says itself when it comes to writing.

    Args:
        view: of stereoscopy: the suffix of one whose pictures have files of their own.
    """
    try:
        return Path(scene.render.frame_path(frame=frame, view=view))
    except RuntimeError:  # a template in the path has a mistake, and F12 alone writes nothing
        return None


def mistaken() -> DGTalkerError:
    """What to say where there has to be a `target`, and none can be told."""
    return DGTalkerError("The output path has a mistake in its templates.", "See the output properties.")


def check_room(scene: bpy.types.Scene, frame: int, width: int, height: int) -> None:
    """Refuse a frame for which the disk may have no room, in its format, with all passes, as badly as it may pack.

    Args:
        scene: whose output is written.
        frame: its number.
        width, height: pixels.

    Raises:
        DGTalkerError: the disk is full.
    """
    needed: dict[Path, float] = defaultdict(float)
    for path, bytes_per_pixel in _files(scene, frame):
        folder = next((parent for parent in path.absolute().parents if parent.is_dir()), None)
        if folder is not None:
            needed[folder] += width * height * bytes_per_pixel * _FRAMING + _SPARE
    for folder, most in needed.items():
        usage = shutil.disk_usage(folder)
        # Some network disks answer that they have no size at all.
        if usage.total and usage.free < most:
            raise DGTalkerError(
                f"The disk of {folder} is full: {usage.free / 1e6:.1f} MB are left, "
                f"and a frame may need {most / 1e6:.1f}.",
                ROOM,
            )


def check_written(scene: bpy.types.Scene, frame: int, since: float) -> None:
    """Look at the file that Blender has just written, and remove it where it is not whole: it would pass for finished.

    Args:
        scene: whose output was written.
        frame: its number.
        since: when the job began, seconds; what was written before it is not this job's.

    Raises:
        DGTalkerError: it was not whole.
    """
    for path in written(scene, frame, since):
        with contextlib.suppress(OSError):  # it cannot be read, or removed, which Blender says itself
            if not is_whole(path):
                path.unlink()
                raise DGTalkerError(f"{path} was cut off while it was written, and is removed.", ROOM)


def remove_written(scene: bpy.types.Scene, frame: int, since: float, why: DGTalkerError) -> None:
    """Remove a picture that lacks its heads.

    Args:
        scene: whose output was written.
        frame: its number.
        since: when the job began, seconds.
        why: they are lacking.

    Raises:
        DGTalkerError: it was there; a film has the frame and keeps it.
    """
    for path in written(scene, frame, since):
        with contextlib.suppress(OSError):  # it is not there any more
            path.unlink()
            raise DGTalkerError(f"{path} lacked its heads, and is removed. {why.message}", why.hint)
    raise why


def written(scene: bpy.types.Scene, frame: int, since: float) -> list[Path]:
    """The pictures that a job has written of a frame, in the order of their names; none of a film.

    Args:
        since: when the job began, seconds.
    """
    path = target(scene, frame)
    if path is None or scene.render.is_movie_format:
        return []
    found: list[Path] = []
    for each in sorted({path, *_stills(scene, path)}):
        with contextlib.suppress(OSError):  # it is not there
            if each.is_file() and each.stat().st_mtime >= since:
                found.append(each)
    return found


def _stills(scene: bpy.types.Scene, path: Path) -> Iterator[Path]:
    """Where a single picture may be, which has no number; `path` is the frame's, whose template is resolved."""
    ending = scene.render.file_extension if scene.render.use_file_extension else ""
    numbered = str(path)[: len(str(path)) - len(ending)]
    for name in (numbered.rstrip("0123456789-"), bpy.path.abspath(scene.render.filepath)):
        yield Path(name)
        yield Path(name + ending)
        if Path(name).suffix:
            yield Path(name).with_suffix(ending)


def _files(scene: bpy.types.Scene, frame: int) -> Iterator[tuple[Path, int]]:
    """The files that a frame becomes, with the bytes of a pixel."""
    path = target(scene, frame)
    if path is not None:
        yield path, _bytes_per_pixel(scene, scene.render.image_settings)
    for node in _nodes(scene):
        if node.type == "OUTPUT_FILE" and not node.mute:
            folder = bpy.path.abspath(node.directory if bpy.app.version >= (5, 0) else node.base_path)
            pictures = max(1, len(node.inputs))
            yield Path(folder) / "picture", pictures * _bytes_per_pixel(scene, node.format, passes=False)


def has_compositor(scene: bpy.types.Scene) -> bool:
    """Whether pictures of a scene go through nodes, where its settings let them."""
    owner: Any = scene
    return bool(_nodes(scene)) and (bpy.app.version >= (5, 0) or owner.use_nodes)


def has_file_nodes(scene: bpy.types.Scene) -> bool:
    """Whether the compositor writes files of its own."""
    return any(node.type == "OUTPUT_FILE" and not node.mute for node in _nodes(scene))


def _nodes(scene: bpy.types.Scene) -> list[Any]:
    """Of the compositor."""
    owner: Any = scene  # what both versions have is in neither's stubs
    tree = owner.compositing_node_group if bpy.app.version >= (5, 0) else owner.node_tree
    return list(tree.nodes) if tree is not None else []


def _bytes_per_pixel(scene: bpy.types.Scene, settings: Any, passes: bool = True) -> int:
    number = -(-int(settings.color_depth) // 8)
    if settings.file_format != "OPEN_EXR_MULTILAYER" or not passes:
        return _CHANNELS * number
    # the composite, and of every layer the picture and its passes, of which some stay floats whatever is chosen
    layers = [layer for layer in scene.view_layers if layer.use]
    return _CHANNELS * number + sum(_CHANNELS * (number + 4 * len(_passes(layer))) for layer in layers)


def _passes(layer: bpy.types.ViewLayer) -> list[str]:
    """What a view layer has besides its picture."""
    flags = [name for name in layer.bl_rna.properties.keys() if name.startswith("use_pass_")]  # noqa: SIM118
    chosen = [name for name in flags if name != "use_pass_combined" and getattr(layer, name)]
    return chosen + [aov.name for aov in layer.aovs]
