"""Heads and scene in one picture: set up in one step, and undone in one."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError

from ...head import model
from ..scene_pairs import main_of, one_frame, set_engine
from . import heads_scene, nodes

_CHANGED = ("engine", "use_compositing", "use_stamp_note", "stamp_note_text")
"""Of a scene's render settings."""

ENGINES = {"CYCLES": "Cycles", "EEVEE": "EEVEE"}


def is_on(scene: bpy.types.Scene) -> bool:
    """Whether the heads of a scene are rendered with it."""
    heads = one_frame(scene).heads
    return heads is not None and main_of(heads) == scene


def has_lost_heads(scene: bpy.types.Scene) -> bool:
    """Whether somebody has deleted the scene that renders the heads of a scene; `turn_off` puts the rest back."""
    return one_frame(scene).heads is None and bool(one_frame(scene).before)


def disabled_reason(scene: bpy.types.Scene) -> str:
    """Why heads cannot be rendered with a scene; empty where they can."""
    if main_of(scene) is not None:
        return "This scene renders the heads of another: go back to that one."
    if not scene.is_editable:
        return "The scene is linked from another file."
    if not is_on(scene) and not model.heads(scene):
        return "There is no Gaussian head in the scene: add one with Add ▸ Gaussian Head."
    return ""


def turn_on(scene: bpy.types.Scene, engine: str, layer: str) -> None:
    """Render a scene with Cycles or EEVEE and its heads in one picture.

    Args:
        scene: the main scene.
        engine: a key of `ENGINES`.
        layer: of the scene, the view layer to show where the scene has no compositor's nodes.

    Raises:
        DGTalkerError: the compositor's nodes show no picture of this scene, or are turned off.
    """
    identifier = engine_identifier(engine)
    if is_on(scene):
        set_engine(scene, identifier)
        heads_scene.follow(scene)
        return
    if has_lost_heads(scene):
        turn_off(scene)
    owner: Any = scene
    old = bpy.app.version < (5, 0)
    tree = nodes.tree_of(scene)
    made = tree is None or (old and not owner.use_nodes)
    if made and tree is not None and not nodes.is_plain(tree):
        raise DGTalkerError(
            "The compositor's nodes are turned off.", "Turn on Use Nodes to render through them, or delete them."
        )
    if tree is not None and not old and tree.users > 1:
        one_frame(scene).shared = tree
        tree = owner.compositing_node_group = tree.copy()
    if tree is not None:
        nodes.remove(tree)  # what a scene that this one was copied from had
    before = {name: getattr(scene.render, name) for name in _CHANGED}
    copied = nodes.digest(tree) if one_frame(scene).shared is not None else ""
    one_frame(scene).before = json.dumps({**before, "made": made, "copied": copied})
    heads = heads_scene.make(scene)
    if made:
        nodes.make_tree(scene, layer)
    set_engine(scene, identifier)
    scene.render.use_compositing = True
    if not nodes.insert(scene, heads):
        turn_off(scene)
        raise DGTalkerError(
            "The compositor's nodes show no picture of this scene.", "Add a Render Layers node of it, or turn them off."
        )


def turn_off(scene: bpy.types.Scene) -> None:
    """Undo `turn_on`: everything is as it was, and what was changed since stays."""
    state = one_frame(scene)
    before = json.loads(state.before or "{}")
    tree: Any = nodes.tree_of(scene)
    if tree is not None:
        nodes.remove(tree)
        if state.shared is not None:
            if nodes.digest(tree) == before.get("copied"):  # else the copy is somebody's work by now
                owner: Any = scene
                owner.compositing_node_group = state.shared
                bpy.data.node_groups.remove(tree)
            state.shared = None
        elif before.get("made") and len(tree.nodes) <= 2:
            _remove_tree(scene, tree)
    heads_scene.show_heads(scene)
    heads, state.heads, state.before = state.heads, None, ""
    if heads is not None and one_frame(heads).main == scene:
        bpy.data.scenes.remove(heads)
    for name in _CHANGED:
        if name in before:
            with contextlib.suppress(TypeError):  # an engine whose extension is gone by now
                setattr(scene.render, name, before[name])


def still_seen(scene: bpy.types.Scene) -> list[str]:
    """Names of heads whose meshes cannot be taken out of what cameras see."""
    return [head.name for head in model.heads(scene) if head.visible_camera]


def engine_identifier(engine: str) -> str:
    """Blender's name for one of `ENGINES`."""
    if engine == "EEVEE":
        return "BLENDER_EEVEE" if bpy.app.version >= (5, 0) else "BLENDER_EEVEE_NEXT"
    return "CYCLES"


def _remove_tree(scene: bpy.types.Scene, tree: Any) -> None:
    owner: Any = scene
    if bpy.app.version >= (5, 0):
        owner.compositing_node_group = None
        if not tree.users:
            bpy.data.node_groups.remove(tree)
    else:
        tree.nodes.clear()
        owner.use_nodes = False
