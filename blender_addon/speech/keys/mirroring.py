"""Keys of a range mirrored: each side of the face does what the other did, and the head turns the other way."""

from __future__ import annotations

import bpy
import numpy as np

from dgtalker_engine.errors import DGTalkerError

from ... import animation_data
from ...head import expression_sliders, groups, model, sliders
from . import key_points

_VALUES = (1, 3, 5)
"""Columns of `key_points.rows`: of the key and of its handles."""
_TURNED = {"delta_rotation_euler": (1, 2), "delta_rotation_quaternion": (2, 3)}
"""What of the head's rotation is reversed: sideways, and round."""


def mirror(head: bpy.types.Object, first: int, last: int) -> int:
    """Mirrors keys from one frame to another, both included; the others stay. Returns how many curves have changed.

    A slider without keys in the range counts with the values that it has there.

    Raises:
        DGTalkerError: the sliders cannot be keyed, or drivers move them.
    """
    if reason := model.locked_reason(head):
        raise DGTalkerError(reason)
    key = model.key_of(head)
    assert key is not None
    rig = expression_sliders.slider_rig(head)
    blocks = sliders.blocks_of(head, rig.names)
    paths = {name: block.path_from_id("value") for name, block in blocks.items()}
    if driven := animation_data.driven(key) & set(paths.values()):
        name = next(name for name, path in paths.items() if path in driven)
        raise DGTalkerError(f"A driver moves {name} of {head.name}.", "Remove it, or mirror by hand.")
    curves = {curve.data_path: curve for curve in animation_data.active_curves(key)}
    changed = 0
    for name, other in groups.swaps(rig).items():
        pair = [paths[each] for each in (name, other) if each in paths]
        there = [curves[path] for path in pair if path in curves]
        if name < other and len(pair) == 2 and any(_has_keys(curve, first, last) for curve in there):
            made = [
                curves.get(path) or _held(key, path, block.value, first, last)
                for path, block in zip(pair, (blocks[name], blocks[other]), strict=True)
            ]
            _exchange(made[0], made[1], first, last)
            changed += 2
    reversed_ones = [curves.get(paths.get(name, "")) for name in groups.reversed_when_mirrored(rig)]
    turned = [
        curve for curve in animation_data.active_curves(head) if curve.array_index in _TURNED.get(curve.data_path, ())
    ]
    return changed + sum(_reverse(curve, first, last) for curve in [*reversed_ones, *turned] if curve is not None)


def _held(key: bpy.types.Key, path: str, value: float, first: int, last: int) -> bpy.types.FCurve:
    """A new curve that holds what a slider without keys has, beyond the range, too."""
    animation = animation_data.ensured(key)
    assert animation.action is not None
    assert animation.action_slot is not None
    curve = animation_data.channelbag(animation.action, animation.action_slot).fcurves.new(path)
    for frame in sorted({first - 1, first, last, last + 1}):
        curve.keyframe_points.insert(frame, value)
    return curve


def _exchange(one: bpy.types.FCurve, other: bpy.types.FCurve, first: int, last: int) -> None:
    for curve in (one, other):
        if not _has_keys(curve, first, last):  # the other side would get nothing for what it gives
            values = {frame: curve.evaluate(frame) for frame in (first, last)}
            for frame, value in values.items():
                curve.keyframe_points.insert(frame, value)
    mine, theirs = key_points.rows(one), key_points.rows(other)
    in_mine, in_theirs = _within(mine, first, last), _within(theirs, first, last)
    for curve, kept, taken in ((one, mine[~in_mine], theirs[in_theirs]), (other, theirs[~in_theirs], mine[in_mine])):
        key_points.replace(curve, np.concatenate([kept, taken]))


def _reverse(curve: bpy.types.FCurve, first: int, last: int) -> int:
    rows = key_points.rows(curve)
    within = _within(rows, first, last)
    if not within.any():
        return 0
    for column in _VALUES:
        rows[within, column] *= -1
    key_points.replace(curve, rows)
    return 1


def _has_keys(curve: bpy.types.FCurve, first: int, last: int) -> bool:
    return bool(_within(key_points.rows(curve), first, last).any())


def _within(rows: np.ndarray, first: int, last: int) -> np.ndarray:
    return (rows[:, 0] > first - 0.5) & (rows[:, 0] < last + 0.5)
