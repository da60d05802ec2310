"""Shape keys that mend what sums of others break: each is driven by the product of its controls' values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import bpy
import numpy as np

from dgtalker_engine.rig import Rig

from .. import animation_data
from . import model

MOST_BYTES = 63
"""What Blender keeps of a shape key's name."""

_FACTOR = r"(w\d+|\(w\d+ \+ a\d+\))"
_PRODUCT = re.compile(rf"{_FACTOR}( \* {_FACTOR})+")


def names_of(rig: Rig, indices: np.ndarray) -> list[tuple[str, ...]]:
    """The controls of each corrective; `indices` i4 (K, n) as `open_avatar` answers."""
    return [tuple(rig.names[index] for index in row if index >= 0) for row in indices]


def key_name(controls: Sequence[str], number: int) -> str:
    """``jawOpen × mouthClose``, or a number where that is too long for a shape key."""
    name = " × ".join(controls)
    return name if len(name.encode()) <= MOST_BYTES else f"Corrective {number}"


def add(ob: bpy.types.Object, rig: Rig, deltas: np.ndarray, indices: np.ndarray) -> None:
    """Add the correctives that the head has not, and let all of them follow their controls.

    Args:
        ob: the head, with the shape keys of its controls.
        rig: the avatar's controls.
        deltas: float32 (K, V, 3).
        indices: i4 (K, n), see `names_of`.
    """
    key = model.key_of(ob)
    assert key is not None
    limits = {control.name: (control.minimum, control.maximum) for control in rig.controls}
    basis = np.empty(deltas.shape[1] * 3, np.float32)
    key.reference_key.points.foreach_get("co", basis)
    present = {block.name: block for block in key.key_blocks}
    for number, controls in enumerate(names_of(rig, indices)):
        name = key_name(controls, number)
        block = present.get(name)
        if block is None:
            block = ob.shape_key_add(name=name, from_mix=False)
            block.points.foreach_set("co", basis + deltas[number].ravel())
            _set_range(block, [limits[control] for control in controls])
        _drive(key, block, controls)


def _set_range(block: bpy.types.ShapeKey, limits: Sequence[tuple[float, float]]) -> None:
    least, most = 1.0, 1.0
    for low, high in limits:
        ends = (least * low, least * high, most * low, most * high)
        least, most = min(ends), max(ends)
    block.slider_min, block.slider_max = -10.0, max(most, 0.0)
    block.slider_min = min(least, 0.0)
    block.value = 0.0


def _drive(key: bpy.types.Key, block: bpy.types.ShapeKey, controls: Sequence[str]) -> None:
    block.driver_remove("value")
    curve: Any = block.driver_add("value")
    driver = curve.driver
    driver.type = "SCRIPTED"
    factors = []
    for i, control in enumerate(controls):
        add_variable(driver, f"w{i}", key, control)
        added = model.added_name(control)
        if added in key.key_blocks:
            add_variable(driver, f"a{i}", key, added)
        factors.append(f"(w{i} + a{i})" if added in key.key_blocks else f"w{i}")
    # products of numbers are worked out without Python, so that no file asks for permission to run scripts
    driver.expression = " * ".join(factors)


def add_variable(driver: Any, name: str, key: bpy.types.Key, block: str) -> None:
    """Gives a driver the value of a key block."""
    variable = driver.variables.new()
    variable.name = name
    target = variable.targets[0]
    target.id_type = "KEY"
    target.id = key
    target.data_path = f'key_blocks["{bpy.utils.escape_identifier(block)}"].value'


def drive_again(key: bpy.types.Key) -> None:
    """Lets the correctives of a head follow what expressions add to their controls, too."""
    animation = animation_data.of(key)
    names = {block.path_from_id("value"): block.name for block in key.key_blocks}
    found: dict[str, list[str]] = {}
    for curve in animation.drivers if animation else ():
        driver: Any = curve.driver
        if not _PRODUCT.fullmatch(driver.expression):  # an animator's driver, or an expression's
            continue
        watched = {variable.name: variable.targets[0].data_path for variable in driver.variables}
        controls = [names.get(path, "") for name, path in watched.items() if name.startswith("w")]
        if curve.data_path in names and all(controls):
            found[names[curve.data_path]] = controls
    for name, controls in found.items():
        _drive(key, key.key_blocks[name], controls)
