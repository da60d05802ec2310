"""The keys of an F-curve, many at once."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np

from .merge import Keys

_PROPERTIES: Any = bpy.types.Keyframe.bl_rna.properties


def _number(name: str, item: str) -> int:
    return _PROPERTIES[name].enum_items[item].value


GENERATED = {
    "interpolation": _number("interpolation", "LINEAR"),
    "handle_left_type": _number("handle_left_type", "AUTO_CLAMPED"),
    "handle_right_type": _number("handle_right_type", "AUTO_CLAMPED"),
    "type": _number("type", "GENERATED"),
}
"""What generated keys look like. With a key on every frame, linear is exact on the frames, smooth enough between them
and never overshoots; Blender draws keys of this type smaller than an animator's."""

TYPE_OF_HAND_KEYS = _number("type", "KEYFRAME")

_NUMBERS = (*GENERATED, "easing", "back", "amplitude", "period")
_POINTS = ("co", "handle_left", "handle_right")
_FLAGS = ("select_control_point", "select_left_handle", "select_right_handle")

COLUMNS = 2 * len(_POINTS) + len(_NUMBERS) + len(_FLAGS)
"""Of the rows that `rows` returns."""


def read(curve: bpy.types.FCurve) -> Keys:
    """The keys of a curve by time."""
    points: Any = curve.keyframe_points
    places = _places(points)
    plain = np.ones(len(points), bool)
    for name, usual in GENERATED.items():
        plain &= _ints(points, name) == usual
    return Keys(places[:, 0].astype(np.float64), places[:, 1].astype(np.float64), plain)


def rows(curve: bpy.types.FCurve) -> np.ndarray:
    """All there is to know of the keys of a curve, float64 (keys, COLUMNS); time is the first column."""
    points: Any = curve.keyframe_points
    columns: list[np.ndarray] = []
    for name in _POINTS:
        columns += list(_places(points, name).T)
    for name in _NUMBERS:
        columns.append(_floats(points, name) if name in ("back", "amplitude", "period") else _ints(points, name))
    for name in _FLAGS:
        flags = np.empty(len(points), bool)
        points.foreach_get(name, flags)
        columns.append(flags)
    return np.stack(columns, axis=1).astype(np.float64) if len(points) else np.empty((0, COLUMNS))


def selected(curve: bpy.types.FCurve) -> np.ndarray:
    """Which keys of a curve are selected, bool (keys,)."""
    points: Any = curve.keyframe_points
    flags = np.empty(len(points), bool)
    points.foreach_get("select_control_point", flags)
    return flags


def generated_rows(frames: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Rows of generated keys."""
    made = np.zeros((len(frames), COLUMNS))
    for i in range(len(_POINTS)):
        made[:, 2 * i], made[:, 2 * i + 1] = frames, values
    for i, name in enumerate(_NUMBERS):
        made[:, 2 * len(_POINTS) + i] = GENERATED.get(name, 0)
    return made


def replace(curve: bpy.types.FCurve, content: np.ndarray) -> None:
    """Puts rows in place of all keys of a curve."""
    points: Any = curve.keyframe_points
    content = content[np.argsort(content[:, 0], kind="stable")]
    if len(points) != len(content):
        points.clear()
        points.add(len(content))
    place = 2 * len(_POINTS)
    for i, name in enumerate(_NUMBERS):
        column = content[:, place + i]
        kind = np.float32 if name in ("back", "amplitude", "period") else np.int32
        points.foreach_set(name, column.astype(kind))
    for i, name in enumerate(_FLAGS):
        points.foreach_set(name, content[:, place + len(_NUMBERS) + i].astype(bool))
    for i, name in enumerate(_POINTS):
        points.foreach_set(name, content[:, 2 * i : 2 * i + 2].astype(np.float32).ravel())
    curve.update()


def write(curve: bpy.types.FCurve, keys: Keys, removed: np.ndarray, frames: np.ndarray, values: np.ndarray) -> None:
    """Writes generated keys in place of some of a curve's keys; the others stay as they are.

    Args:
        keys: of the curve, as `read` found them.
        removed: bool (keys,), which of them go.
        frames, values: of the generated keys, by time.
    """
    if not np.array_equal(keys.times[removed], frames) or not np.all(keys.plain[removed]):
        replace(curve, np.concatenate([rows(curve)[~removed], generated_rows(frames, values)]))
    elif not np.array_equal(keys.values[removed], values):
        points: Any = curve.keyframe_points
        places = np.stack([keys.times, keys.values], axis=1).astype(np.float32)
        places[removed, 1] = values
        points.foreach_set("co", places.ravel())
        curve.update()


def evaluated(curve: bpy.types.FCurve, frames: np.ndarray) -> np.ndarray:
    """What the keys of a curve come to on frames, float32 (frames,), without modifiers: they act on what is written."""
    active = [modifier for modifier in curve.modifiers if not modifier.mute]
    for modifier in active:
        modifier.mute = True
    values = np.array([curve.evaluate(frame) for frame in frames.tolist()], np.float32)
    for modifier in active:
        modifier.mute = False
    return values


def mark_as_hand_keys(curve: bpy.types.FCurve, which: np.ndarray) -> None:
    """Gives keys that the animator changed the look of her own."""
    points: Any = curve.keyframe_points
    kinds = _ints(points, "type")
    changed = which & (kinds == GENERATED["type"])
    if changed.any():
        kinds[changed] = TYPE_OF_HAND_KEYS
        points.foreach_set("type", kinds)


def _places(points: Any, name: str = "co") -> np.ndarray:
    found = np.empty(2 * len(points), np.float32)
    points.foreach_get(name, found)
    return found.reshape(-1, 2)


def _ints(points: Any, name: str) -> np.ndarray:
    found = np.empty(len(points), np.int32)
    points.foreach_get(name, found)
    return found


def _floats(points: Any, name: str) -> np.ndarray:
    found = np.empty(len(points), np.float32)
    points.foreach_get(name, found)
    return found
