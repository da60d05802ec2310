"""Heads: adding them, what they carry in the .blend, and their sliders."""

from __future__ import annotations

from . import properties

CLASSES: tuple[type, ...] = (properties.HeadProperties,)


def register() -> None:
    properties.add()


def unregister() -> None:
    properties.remove()
