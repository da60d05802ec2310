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
    pictures = {view.id: view.picture for view in views}
    shown = {job: (each.stamp, each.pixels) for job, each in pictures.items() if each and each.pixels is not None}
    for name in _stamps.keys() - shown.keys():
        icons.drop(name)
        del _stamps[name]
    for name, (stamp, pixels) in shown.items():
        if _stamps.get(name) != stamp:
            icons.show(name, SIDE, pixels)
            _stamps[name] = stamp


def remove() -> None:
    icons.remove()
    _stamps.clear()
