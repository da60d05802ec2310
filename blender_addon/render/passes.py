"""What a view layer may have besides the picture, as a Shot has it: the engine makes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import bpy
import numpy as np

from dgtalker_engine.wire import HeadLabel, PassInputs, ShotMist, ShotPass
from dgtalker_engine.wire.passes import alpha_name

from ..head import model

SWITCHES = (
    "use_pass_mist",
    "use_pass_position",
    "use_pass_normal",
    "use_pass_vector",
    "use_pass_object_index",
    "use_pass_material_index",
    "use_pass_cryptomatte_object",
    "pass_cryptomatte_depth",
)
"""Properties of a view layer."""

HELD_OUT = ShotPass("Held Out", "X", "held_out")
"""What the heads' scene gives the compositor besides: how much of each pixel heads that are holdouts cover."""

_NEW = bpy.app.version >= (5, 0)
_OBJECT_INDEX = "Object Index" if _NEW else "IndexOB"
_MATERIAL_INDEX = "Material Index" if _NEW else "IndexMA"
_SOCKETS: dict[str, Literal["VALUE", "VECTOR", "COLOR"]] = {
    "position": "VECTOR",
    "normal": "VECTOR",
    "vector": "VECTOR",
    "cryptomatte": "COLOR",
}


def asked(layer: bpy.types.ViewLayer, scene: bpy.types.Scene) -> tuple[ShotPass, ...]:
    """The passes of a view layer besides Combined."""
    passes: list[ShotPass] = []
    if layer.use_pass_z:
        passes.append(ShotPass("Depth", "Z", "depth"))
    if layer.use_pass_mist:
        passes.append(ShotPass("Mist", "Z", "mist"))
    if layer.use_pass_position:
        passes.append(ShotPass("Position", "XYZ", "position"))
    if layer.use_pass_normal:
        passes.append(ShotPass("Normal", "XYZ", "normal"))
    if layer.use_pass_vector:
        passes.append(ShotPass("Vector", "XYZW", "vector"))
    if layer.use_pass_object_index:
        passes.append(ShotPass(_OBJECT_INDEX, "X", "object_index"))
        names = dict.fromkeys(alpha_name(head.name) for head in model.heads(scene))
        passes += [ShotPass(name, "X", "alpha") for name in names]
    if layer.use_pass_material_index:
        passes.append(ShotPass(_MATERIAL_INDEX, "X", "material_index"))
    if layer.use_pass_cryptomatte_object:
        # Small letters keep the numbers that stand for names from becoming half floats.
        count = -(-layer.pass_cryptomatte_depth // 2)
        passes += [ShotPass(f"CryptoObject{i:02}", "rgba", "cryptomatte") for i in range(count)]
    return tuple(passes)


def socket(each: ShotPass) -> Literal["VALUE", "VECTOR", "COLOR"]:
    """What a pass is for Blender's compositor."""
    return _SOCKETS.get(each.kind, "VALUE")


def inputs(depsgraph: bpy.types.Depsgraph, heads: Sequence[bpy.types.Object], shear: np.ndarray | None) -> PassInputs:
    """What passes need of the frame that is evaluated.

    Args:
        heads: that are seen, in order, original.
        shear: of `camera.shot_camera`.
    """
    return PassInputs(
        labels=tuple(_label(head, head.evaluated_get(depsgraph)) for head in heads),
        mist=_mist(depsgraph.view_layer_eval.world_override or depsgraph.scene_eval.world),
        shear=() if shear is None else tuple(np.asarray(shear, np.float64).ravel().tolist()),
    )


def _label(head: bpy.types.Object, evaluated: bpy.types.Object) -> HeadLabel:
    material = evaluated.material_slots[0].material if evaluated.material_slots else None
    return HeadLabel(head.name, evaluated.pass_index, material.pass_index if material is not None else 0)


def _mist(world: bpy.types.World | None) -> ShotMist:
    if world is None:
        return ShotMist()
    settings: Any = world.mist_settings
    return ShotMist(start=settings.start, depth=settings.depth, falloff=settings.falloff)
