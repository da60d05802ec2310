"""Render farms: what a worker needs for this file, looked at by a worker itself, or here as a worker would."""

from __future__ import annotations

from . import operators, panels

CLASSES: tuple[type, ...] = (*operators.CLASSES, *panels.CLASSES)


def register() -> None:
    pass


def unregister() -> None:
    operators.forget()
