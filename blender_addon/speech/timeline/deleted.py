"""Heads that were deleted while strips named them: Blender keeps whatever something points to, their avatars too."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import bpy
from bpy.app.handlers import persistent

from ...properties import speaker_properties, strip_properties


@persistent
def let_go(*_: object) -> None:
    """Handler before a file is saved: strips, and what nodded for them, let go of heads that no collection holds.

    Strips keep the name, so that undo, or a head of that name, gives them their speaker back.
    """
    gone: dict[bpy.types.Object, None] = {}
    for owner, name in _pointers():
        head = getattr(owner, name)
        if head is not None and head.library is None and not head.users_collection and not head.use_fake_user:
            gone[head] = None
            if name == "speaker":
                spoken_by = owner.spoken_by or head.name
                owner.speaker = None
                owner.spoken_by = spoken_by
            else:
                setattr(owner, name, None)
    for head in gone:
        if head.users == 0:
            bpy.data.objects.remove(head)


def _pointers() -> Iterator[tuple[Any, str]]:
    """Everything of ours that points to a head: whose property, and its name."""
    for scene in bpy.data.scenes:
        if scene.library is None and scene.sequence_editor:
            yield from ((strip_properties(strip), "speaker") for strip in scene.sequence_editor.strips_all)
    for ob in bpy.data.objects:
        if ob.library is None:
            yield speaker_properties(ob), "nods_for"


def add() -> None:
    bpy.app.handlers.save_pre.append(let_go)


def remove() -> None:
    bpy.app.handlers.save_pre.remove(let_go)
