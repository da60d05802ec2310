"""Keys of the animator's that were put away for speech: brought back, or saved where speech is forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import bpy
import numpy as np

from ... import animation_data
from . import key_points
from .ledger import Path
from .merge import Curve

Rows = Sequence[tuple[float, ...]]


def bring_back(fcurve: bpy.types.FCurve, covered: Rows) -> None:
    """Puts keys back into their curve, but where she made another one since."""
    present = key_points.rows(fcurve)
    back = _whole(covered)
    taken = np.isclose(back[:, :1], present[None, :, 0], atol=1e-3).any(axis=1)
    key_points.replace(fcurve, np.concatenate([present, back[~taken]]))


def save(owner: bpy.types.ID, name: str, curves: Mapping[Path, Curve], notes: list[str]) -> None:
    """Saves keys in an action of their own, which the file keeps, where nothing will bring them back any more.

    Args:
        name: of the speaker, for people.
        notes: gets a sentence for the user.
    """
    covered = {path: rows for path, curve in curves.items() if len(rows := _whole(curve.covered))}
    if not covered:
        return
    action = bpy.data.actions.new(f"{name} before Speech")
    action.use_fake_user = True
    slot = action.slots.new(owner.id_type, owner.name)  # of this name, Blender assigns it with the action
    bag = animation_data.channelbag(action, slot)
    for path, rows in covered.items():
        key_points.replace(bag.fcurves.new(path[0], index=path[1]), rows)
    notes.append(f"The keys that speech took over from {name} are kept in the action {action.name}.")


def _whole(covered: Rows) -> np.ndarray:
    rows = [row for row in covered if len(row) == key_points.COLUMNS]
    return np.array(rows, np.float64).reshape(-1, key_points.COLUMNS)
