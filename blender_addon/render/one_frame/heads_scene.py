"""The second scene, in which the engine DGTALKER renders the heads of a scene: it holds the same collections, and
follows its main scene in everything that the picture of a head depends on."""

from __future__ import annotations

import json
from typing import Any

import bpy

from ...head import model
from ..passes import SWITCHES
from ..scene_pairs import main_of, one_frame, set_engine
from . import marking, nodes

_RENDER = (
    "resolution_x",
    "resolution_y",
    "resolution_percentage",
    "pixel_aspect_x",
    "pixel_aspect_y",
    "use_border",
    "border_min_x",
    "border_max_x",
    "border_min_y",
    "border_max_y",
    "use_crop_to_border",
    "fps",
    "fps_base",
    "frame_map_old",
    "frame_map_new",
    "filter_size",
    "use_motion_blur",
    "motion_blur_shutter",
    "motion_blur_position",
    "use_simplify",
    "simplify_subdivision_render",
    "simplify_child_particles_render",
    "use_multiview",
    "views_format",
)
_SCENE = ("camera", "world", "frame_start", "frame_end")
_LAYER = ("use", "material_override", "use_motion_blur", *SWITCHES)
_COLLECTION = ("exclude", "holdout", "indirect_only")


def make(main: bpy.types.Scene) -> bpy.types.Scene:
    """A new scene for the heads of `main`, in step with it."""
    scene = bpy.data.scenes.new(f"{main.name} Heads")
    set_engine(scene, "DGTALKER")
    scene.render.film_transparent = True
    scene.render.use_compositing = scene.render.use_sequencer = False
    one_frame(main).heads, one_frame(scene).main = scene, main
    follow(main)
    return scene


def follow(main: bpy.types.Scene) -> None:
    """Bring the heads' scene of `main` in step with it, and hide heads that were added since from other engines.

    Writes only what differs: it is called for every frame, where somebody may be looking.
    """
    scene = one_frame(main).heads
    if scene is None or main_of(scene) != main:
        return
    _copy(main.render, scene.render, _RENDER)
    _copy(main, scene, _SCENE)
    _link(main.collection, scene.collection)
    _follow_layers(main, scene)
    tree = nodes.tree_of(main)
    if tree is not None:
        nodes.follow(tree)
    hide_heads(main)
    _mark(main)


def hide_heads(main: bpy.types.Scene) -> None:
    """Leave the meshes of heads out of what cameras see in other engines; they throw shadows and are reflected."""
    for head in model.heads(main):
        if head.visible_camera and head.is_editable:
            head.visible_camera = False
            one_frame(main).hidden.add().object = head


def show_heads(main: bpy.types.Scene) -> None:
    """Undo `hide_heads`."""
    hidden = one_frame(main).hidden
    for each in hidden:
        if each.object is not None:
            each.object.visible_camera = True
    hidden.clear()


def _mark(main: bpy.types.Scene) -> None:
    settings = main.render
    own = marking.own_part(settings.stamp_note_text)
    text = marking.note(main, own if json.loads(one_frame(main).before or "{}").get("use_stamp_note") else "")
    if settings.stamp_note_text != text:
        settings.stamp_note_text = text
    if not settings.use_stamp_note:
        settings.use_stamp_note = True


def _copy(source: Any, target: Any, names: tuple[str, ...]) -> None:
    for name in names:
        value = getattr(source, name)
        if getattr(target, name) != value:
            setattr(target, name, value)


def _link(source: bpy.types.Collection, target: bpy.types.Collection) -> None:
    """Put into one scene's own collection what is in another's."""
    for theirs, ours in ((source.children, target.children), (source.objects, target.objects)):
        both: Any = ours
        there, here = set(theirs), set(ours)
        for thing in here - there:
            both.unlink(thing)
        for thing in there - here:
            both.link(thing)


def _follow_layers(main: bpy.types.Scene, scene: bpy.types.Scene) -> None:
    names = [layer.name for layer in main.view_layers]
    for name in names:
        if name not in scene.view_layers:
            scene.view_layers.new(name)
    for layer in list(scene.view_layers):
        if layer.name not in names:
            scene.view_layers.remove(layer)
    for theirs in main.view_layers:
        ours = scene.view_layers[theirs.name]
        for layer in (theirs, ours):
            _ = layer.objects.active  # Blender makes layer collections when somebody asks what they hold
        _copy(theirs, ours, _LAYER)
        if not ours.use_pass_z:
            ours.use_pass_z = True
        _follow_collections(theirs.layer_collection, ours.layer_collection)


def _follow_collections(theirs: bpy.types.LayerCollection, ours: bpy.types.LayerCollection) -> None:
    """From the outside in: what is excluded takes its children along."""
    _copy(theirs, ours, _COLLECTION)
    by_collection = {child.collection: child for child in ours.children}
    for child in theirs.children:
        if child.collection in by_collection:
            _follow_collections(child, by_collection[child.collection])
