"""People who do not exist: a gallery of them, sliders for who they are, and one of them as a head."""

from __future__ import annotations

from typing import Any

from ..head import panels as head_panels
from . import gallery, operators, panels, previews, properties

CLASSES: tuple[type, ...] = (*properties.CLASSES, *operators.CLASSES, *panels.CLASSES)


def register() -> None:
    properties.add()
    previews.icons.add()
    menu: Any = head_panels.AddMenu
    menu.append(panels.draw_add_entry)


def unregister() -> None:
    menu: Any = head_panels.AddMenu
    menu.remove(panels.draw_add_entry)
    gallery.end()
    previews.icons.remove()
    properties.remove()
