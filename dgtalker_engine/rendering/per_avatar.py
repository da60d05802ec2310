"""What is worked out once for each avatar that is open."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from typing import Generic, TypeVar

from ..avatar import Avatar

T = TypeVar("T")


class PerAvatar(Generic[T]):
    """Makes something of an avatar when it is first asked for, and keeps it as long as the avatar lives.

    Args:
        make: of an avatar; one thread at a time.
    """

    def __init__(self, make: Callable[[Avatar], T]) -> None:
        self._make = make
        self._made: dict[int, T] = {}
        """By the avatar's id: avatars cannot be keys."""
        self._lock = threading.Lock()

    def of(self, avatar: Avatar) -> T:
        """What was made of it."""
        with self._lock:
            if id(avatar) not in self._made:
                self._made[id(avatar)] = self._make(avatar)
                weakref.finalize(avatar, self._made.pop, id(avatar), None)
            return self._made[id(avatar)]
