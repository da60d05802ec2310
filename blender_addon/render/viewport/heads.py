"""The heads of a scene as its viewports show them: read once for each change, whatever is looked at from where."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np

from dgtalker_engine.wire.moments import ShotHead

from ...bridge import avatars
from ...head import model
from ...properties import head_properties
from .. import shot
from .feed import Wanted
from .view import View

Key = tuple[str, str | None]
"""An object's name and its library, as `bpy.data.objects` finds it: objects themselves do not survive an undo."""

_SOLID = ("TEXTURED", "SOLID")
"""Display types that show surfaces: who chooses another for a head wants to see that."""
_PICTURED = ("OBJECT", "POSE")
"""Modes in which a head is looked at; in all others its mesh is worked on."""
_DATA = tuple(
    getattr(bpy.types, name)
    for name in ("Action", "Armature", "Camera", "Curve", "Key", "Light", "Material", "Mesh", "NodeTree")
)
"""Types of what objects are made of."""


@dataclass(frozen=True)
class ReadHead:
    """One head where the scene has it.

    Attributes:
        key: of the head.
        placed: key of what puts it there.
        avatar: content hash.
        head: for a Shot, with the avatar's index still to be set.
    """

    key: Key
    placed: Key
    avatar: str
    head: ShotHead


@dataclass(frozen=True)
class ReadScene:
    """What `read` found: heads that can be drawn, and those whose avatar has to be opened first."""

    heads: tuple[ReadHead, ...]
    unopened: tuple[Key, ...]


def key_of(ob: bpy.types.Object) -> Key:
    return ob.name, ob.library.filepath if ob.library else None


def object_of(key: Key) -> bpy.types.Object | None:
    """The object, while it is there."""
    objects: Any = bpy.data.objects
    return objects.get(key)


def may_change(depsgraph: bpy.types.Depsgraph) -> bool:
    """Whether an evaluation may change what `read` finds: in scenes of thousands of objects, that takes a while."""
    updates = depsgraph.updates
    return not len(updates) or any(_may_change(update.id) for update in updates)  # none is said of what is removed


def _may_change(updated: bpy.types.ID | None) -> bool:
    if not isinstance(updated, bpy.types.Object):  # objects that data belong to are updated with them
        return not isinstance(updated, _DATA)
    # Blender does not call those instancers whose instances geometry nodes make.
    nodes = any(modifier.type == "NODES" for modifier in updated.modifiers)
    return model.is_head(updated) or updated.type == "LIGHT" or updated.is_instancer or nodes


def read(depsgraph: bpy.types.Depsgraph) -> ReadScene:
    """The heads that an evaluated view layer shows, as F12 would draw them.

    Raises:
        DGTalkerError: as `shot.seen_heads`.
    """
    seen, _warnings = shot.seen_heads(depsgraph)
    seen = [each for each in seen if each.object.display_type in _SOLID and each.object.mode in _PICTURED]
    there = [each for each in seen if head_properties(each.object).avatar is not None]
    opened = [each for each in there if avatars.is_open(each.object)]
    hashes, heads, _warnings = shot.placed_heads(opened, depsgraph)
    found = zip(opened, heads, strict=True)
    return ReadScene(
        tuple(ReadHead(key_of(each.object), key_of(each.placed), hashes[head.avatar], head) for each, head in found),
        tuple(dict.fromkeys(key_of(each.object) for each in there if each not in opened)),
    )


def wanted(scene: ReadScene, view: View, space: bpy.types.SpaceView3D, with_holes: bool) -> Wanted:
    """What a viewport should show: local view and local collections leave some heads out.

    Args:
        with_holes: whether heads that are holdouts leave holes in others; where not, their meshes are shown.
    """
    there = [each for each in scene.heads if with_holes or not each.head.holdout]
    placed = [object_of(each.placed) for each in there]
    seen = [each for each, ob in zip(there, placed, strict=True) if ob and ob.visible_in_viewport_get(space)]
    index: dict[str, int] = {}
    heads = []
    for each in seen:
        matrix = each.head.matrix
        if view.shear is not None:
            before = np.reshape(view.shear, (4, 4))
            matrix = tuple((before @ np.reshape(matrix, (4, 4))).ravel().tolist())
        heads.append(replace(each.head, avatar=index.setdefault(each.avatar, len(index)), matrix=matrix))
    pictured = frozenset(each.key for each in seen if not each.head.holdout)
    return Wanted(view, tuple(index), tuple(heads), pictured)
