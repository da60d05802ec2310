"""Speech: sound strips, who speaks them, and the keys that follow from them."""

from __future__ import annotations

from . import operators, panels, properties

CLASSES: tuple[type, ...] = (properties.StripProperties, *operators.CLASSES, *panels.CLASSES)


def register() -> None:
    properties.add()
    panels.add()


def unregister() -> None:
    panels.remove()
    properties.remove()
