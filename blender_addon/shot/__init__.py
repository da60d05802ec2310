"""The shot around a head: camera, engine, colours, frames, in one step."""

from __future__ import annotations

from . import operators

CLASSES: tuple[type, ...] = operators.CLASSES


def register() -> None:
    operators.add()


def unregister() -> None:
    operators.remove()
