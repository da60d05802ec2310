"""A head from a video: the form with its consent, the job that makes the head, and watching it."""

from __future__ import annotations

from typing import Any

from ..head import panels as head_panels
from . import operators, panels, properties, watch

CLASSES: tuple[type, ...] = (*properties.CLASSES, *operators.CLASSES, *panels.CLASSES)


def register() -> None:
    properties.add()
    menu: Any = head_panels.AddMenu
    menu.append(panels.draw_add_entry)
    watch.add()


def unregister() -> None:
    watch.remove()
    menu: Any = head_panels.AddMenu
    menu.remove(panels.draw_add_entry)
    properties.remove()
