"""Adding a head to the scene, and mending one that has lost controls."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import bpy

from dgtalker_engine.errors import DGTalkerError

from .. import systems
from ..bridge import avatars
from ..properties import head_properties, speaker_properties
from . import correctives, expression_sliders, mesh, model

BUILTIN_HEADS: tuple[tuple[str, str, str], ...] = (
    ("robin", "Robin", "A young lead with short brown hair, freckles and a roll-neck"),
    ("wren", "Wren", "A young woman with dark skin, big eyes and her hair in two curly puffs"),
    ("heron", "Heron", "An old man with a long face, a big nose, a moustache and a bow tie"),
)
"""Identifier, label and description of the heads that come with the engine."""


def add_head(
    context: bpy.types.Context,
    data: bytes | None = None,
    *,
    builtin: str = BUILTIN_HEADS[0][0],
    filepath: str = "",
    location: Sequence[float] | None = None,
) -> bpy.types.Object:
    """Add a Gaussian head and select it.

    Args:
        context: whose scene and collection get the head.
        data: a .dgt file; None for the built-in head.
        builtin: name of the built-in head, used where `data` is None.
        filepath: where `data` came from; remembered as the path of the packed file.
        location: of the head's pivot, between the ears; the 3D cursor by default.

    Raises:
        DGTalkerError: the avatar cannot be used, or there is no engine; nothing was added.
    """
    avatar = avatars.opened(avatars.submit_open(data, builtin), data, Path(filepath).name)
    return place_head(context, avatar, filepath=filepath, location=location)


def disabled_reason(context: bpy.types.Context) -> str:
    """Why no head can be added here; empty when one can."""
    if context.mode != "OBJECT":
        return "Go back to Object Mode first."
    if not context.collection.is_editable:
        return f"The collection {context.collection.name} is linked from another file: make another one active."
    return ""


def place_head(
    context: bpy.types.Context,
    avatar: avatars.OpenedAvatar,
    *,
    filepath: str = "",
    location: Sequence[float] | None = None,
) -> bpy.types.Object:
    """The part of `add_head` that changes the file: mesh, shape keys, packed avatar, object, selection."""
    reason = disabled_reason(context)
    if reason:
        raise DGTalkerError(reason)
    name = str(avatar.metadata["name"]) or "Head"
    data = mesh.build_mesh(name, avatar.proxy)
    ob = bpy.data.objects.new(name, data)
    add_shape_keys(ob, avatar, avatar.rig.names)
    properties = head_properties(ob)
    properties.avatar = pack_avatar(avatar, filepath)
    properties.avatar_hash = avatar.hash
    properties.rig = json.dumps(avatar.rig.to_json())
    properties.consent = json.dumps(avatar.metadata["consent"])
    properties.licence = str(avatar.metadata["licence"])
    properties.training = json.dumps(avatar.metadata.get("training") or {})
    # An override keeps changes only of what its library holds: untouched properties are not in the file.
    speaker_properties(ob).first = 0
    ob.location = context.scene.cursor.location if location is None else location
    context.collection.objects.link(ob)
    for other in context.selected_objects or ():
        other.select_set(False)
    ob.select_set(True)
    context.view_layer.objects.active = ob
    return ob


def pack_avatar(avatar: avatars.OpenedAvatar, filepath: str = "") -> bpy.types.Image:
    """The Image that carries the avatar, packed; heads of the same file share one."""
    for other in bpy.data.objects:
        if model.is_head(other) and head_properties(other).avatar_hash == avatar.hash:
            image = head_properties(other).avatar
            if image and not image.library and image.packed_file and bytes(image.packed_file.data) == avatar.file:
                return image
    name = f"{avatar.metadata['name']}.dgt"
    image = bpy.data.images.new(name, 1, 1)
    image.source = "FILE"
    image.filepath = filepath or f"//{bpy.path.clean_name(str(avatar.metadata['name']))}.dgt"
    image.pack(data=avatar.file, data_len=len(avatar.file))
    avatars.register(image.session_uid, avatar.hash)
    return image


def consent_lines(ob: bpy.types.Object) -> tuple[str, ...]:
    """What is known about whose face a head shows, line by line; the first line is about the status."""
    consent = model.consent_of(ob)
    status = {
        "self": "The maker's own face",
        "signed": "Consent was signed",
        "synthetic": "Synthetic: nobody's face",
        "unknown": "Consent unknown: ask first",
    }[consent["status"]]
    details = (("subject", "Shows"), ("scope", "For"), ("granted_by", "Granted by"), ("date", "Date"))
    known = [f"{label}: {consent[key]}" for key, label in details if consent.get(key)]
    licence = head_properties(ob).licence
    return (status, *known, f"Licence: {licence or 'unknown'}")


def training_lines(ob: bpy.types.Object) -> tuple[str, ...]:
    """How a head was trained, line by line; empty for one that was made otherwise."""
    training = model.training_of(ob)
    if training is None:
        return ()
    lines = [f"Made by {systems.label_of(training.system) or training.system}"]
    lines.append(f"From {training.frames} frames, {training.clip_seconds:.1f} s")
    if training.psnr is not None:
        lines.append(f"File against what was trained: {training.psnr:.1f} dB")
    if training.lip_error is not None:
        lines.append(f"Lips: {training.lip_error:.2f} px of 512")
    return (*lines, f"Version {training.version}")


def restore_controls(ob: bpy.types.Object) -> tuple[str, ...]:
    """Add the shape keys that a head has lost, at rest, and return their names; the others keep their animation.

    Raises:
        DGTalkerError: the head cannot be changed, its avatar is lost, or its mesh was edited.
    """
    image = avatars.avatar_of(ob)
    file = avatars.read(image)
    return restore_from(ob, avatars.opened(avatars.submit_open(file), file, image.name))


def restore_from(ob: bpy.types.Object, avatar: avatars.OpenedAvatar) -> tuple[str, ...]:
    """The part of `restore_controls` that changes the file."""
    reason = model.mesh_locked_reason(ob)
    if reason:
        raise DGTalkerError(reason)
    names = model.missing_controls(ob)
    add_shape_keys(ob, avatar, names)
    return names


def add_shape_keys(ob: bpy.types.Object, avatar: avatars.OpenedAvatar, names: Sequence[str]) -> None:
    """Add the shape keys of the controls `names`, and of all correctives that are not there."""
    deltas, count = avatar.proxy["deltas"], len(avatar.rig.controls)
    mesh.add_shape_keys(ob, avatar.rig, deltas[:count], names)
    correctives.add(ob, avatar.rig, deltas[count:], avatar.proxy["correctives"])
    expression_sliders.follow(ob, avatar.rig)


def make_editable(ob: bpy.types.Object) -> None:
    """Give a library-overridden head a mesh of its own, so that its sliders can be moved, keyed and saved.

    Blender's override of an object leaves its mesh linked, and forgets what is changed on it. The copy is only the
    proxy and its shape keys; the avatar stays in the other file.

    Raises:
        DGTalkerError: the object is still linked.
    """
    if ob.library is not None:
        raise DGTalkerError(model.locked_reason(ob))
    ob.data = model.mesh_of(ob).copy()
