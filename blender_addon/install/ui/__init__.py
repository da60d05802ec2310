"""The buttons that install and remove the engine, and the progress beside them."""

from __future__ import annotations

from . import operators, panels, running

CLASSES = (*operators.CLASSES, *panels.CLASSES)


def register() -> None:
    pass


def unregister() -> None:
    running.stop()
