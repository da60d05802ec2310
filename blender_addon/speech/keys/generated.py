"""The generated keys of one datablock: plain keys in its action, which `sheet` writes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Mapping
from typing import Any

import bpy
import numpy as np

from dgtalker_engine.errors import DGTalkerError

from ...properties import keys_properties
from ..stepwise import Pace, finished
from . import key_points, merge, places, put_away
from .ledger import Path
from .merge import Kept


def kept_of(owner: bpy.types.ID) -> list[tuple[Path, Kept]]:
    """What generated keys stay out of at present, by curve and frames."""
    return finished(kept_steps(owner))


def kept_steps(owner: bpy.types.ID) -> Generator[None, None, list[tuple[Path, Kept]]]:
    """`kept_of` in steps."""
    place = places.of(owner)
    if place is None:
        return []
    pace, known, kept = Pace(), places.ledger_of(owner), []
    fcurves = place.curves()
    for path, curve in known.curves.items():
        if pace.is_long:
            yield
            place = places.of(owner)
            fcurves, pace = place.curves() if place else {}, Pace()
        keys = key_points.read(fcurves[path]) if path in fcurves else merge.Keys()
        kept += [(path, each) for each in merge.detected(curve, keys, known.reach).kept]
    return kept


def has(owner: bpy.types.ID) -> bool:
    """Whether a datablock has generated keys."""
    return bool(keys_properties(owner).dgtalker_ledger)


def forget(owner: bpy.types.ID) -> None:
    """Lets all keys be the animator's own."""
    noted = keys_properties(owner)
    noted.dgtalker_ledger, noted.dgtalker_action, noted.dgtalker_slot, noted.dgtalker_made = "", None, 0, False


def overwrite(owner: bpy.types.ID, curves: Mapping[Path, tuple[np.ndarray, np.ndarray]]) -> None:
    """Changes keys at frames as an animator would: they are hers from then on."""
    place = places.of(owner)
    for path, fcurve in place.curves().items() if place else ():
        if path in curves:
            rows = key_points.rows(fcurve)
            values = dict(zip(*(each.tolist() for each in curves[path]), strict=True))
            for row in rows:
                row[1] = values.get(round(row[0]), row[1])
            key_points.replace(fcurve, rows)


def bake(owner: bpy.types.ID, name: str, notes: list[str]) -> None:
    """`forget`, with keys that look like hers; also where what is remembered is damaged.

    Args:
        name: of the speaker, for people.
        notes: gets sentences for the user.
    """
    with contextlib.suppress(DGTalkerError):
        put_away.save(owner, name, places.ledger_of(owner).curves, notes)
        place = places.of(owner)
        for path, curve in place.curves().items() if place else ():
            if path in places.ledger_of(owner).curves:
                key_points.mark_as_hand_keys(curve, np.ones(len(curve.keyframe_points), bool))
    forget(owner)


def value_of(owner: bpy.types.ID, path: Path) -> float:
    """The value of a property now."""
    found: Any = owner.path_resolve(path[0])
    return float(found[path[1]]) if hasattr(found, "__len__") else float(found)


def limits(key: bpy.types.Key, path: str) -> tuple[float, float]:
    """The ends of a slider, beyond which Blender evaluates no value."""
    block: Any = key.path_resolve(path.rpartition(".")[0])
    return block.slider_min, block.slider_max


def set_value(owner: bpy.types.ID, path: Path, value: float | None) -> None:
    """Sets a property, where it is still there."""
    if value is None:
        return
    try:
        found: Any = owner.path_resolve(path[0])
    except ValueError:
        return
    if hasattr(found, "__len__"):
        found[path[1]] = value
    else:
        resolve: Callable[[str], Any] = owner.path_resolve
        holder, _, name = path[0].rpartition(".")
        setattr(resolve(holder) if holder else owner, name, value)
