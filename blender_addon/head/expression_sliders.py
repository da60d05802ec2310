"""Sliders of whole expressions, which add to a head's own: each a shape key that moves nothing itself.

What they add to a control is a driven shape key beside it, of the same shape, which never takes the two beyond the
control's range. So the mesh shows it, `model.weights_of` counts it, and what speech and hand keys do to the control
itself stays theirs. A head gets them when they are asked for: Blender evaluates their drivers on every frame.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance.expressions import PROTOTYPES
from dgtalker_engine.rig import Control, Rig

from . import correctives, model


def offered(rig: Rig) -> tuple[str, ...]:
    """The expressions that a rig can show any of."""
    names = set(rig.names)
    return tuple(name for name, each in PROTOTYPES.items() if name not in names and names & each.weights.keys())


def slider_rig(ob: bpy.types.Object) -> Rig:
    """The sliders of a head: the expressions that it has, then its controls.

    Raises:
        DGTalkerError: as `model.rig_of`.
    """
    rig = model.rig_of(ob)
    there = _names(ob)
    return Rig((*(Control(name, "expression") for name in offered(rig) if name in there), *rig.controls))


def missing(ob: bpy.types.Object, rig: Rig) -> tuple[str, ...]:
    """The expressions that a head of this rig could have and has not."""
    there = _names(ob)
    return tuple(name for name in offered(rig) if name not in there)


def add(ob: bpy.types.Object, rig: Rig) -> tuple[str, ...]:
    """Adds the expressions that a head lacks, at rest, and returns their names.

    Args:
        ob: the head, with the shape keys of its controls and its correctives.
        rig: the avatar's controls.

    Raises:
        DGTalkerError: the mesh cannot be changed.
    """
    reason = model.mesh_locked_reason(ob) or model.locked_reason(ob)
    if reason:
        raise DGTalkerError(reason)
    names = missing(ob, rig)
    key = model.key_of(ob)
    assert key is not None
    for name in names:
        _add_key(ob, name, key.reference_key, 1.0)
    follow(ob, rig)
    return names


def follow(ob: bpy.types.Object, rig: Rig) -> None:
    """Lets a head's expressions, if it has any, add to all of its controls that are there."""
    key = model.key_of(ob)
    assert key is not None
    expressions = [name for name in offered(rig) if name in key.key_blocks]
    if not expressions:
        return
    for control in rig.controls:
        shares = {name: PROTOTYPES[name].weights.get(control.name, 0.0) for name in expressions}
        shares = {name: share for name, share in shares.items() if share}
        source = key.key_blocks.get(control.name)
        if shares and source is not None:
            added = model.added_name(control.name)
            block = key.key_blocks.get(added) or _add_key(ob, added, source, control.maximum)
            _drive(key, block, control, shares)
    correctives.drive_again(key)


def _names(ob: bpy.types.Object) -> set[str]:
    key = model.key_of(ob)
    return {block.name for block in key.key_blocks} if key else set()


def _add_key(ob: bpy.types.Object, name: str, shape: bpy.types.ShapeKey, most: float) -> bpy.types.ShapeKey:
    points = np.empty(3 * len(shape.points), np.float32)
    shape.points.foreach_get("co", points)
    block = ob.shape_key_add(name=name, from_mix=False)
    block.points.foreach_set("co", points)
    block.slider_min, block.slider_max = 0.0, most
    block.value = 0.0
    return block


def _drive(key: bpy.types.Key, block: bpy.types.ShapeKey, control: Control, shares: dict[str, float]) -> None:
    """Lets a key be what expressions add to a control."""
    block.driver_remove("value")
    curve: Any = block.driver_add("value")
    driver = curve.driver
    driver.type = "SCRIPTED"
    total = " + ".join(f"{share:g} * e{i}" for i, share in enumerate(shares.values()))
    # of functions that are worked out without Python, so that no file asks for permission to run scripts
    driver.expression = f"max(0, min({control.maximum:g} - w, {total}))"
    correctives.add_variable(driver, "w", key, control.name)
    for i, name in enumerate(shares):
        correctives.add_variable(driver, f"e{i}", key, name)
