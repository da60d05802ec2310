"""The jobs' pictures as icons of Blender's panels."""

from __future__ import annotations

from collections.abc import Iterable

from ..icons import Icons
from .overview import JobView
from .pictures import SIDE

icons = Icons()
_stamps: dict[str, int] = {}


def update(views: Iterable[JobView]) -> None:
    """Takes pictures that are new, and drops those of jobs that are gone."""
    shown = {view.id: view.picture for view in views if view.picture and view.picture.pixels is not None}
    for name in _stamps.keys() - shown.keys():
        icons.drop(name)
        del _stamps[name]
    for name, picture in shown.items():
        if _stamps.get(name) != picture.stamp:
            icons.show(name, SIDE, picture.pixels)
            _stamps[name] = picture.stamp


def remove() -> None:
    icons.remove()
    _stamps.clear()
