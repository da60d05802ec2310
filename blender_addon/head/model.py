"""Heads as the other rooms see them: which objects are heads, their rigs, and their weights.

Reads data only; nothing here talks to the engine.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeGuard, cast

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.rig import Rig

from ..properties import head_properties, original_of

if TYPE_CHECKING:
    import bpy

MAX_RIG_TEXT = 4_000_000
MAX_TRAINING_TEXT = 100_000
_ADDED = " + expressions"
CONSENT_STATUSES = ("self", "signed", "synthetic", "unknown")


def is_head(ob: bpy.types.Object | None) -> TypeGuard[bpy.types.Object]:
    """A mesh object that carries a rig; true also where its avatar or its shape keys were lost."""
    return ob is not None and ob.type == "MESH" and bool(head_properties(ob).rig)


def has_controls(ob: bpy.types.Object | None) -> TypeGuard[bpy.types.Object]:
    """A head that can be moved; imported splats are heads without controls."""
    return is_head(ob) and head_properties(ob).rig != "[]"


def heads(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The scene's heads, by name."""
    return sorted((ob for ob in scene.objects if is_head(ob)), key=lambda ob: ob.name)


def rig_of(ob: bpy.types.Object) -> Rig:
    """The rig of a head. Equal texts are parsed once, so this is cheap enough for drawing and rendering.

    Raises:
        DGTalkerError: the object is no head, or its rig is damaged.
    """
    if not is_head(ob):
        raise DGTalkerError(f"{ob.name} is not a Gaussian head.", "Add one with Add ▸ Gaussian Head.")
    try:
        return _parse_rig(head_properties(ob).rig)
    except DGTalkerError as error:
        raise DGTalkerError(
            f"The controls of {ob.name} are damaged: {error.message}", "Add the head again from its .dgt file."
        ) from error


@lru_cache(maxsize=64)
def _parse_rig(text: str) -> Rig:
    if len(text) > MAX_RIG_TEXT:
        raise DGTalkerError("there are too many of them.")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DGTalkerError("they are not JSON.") from error
    if not isinstance(data, list):
        raise DGTalkerError("they are not a list.")
    return Rig.from_json(data)


def consent_of(ob: bpy.types.Object) -> dict[str, str]:
    """The consent record of a head; `status` is always there, and `unknown` where the record is missing or damaged."""
    try:
        data = json.loads(head_properties(ob).consent)
    except (ValueError, RecursionError):
        data = None
    record = {str(name): str(value) for name, value in data.items()} if isinstance(data, dict) else {}
    if record.get("status") not in CONSENT_STATUSES:
        record["status"] = "unknown"
    return record


@dataclass(frozen=True, kw_only=True)
class Training:
    """How an avatar was trained from footage; docs/dgt.md says what the figures mean.

    Attributes:
        system, version: what made it.
        frames, clip_seconds: of the footage.
        psnr, lip_error: of the file against what was trained; None where they were not measured.
        unsupported: controls that the footage never shows.
    """

    system: str
    version: str
    frames: int
    clip_seconds: float
    psnr: float | None
    lip_error: float | None
    unsupported: frozenset[str]


def training_of(ob: bpy.types.Object) -> Training | None:
    """How a head was trained; None where it was made otherwise, or the record is damaged."""
    return _parse_training(head_properties(ob).training)


@lru_cache(maxsize=64)
def _parse_training(text: str) -> Training | None:
    if len(text) > MAX_TRAINING_TEXT:
        return None
    try:
        data = json.loads(text)
        bake = data.get("bake", {})
        return Training(
            system=str(data["system"]),
            version=str(data["version"]),
            frames=int(data["frames"]),
            clip_seconds=float(data["clip_seconds"]),
            psnr=_figure(bake, "psnr"),
            lip_error=_figure(bake, "lip_error"),
            unsupported=frozenset(map(str, data.get("unsupported", ()))),
        )
    except (ValueError, RecursionError, TypeError, KeyError, AttributeError, OverflowError):
        return None


def _figure(data: dict[str, Any], key: str) -> float | None:
    return float(data[key]) if data.get(key) is not None else None


def mesh_of(ob: bpy.types.Object) -> bpy.types.Mesh:
    """The mesh of an object that is one."""
    return cast("bpy.types.Mesh", ob.data)


def key_of(ob: bpy.types.Object) -> bpy.types.Key | None:
    """The Key datablock whose key blocks are the head's sliders, not evaluated."""
    return mesh_of(ob).shape_keys


def missing_controls(ob: bpy.types.Object) -> tuple[str, ...]:
    """Controls of the rig for which the head has no shape key (renamed or deleted), in the rig's order."""
    key = key_of(ob)
    present = {block.name for block in key.key_blocks} if key else set()
    return tuple(name for name in rig_of(ob).names if name not in present)


def added_name(control: str) -> str:
    """The shape key that adds to a control what whole expressions do with it; see `expression_sliders`."""
    return f"{control}{_ADDED}"


def weights_of(key: bpy.types.Key | None, rig: Rig) -> dict[str, float]:
    """The values of the rig's controls in a Key, evaluated or not, by name, with what expressions add to them.

    Controls without a key block, and muted ones, are left out: they stay at their default (`Rig.weights`).
    """
    if key is None:
        return {}
    names = set(rig.names)
    weights: dict[str, float] = {}
    for block in key.key_blocks:
        control = block.name.removesuffix(_ADDED)
        if control in names and not block.mute:
            weights[control] = weights.get(control, 0.0) + block.value
    return weights


def evaluated_weights(ob: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> dict[str, float]:
    """The weights of a head as animation, NLA and drivers leave them; `ob` may be evaluated or original."""
    original = original_of(ob)
    key = key_of(original)
    evaluated: Any = key.evaluated_get(depsgraph) if key else None
    return weights_of(evaluated, rig_of(original))


def locked_reason(ob: bpy.types.Object) -> str:
    """Why a head's sliders and head rotation cannot be moved or keyed so that it is saved; empty when they can."""
    if ob.library is not None:
        return f"{ob.name} is linked from another file: choose Object ▸ Library Override ▸ Make first."
    if ob.override_library is not None and ob.override_library.is_system_override:
        return f"{ob.name} is a locked library override: select it and choose Object ▸ Library Override ▸ Make."
    key = key_of(ob)
    if key is None:
        return f"{ob.name} has no shape keys: restore its controls first."
    if not key.is_editable:
        return f"The mesh of {ob.name} is still linked: press Make Sliders Editable first."
    return ""


def mesh_locked_reason(ob: bpy.types.Object) -> str:
    """Why shape keys cannot be added to a head; empty when they can."""
    if ob.library is not None:
        return f"{ob.name} is linked from another file: restore its controls there."
    mesh = mesh_of(ob)
    if mesh.library is not None or mesh.override_library is not None:
        return f"The mesh of {ob.name} belongs to another file: press Make Sliders Editable first."
    if ob.mode == "EDIT":
        return "Leave Edit Mode first."
    return ""
