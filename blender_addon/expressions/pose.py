"""An expression on a head: blending its sliders towards it, mirrored where asked, and keying them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance.expressions import PROTOTYPES, Expression
from dgtalker_engine.rig import ARKIT_NAMES, SIDEWAYS_NAMES, mirrored

from .. import animation_data
from ..head import expression_sliders, model, sliders


@dataclass(frozen=True)
class Applied:
    """What came of an expression.

    Attributes:
        moved: sliders that were blended.
        lacking: what the expression moves and the head has no slider for.
        driven: what drivers hold.
    """

    moved: tuple[str, ...]
    lacking: tuple[str, ...]
    driven: tuple[str, ...]


def sliders_of(expression: Expression) -> dict[str, float]:
    """Where a built-in expression wants the sliders of a head; those of gaze and of the neck it leaves alone."""
    if expression.partial:
        return dict(expression.weights)
    face = [name for name in ARKIT_NAMES if not name.startswith("eyeLook")]
    return {**dict.fromkeys((*PROTOTYPES, *face), 0.0), **expression.weights}


def mirrored_sliders(values: Mapping[str, float]) -> dict[str, float]:
    """The same expression of the other side."""
    return {mirrored(name): -value if name in SIDEWAYS_NAMES else value for name, value in values.items()}


def present(ob: bpy.types.Object, *, only_changed: bool) -> dict[str, float]:
    """The sliders of a head as they stand, by name, or those that are not at rest."""
    rig = expression_sliders.slider_rig(ob)
    values = {name: block.value for name, block in sliders.blocks_of(ob, rig.names).items()}
    rest = {control.name: control.default for control in rig.controls}
    return {name: value for name, value in values.items() if not only_changed or abs(value - rest[name]) > 1e-4}


def apply(ob: bpy.types.Object, values: Mapping[str, float], amount: float, key_at: float | None = None) -> Applied:
    """Blends the sliders of a head towards an expression; those that it does not name stay.

    Args:
        values: of sliders, by name.
        amount: 0 leaves the sliders as they are, 1 is the whole expression.
        key_at: the frame on which what was moved gets keys; None for none.

    Raises:
        DGTalkerError: the sliders cannot be moved, or the head has none of them.
    """
    reason = model.locked_reason(ob)
    if reason:
        raise DGTalkerError(reason)
    blocks = sliders.blocks_of(ob, values)
    key = model.key_of(ob)
    assert key is not None
    paths = animation_data.driven(key)
    driven = tuple(name for name, block in blocks.items() if block.path_from_id("value") in paths)
    blocks = {name: block for name, block in blocks.items() if name not in driven}
    if not blocks:
        raise DGTalkerError(f"{ob.name} has no slider that this expression could move.")
    for name, block in blocks.items():
        block.value += amount * (values[name] - block.value)
    if key_at is not None:
        sliders.insert_keys(ob, blocks.values(), key_at)
    lacking = tuple(name for name, value in values.items() if value and name not in blocks and name not in driven)
    return Applied(tuple(blocks), lacking, driven)
