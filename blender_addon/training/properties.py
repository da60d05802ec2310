"""What is typed in before a training starts, `window_manager.dgtalker_from_video`, and which heads a scene waits for.

The form belongs to the window, not to the file: nobody's consent goes into a .blend that has no head of theirs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy

from .. import systems
from . import request


def _video_chosen(form: Any, context: bpy.types.Context) -> None:
    """Another video, another face: consent is given anew."""
    for name in ("status", "subject", "scope", "granted_by"):
        form.property_unset(name)
    form.name = request.name_of(request.source_of(Path(bpy.path.abspath(form.video)))) if form.video else ""


class FromVideoPropertyGroup(bpy.types.PropertyGroup):
    """The form of `training.form`."""

    video: bpy.props.StringProperty(
        name="Video",
        description="A video of one person who talks into the camera, or a file of a Clip's folder",
        subtype="FILE_PATH",
        update=_video_chosen,
    )
    system: bpy.props.EnumProperty(name="System", description="What makes the head", items=systems.ITEMS)
    name: bpy.props.StringProperty(name="Name", description="Of the head, and of its .dgt file")
    folder: bpy.props.StringProperty(
        name="Folder",
        description="Where the .dgt file goes; empty: beside the .blend, or beside the video where that is not saved",
        subtype="DIR_PATH",
    )
    status: bpy.props.EnumProperty(
        name="Consent", description="Whose face the video shows: it is kept in the head's file", items=request.STATUSES
    )
    subject: bpy.props.StringProperty(name="Shows", description="The person's name, or what the face is")
    scope: bpy.props.StringProperty(name="For", description="What the head may be used for")
    granted_by: bpy.props.StringProperty(name="Granted By", description="Who stands for this")
    add_when_done: bpy.props.BoolProperty(
        name="Add Head When Done",
        description="Add the head to this scene once it is made, if this file is open then",
        default=True,
    )


CLASSES = (FromVideoPropertyGroup,)


def add() -> None:
    manager: Any = bpy.types.WindowManager
    manager.dgtalker_from_video = bpy.props.PointerProperty(type=FromVideoPropertyGroup, options={"SKIP_SAVE"})
    scene: Any = bpy.types.Scene
    scene.dgtalker_awaited = bpy.props.StringProperty(
        name="Awaited Heads", description="The jobs whose heads are added to this scene when they are done"
    )


def remove() -> None:
    scene: Any = bpy.types.Scene
    del scene.dgtalker_awaited
    manager: Any = bpy.types.WindowManager
    del manager.dgtalker_from_video
