"""What a head carries inside the .blend: its avatar and what was read from it, on `object.dgtalker`.

All of it is untrusted: a .blend may come from anywhere. Nothing is started or read when a file is opened;
`head.model` parses the strings when they are needed.
"""

from __future__ import annotations

import bpy


class HeadProperties(bpy.types.PropertyGroup):
    """A head's avatar: `object.dgtalker`."""

    avatar: bpy.props.PointerProperty(  # type: ignore[valid-type]
        name="Avatar",
        description="The .dgt file of this head, packed into the .blend as the bytes of an image",
        type=bpy.types.Image,
        override={"LIBRARY_OVERRIDABLE"},
    )
    avatar_hash: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Avatar Hash", description="Hash of the avatar's content", override={"LIBRARY_OVERRIDABLE"}
    )
    rig: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Rig", description="The avatar's controls, as JSON", override={"LIBRARY_OVERRIDABLE"}
    )
    consent: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Consent",
        description="Who is shown, and who agreed to it, as JSON",
        override={"LIBRARY_OVERRIDABLE"},
    )
    licence: bpy.props.StringProperty(  # type: ignore[valid-type]
        name="Licence", description="Under which terms the avatar may be used", override={"LIBRARY_OVERRIDABLE"}
    )


def add() -> None:
    bpy.types.Object.dgtalker = bpy.props.PointerProperty(  # type: ignore[attr-defined]
        type=HeadProperties, override={"LIBRARY_OVERRIDABLE"}
    )
    bpy.types.WindowManager.dgtalker_search = bpy.props.StringProperty(  # type: ignore[attr-defined]
        name="Search",
        description="Shows the sliders that fit, for instance: smile left",
        options={"TEXTEDIT_UPDATE", "SKIP_SAVE"},
    )


def remove() -> None:
    del bpy.types.WindowManager.dgtalker_search  # type: ignore[attr-defined]
    del bpy.types.Object.dgtalker  # type: ignore[attr-defined]
