"""Saved expressions: Actions of one key per slider, marked as assets, with a picture."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import bpy
import numpy as np

from dgtalker_engine.errors import DGTalkerError

from .. import animation_data
from ..icons import pixels
from . import catalog

MAKER = "DGTalker"
TAG = "expression"
FRAME = 1.0
"""Of the keys."""

_PATH = re.compile(r'key_blocks\["(.*)"\]\.value')


def save(name: str, values: Mapping[str, float], picture: np.ndarray) -> bpy.types.Action:
    """An expression as an asset of this file.

    Args:
        name: for the user; Blender numbers it where there is one of that name.
        values: of sliders, by name.
        picture: uint8 (side, side, 4), top row first.
    """
    action = bpy.data.actions.new(name)
    slot = action.slots.new("KEY", "Expression")
    curves = animation_data.channelbag(action, slot).fcurves
    for slider, value in values.items():
        curve = curves.new(f'key_blocks["{bpy.utils.escape_identifier(slider)}"].value')
        curve.keyframe_points.insert(FRAME, value)
    action.asset_mark()
    data: Any = action.asset_data
    data.author = MAKER
    data.description = f"{len(values)} sliders of a Gaussian head"
    data.tags.new(TAG, skip_if_exists=True)
    data.catalog_id = catalog.IDENTIFIER
    preview: Any = action.preview_ensure()
    preview.image_size = picture.shape[:2]
    preview.image_pixels.foreach_set(pixels(picture))
    return action


def read(action: bpy.types.Action) -> dict[str, float]:
    """The sliders of an expression, by name: what its curves have on their first key; empty where it is none."""
    values: dict[str, float] = {}
    for bag in animation_data.channelbags(action):
        for curve in bag.fcurves:
            found = _PATH.fullmatch(curve.data_path)
            if found and len(curve.keyframe_points):
                values[bpy.utils.unescape_identifier(found[1])] = curve.keyframe_points[0].co.y
    return values


def saved() -> list[bpy.types.Action]:
    """The expressions of this file, by name."""
    return [action for action in bpy.data.actions if is_expression(action)]


def is_expression(action: bpy.types.Action) -> bool:
    data: Any = action.asset_data
    return data is not None and TAG in data.tags


def named(name: str) -> bpy.types.Action:
    """Raises DGTalkerError where this file has no such expression."""
    action = next((each for each in saved() if each.name == name), None)
    if action is None:
        raise DGTalkerError(f"There is no expression {name} in this file.")
    return action


def values_of_asset(asset: bpy.types.AssetRepresentation) -> dict[str, float]:
    """The sliders of an Action in the asset browser, of this file or another one.

    Raises:
        DGTalkerError: it moves no sliders.
    """
    local: Any = asset.local_id
    values = read(local) if local is not None else values_of_file(asset.full_library_path, asset.name)
    if not values:
        raise DGTalkerError(f"{asset.name} moves no sliders of a head.")
    return values


def values_of_file(path: str, name: str) -> dict[str, float]:
    """The sliders of an Action in another .blend; nothing of it stays in this one."""
    libraries: Any = bpy.data.libraries  # its stub does not know that this is for `with`
    with libraries.load(path, link=False) as (there, here):
        here.actions = [each for each in there.actions if each == name]
    action: Any = next(iter(here.actions), None)
    if action is None:
        raise DGTalkerError(f"{path} has no action {name}.")
    try:
        return read(action)
    finally:
        bpy.data.actions.remove(action)
