"""Our markers on a scene's timeline: showing, listing and removing them; the animator's own are never touched."""

from __future__ import annotations

from collections.abc import Iterable

import bpy

from . import marker_names
from .marker_names import Kind


def of_kind(scene: bpy.types.Scene, kind: Kind) -> list[bpy.types.TimelineMarker]:
    """Our markers of a kind, by frame."""
    ours = [marker for marker in scene.timeline_markers if is_ours(marker, kind)]
    return sorted(ours, key=lambda marker: marker.frame)


def is_ours(marker: bpy.types.TimelineMarker, kind: Kind) -> bool:
    # a marker that switches cameras is somebody's, whatever its name
    return marker.camera is None and marker_names.NAMES[kind].fullmatch(marker.name) is not None


def show(scene: bpy.types.Scene, kind: Kind, named: Iterable[tuple[int, str]]) -> None:
    """Puts markers (frame, name) in place of those of the same kind."""
    remove(scene, kind)
    for frame, name in named:
        scene.timeline_markers.new(name, frame=frame).select = False


def remove(scene: bpy.types.Scene, kind: Kind) -> None:
    for marker in of_kind(scene, kind):
        scene.timeline_markers.remove(marker)
