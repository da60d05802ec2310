"""What a head carries inside the .blend: its avatar and what was read from it, on `object.dgtalker`.

All of it is untrusted: a .blend may come from anywhere. Nothing is started or read when a file is opened;
`head.model` parses the strings when they are needed.
"""

from __future__ import annotations

from typing import Any

import bpy


class HeadPropertyGroup(bpy.types.PropertyGroup):
    """A head's avatar: `object.dgtalker`; `blender_addon.properties` knows the types."""

    avatar: bpy.props.PointerProperty(
        name="Avatar",
        description="The .dgt file of this head, packed into the .blend as the bytes of an image",
        type=bpy.types.Image,
        override={"LIBRARY_OVERRIDABLE"},
    )
    avatar_hash: bpy.props.StringProperty(
        name="Avatar Hash", description="Hash of the avatar's content", override={"LIBRARY_OVERRIDABLE"}
    )
    rig: bpy.props.StringProperty(
        name="Rig", description="The avatar's controls, as JSON", override={"LIBRARY_OVERRIDABLE"}
    )
    consent: bpy.props.StringProperty(
        name="Consent",
        description="Who is shown, and who agreed to it, as JSON",
        override={"LIBRARY_OVERRIDABLE"},
    )
    licence: bpy.props.StringProperty(
        name="Licence", description="Under which terms the avatar may be used", override={"LIBRARY_OVERRIDABLE"}
    )
    training: bpy.props.StringProperty(
        name="Training",
        description="From which footage the avatar was made, and what that does not show, as JSON",
        override={"LIBRARY_OVERRIDABLE"},
    )
    scene_light: bpy.props.FloatProperty(
        name="Scene Light",
        description="How much the scene's lamps and world light the head, instead of the light that it was made in",
        subtype="FACTOR",
        min=0.0,
        max=1.0,
        override={"LIBRARY_OVERRIDABLE"},
    )


CLASSES = (HeadPropertyGroup,)


def add() -> None:
    ob: Any = bpy.types.Object
    ob.dgtalker = bpy.props.PointerProperty(type=HeadPropertyGroup, override={"LIBRARY_OVERRIDABLE"})
    manager: Any = bpy.types.WindowManager
    manager.dgtalker_search = bpy.props.StringProperty(
        name="Search",
        description="Shows the sliders that fit, for instance: smile left",
        options={"TEXTEDIT_UPDATE", "SKIP_SAVE"},
    )


def remove() -> None:
    manager: Any = bpy.types.WindowManager
    del manager.dgtalker_search
    ob: Any = bpy.types.Object
    del ob.dgtalker
