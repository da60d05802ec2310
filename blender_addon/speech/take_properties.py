"""Takes of a line that were kept, and where they are used: entries of `strip.dgtalker`."""

from __future__ import annotations

import bpy


class KeptTake(bpy.types.PropertyGroup):
    """See `takes.kept_takes`. How it is called is its `name`."""

    number: bpy.props.IntProperty(options=set())
    """By which ranges know it, whatever its place and its name."""
    data: bpy.props.StringProperty(options=set())
    """`takes.recordings.to_text` of a Performance."""
    begins: bpy.props.FloatProperty(options=set())
    """The second of the strip's sound file at which it begins."""
    retiming: bpy.props.StringProperty(options=set())
    """`sound_identity.retiming` when it was kept, as JSON."""


class UsedTake(bpy.types.PropertyGroup):
    """See `takes.used_takes`."""

    start: bpy.props.FloatProperty(options=set())
    end: bpy.props.FloatProperty(options=set())
    take: bpy.props.IntProperty(options=set())


CLASSES = (KeptTake, UsedTake)
