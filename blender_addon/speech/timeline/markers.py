"""Our markers on a scene's timeline: showing, listing and removing them; the animator's own are never touched.

Blender 5 keeps nothing with a marker but its name and its frame, and the animator may use any name. So the scene
remembers what was put where: a marker that was moved or renamed since is the animator's.
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from collections.abc import Iterable
from typing import Any

import bpy

from ...properties import scene_properties
from .marker_names import Kind

Named = tuple[int, str]
"""Frame and name of a marker."""


def shown(scene: bpy.types.Scene, kind: Kind) -> bool:
    """Whether markers of a kind were put, and not removed since by us."""
    return kind in _record(scene_properties(scene).markers)


def indices(scene: bpy.types.Scene, kind: Kind) -> set[int]:
    """Which of the scene's markers are ours, of a kind."""
    return {i for i, _ in _ours(scene, kind)}


def of_kind(scene: bpy.types.Scene, kind: Kind) -> list[bpy.types.TimelineMarker]:
    """Our markers of a kind, by frame."""
    return sorted((marker for _, marker in _ours(scene, kind)), key=lambda marker: marker.frame)


def _ours(scene: bpy.types.Scene, kind: Kind) -> list[tuple[int, bpy.types.TimelineMarker]]:
    if not shown(scene, kind):
        return []
    left = Counter(_record(scene_properties(scene).markers)[kind])
    found: list[tuple[int, bpy.types.TimelineMarker]] = []
    # Of two that are the same ours is the later one: new markers come last.
    for i, marker in reversed(list(enumerate(scene.timeline_markers))):
        named = (marker.frame, marker.name)
        # a marker that switches cameras is somebody's, whatever its name
        if left[named] > 0 and marker.camera is None:
            left[named] -= 1
            found.append((i, marker))
    return found


def show(scene: bpy.types.Scene, kind: Kind, named: Iterable[Named]) -> None:
    """Puts markers in place of those of the same kind."""
    remove(scene, kind)
    put: list[Named] = []
    for frame, name in named:
        marker = scene.timeline_markers.new(name, frame=frame)
        marker.select = False
        put.append((frame, marker.name))  # Blender cuts long names
    if put:
        _remember(scene, {**_record(scene_properties(scene).markers), kind: put})


def remove(scene: bpy.types.Scene, kind: Kind) -> None:
    if not shown(scene, kind):
        return
    for _, marker in _ours(scene, kind):
        scene.timeline_markers.remove(marker)
    _remember(scene, {each: put for each, put in _record(scene_properties(scene).markers).items() if each != kind})


def _remember(scene: bpy.types.Scene, record: dict[str, Any]) -> None:
    scene_properties(scene).markers = json.dumps(record, separators=(",", ":")) if record else ""


@functools.lru_cache(maxsize=8)
def _record(text: str) -> dict[str, list[Named]]:
    """What was put, by kind; nothing where the property was tampered with."""
    try:
        return {
            kind: [(int(frame), str(name)) for frame, name in put] for kind, put in json.loads(text or "{}").items()
        }
    except (ValueError, TypeError, AttributeError, RecursionError, OverflowError):
        return {}
