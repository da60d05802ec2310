"""The jobs' pictures as icons of Blender's panels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import bpy.utils.previews

from .overview import JobView
from .pictures import SIDE

_icons: Any = None
_stamps: dict[str, int] = {}


def update(views: Iterable[JobView]) -> None:
    """Takes pictures that are new, and drops those of jobs that are gone."""
    shown = {view.id: view.picture for view in views if view.picture and view.picture.pixels is not None}
    for name in _stamps.keys() - shown.keys():
        del _icons[name], _stamps[name]
    for name, picture in shown.items():
        if _stamps.get(name) == picture.stamp:
            continue
        icon = _icons[name] if name in _icons else _icons.new(name)
        icon.image_size = (SIDE, SIDE)
        icon.image_pixels.foreach_set(picture.pixels)
        _stamps[name] = picture.stamp


def icon_of(view: JobView) -> int:
    """For `template_icon`; 0 where there is no picture yet."""
    return _icons[view.id].icon_id if view.id in _stamps else 0


def add() -> None:
    global _icons
    _icons = bpy.utils.previews.new()


def remove() -> None:
    global _icons
    bpy.utils.previews.remove(_icons)
    _icons = None
    _stamps.clear()
