"""A library of expressions: built-in ones and those saved as assets, a gallery of them, and how they are applied."""

from __future__ import annotations

from . import catalog, gallery, menus, operators, panels, pictures, properties

CLASSES: tuple[type, ...] = (*properties.CLASSES, *operators.CLASSES, *panels.CLASSES)


def register() -> None:
    properties.add()
    pictures.icons.add()
    menus.add()
    catalog.add()


def unregister() -> None:
    catalog.remove()
    menus.remove()
    gallery.end()
    pictures.icons.remove()
    properties.remove()
