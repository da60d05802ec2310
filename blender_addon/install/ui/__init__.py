"""The buttons that install and remove the engine, and the progress beside them."""

from __future__ import annotations

from . import operators, running

CLASSES = operators.CLASSES


def register() -> None:
    pass


def unregister() -> None:
    running.stop()
