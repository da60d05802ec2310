"""What a scene knows of the heads that are rendered with it: `scene.dgtalker_one_frame`."""

from __future__ import annotations

from typing import Any, Protocol

import bpy


class HiddenHead(bpy.types.PropertyGroup):
    """A head that the camera saw before."""

    object: bpy.props.PointerProperty(type=bpy.types.Object)


class OneFrameProperties(bpy.types.PropertyGroup):
    heads: bpy.props.PointerProperty(type=bpy.types.Scene, name="Heads' Scene")
    main: bpy.props.PointerProperty(type=bpy.types.Scene, name="Main Scene")
    hidden: bpy.props.CollectionProperty(type=HiddenHead)
    shared: bpy.props.PointerProperty(type=bpy.types.NodeTree)
    before: bpy.props.StringProperty()


class OneFrame(Protocol):
    """`OneFrameProperties` with types.

    Attributes:
        heads: of a main scene: the scene that renders its heads; None where they are not rendered with it.
        main: of a scene that renders heads: the scene that they are in.
        hidden: heads whose ray visibility for cameras was turned off.
        shared: the compositor's nodes that the main scene shares with others, and has a copy of meanwhile.
        before: JSON, the settings of the main scene to go back to.
    """

    heads: bpy.types.Scene | None
    main: bpy.types.Scene | None
    hidden: Any
    shared: bpy.types.NodeTree | None
    before: str


CLASSES: tuple[type, ...] = (HiddenHead, OneFrameProperties)


def one_frame(scene: bpy.types.Scene) -> OneFrame:
    owner: Any = scene
    return owner.dgtalker_one_frame


def set_engine(scene: bpy.types.Scene, identifier: str) -> None:
    """Give a scene to a render engine. Raises TypeError where there is none of that name."""
    settings: Any = scene.render
    settings.engine = identifier


def main_of(scene: bpy.types.Scene | None) -> bpy.types.Scene | None:
    """The scene for which `scene` renders heads; None for every other scene."""
    if scene is None:
        return None
    main = one_frame(scene).main
    return main if main is not None and one_frame(main).heads == scene else None
