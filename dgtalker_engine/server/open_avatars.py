"""The avatars that an engine holds, within a bound: it may live for days, and an animator opens many heads."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..errors import DGTalkerError
from .session import UnknownAvatar

if TYPE_CHECKING:
    from ..avatar import Avatar

MAX_BYTES = 1 << 30
"""About 20 built-in heads, each with what it keeps from posing (52 MB)."""

log = logging.getLogger(__name__)


class OpenAvatars:
    """Avatars by content hash, together at most `max_bytes` large: those that were used least recently are dropped.

    The one used last, and what the latest `get` asked for, stay however large they are: otherwise a picture of avatars
    that exceed the bound together could never be rendered, since opening the one would drop the other.

    Pictures of the viewport are made in a thread of their own: every method may be called from any.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.RLock()
        self._avatars: OrderedDict[str, Avatar] = OrderedDict()
        self._manners: dict[str, bytes] = {}
        self._needed: frozenset[str] = frozenset()

    def add(self, avatar: Avatar, manner: bytes = b"") -> None:
        """Holds an avatar, as the one used last, and how its person speaks, `systems.manner_part`."""
        name = avatar.metadata.hash
        with self._lock:
            self._manners[name] = manner
            self._avatars[name] = avatar
            self._avatars.move_to_end(name)
            self._drop()

    def get(self, hashes: Sequence[str]) -> list[Avatar]:
        """The avatars of these content hashes, in their order.

        Raises:
            UnknownAvatar: one of them is not held, or not any more.
        """
        with self._lock:
            self._needed = frozenset(hashes)
            for name in hashes:
                if name in self._avatars:
                    self._avatars.move_to_end(name)
            self._drop()
            for name in hashes:
                if name not in self._avatars:
                    raise UnknownAvatar(name)
            return [self._avatars[name] for name in hashes]

    def manner(self, name: str) -> bytes:
        """How the person of the avatar of this content hash speaks.

        Raises:
            UnknownAvatar: as `get`.
            DGTalkerError: the avatar does not say it.
        """
        with self._lock:
            (avatar,) = self.get([name])
            manner = self._manners[name]
        if not manner:
            raise DGTalkerError(
                f"The file of {avatar.metadata.name} does not say how this person speaks.", "Switch off Own Manner."
            )
        return manner

    def _drop(self) -> None:
        sizes = {name: avatar.nbytes for name, avatar in self._avatars.items()}  # they grow while they are used
        total = sum(sizes.values())
        for name in [name for name in list(self._avatars)[:-1] if name not in self._needed]:
            if total <= self._max_bytes:
                return
            total -= sizes[name]
            dropped = self._avatars.pop(name)
            del self._manners[name]
            log.info("the avatar %s (%s) is dropped", name[:12], dropped.metadata.name)
