"""Render farms: what a worker needs for this file, looked at by a worker itself, or here as a worker would."""

from __future__ import annotations

import bpy

from . import operators, panels

CLASSES: tuple[type, ...] = (*operators.CLASSES, *panels.CLASSES)


def register() -> None:
    # What was found is of one file.
    bpy.app.handlers.load_pre.append(_forget)


def unregister() -> None:
    bpy.app.handlers.load_pre.remove(_forget)
    operators.forget()


@bpy.app.handlers.persistent
def _forget(*_: object) -> None:
    operators.forget()
