"""Gaussian splats of other programs: in as still objects, and the heads' pose out."""

from __future__ import annotations

from . import operators

CLASSES: tuple[type, ...] = operators.CLASSES


def register() -> None:
    operators.add()


def unregister() -> None:
    operators.remove()
