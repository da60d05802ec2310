from __future__ import annotations

CLASSES: tuple[type, ...] = ()


def register() -> None:
    pass


def unregister() -> None:
    pass
