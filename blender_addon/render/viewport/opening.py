"""Avatars of heads in a view that the engine does not have yet: opened one after another, without waiting."""

from __future__ import annotations

from collections.abc import Generator, Iterable

from ...bridge import avatars, engine
from .heads import Key, object_of

_steps: dict[Key, Generator[engine.Pending, None, str]] = {}
_pending: dict[Key, engine.Pending] = {}
_failed: set[Key] = set()


def begin(keys: Iterable[Key]) -> bool:
    """Starts to open the avatars of these heads, where that has not failed already; whether one is open by now.

    Raises:
        DGTalkerError: an avatar's file is missing.
    """
    opened = False
    for key in keys:
        head = object_of(key)
        if key in _steps or key in _failed or head is None:
            continue
        _failed.add(key)  # until it has succeeded
        steps = avatars.open_steps(head)
        pending = next(steps, None)
        if pending is None:  # somebody else has opened it
            _failed.discard(key)
            opened = True
        else:
            _pending[key], _steps[key] = pending, steps
    return opened


def advance() -> bool:
    """Goes on; whether an avatar has been opened.

    Raises:
        DGTalkerError: an avatar is damaged, or the engine cannot be reached.
    """
    opened = False
    for key in [key for key, pending in _pending.items() if pending.done]:
        steps, _ = _steps.pop(key), _pending.pop(key)
        try:
            _pending[key] = next(steps)
            _steps[key] = steps
        except StopIteration:
            _failed.discard(key)
            opened = True
    return opened


def is_busy() -> bool:
    return bool(_steps)


def forget() -> None:
    """Gives up what is under way, and forgets what has failed."""
    for pending in _pending.values():
        pending.cancel()
    _steps.clear()
    _pending.clear()
    _failed.clear()
