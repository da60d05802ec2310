"""Pictures for one view: one request at a time, of what was wanted last, coarse while anything moves.

Nothing waits: `want` says what should be seen, `advance` is called again and again, takes what has come and asks for
what is still missing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire.moments import ShotHead
from dgtalker_engine.wire.shot import Shot, ShotFrame

from ...bridge.client import Reply
from .view import View, scaled

REST = 0.15
"""Seconds without a change after which a view is at rest."""
COARSE = 2
"""How many times as large pixels are while something moves."""
QUICK = 0.03
"""Seconds. Where a picture in full resolution comes as soon as this, there is none in less."""


@dataclass(frozen=True)
class Wanted:
    """What a view should show.

    Attributes:
        view: from where.
        avatars: content hashes.
        heads: as in a Shot, the view's shear before their matrices.
        keys: which of these heads need no mesh, see `heads.Key`.
    """

    view: View
    avatars: tuple[str, ...]
    heads: tuple[ShotHead, ...]
    keys: frozenset[tuple[str, str | None]] = frozenset()

    def shot(self, coarse: int) -> Shot:
        """What the engine is asked for, in pixels that are `coarse` times as large, rounded up to whole ones."""
        view = self.view
        width, height = -(-view.width // coarse), -(-view.height // coarse)
        camera = scaled(view.camera, width / view.width, height / view.height)
        frame = ShotFrame(0, camera, self.heads)
        return Shot(width=width, height=height, avatars=self.avatars, frames=(frame,))


@dataclass(frozen=True)
class Picture:
    """The engine's answer; see `dgtalker_engine.rendering.viewport`.

    Attributes:
        wanted: what it shows.
        scale: its pixels per pixel of the view, across and down.
        rectangle: x, y, width, height of the part that is not empty, its own pixels from its top left corner.
        depths: metres, that its depth goes from and to.
        pixels: float32 (height, width, 2).
    """

    wanted: Wanted
    scale: tuple[float, float]
    rectangle: tuple[int, int, int, int]
    depths: tuple[float, float]
    pixels: np.ndarray


class Pending(Protocol):
    """What `bridge.pending.Pending` can do."""

    @property
    def done(self) -> bool: ...
    def result(self) -> Reply: ...
    def cancel(self) -> None: ...


@dataclass(frozen=True)
class _Asked:
    wanted: Wanted
    coarse: int
    at: float
    pending: Pending


class Feed:
    """The pictures of one view.

    Args:
        submit: asks the engine for a Shot of one frame, and does not wait.

    Attributes:
        picture: the newest.
    """

    def __init__(self, submit: Callable[[Shot], Pending]) -> None:
        self.picture: Picture | None = None
        self._submit = submit
        self._wanted: Wanted | None = None
        self._changed = 0.0
        self._asked: _Asked | None = None
        self._has: tuple[Wanted, int] | None = None
        self._full_seconds = float("inf")

    def want(self, wanted: Wanted, now: float) -> None:
        """Says what should be seen; what was wanted before is not asked for any more.

        Args:
            now: seconds, of any clock that does not go back.
        """
        if wanted != self._wanted:
            self._wanted, self._changed = wanted, now

    def advance(self, now: float) -> bool:
        """Takes an answer that has come, and asks for what is wanted and not there; whether `picture` is a new one.

        Raises:
            DGTalkerError: the engine's, or why there is none; nothing is under way then.
        """
        new = False
        if self._asked is not None and self._asked.pending.done:
            asked, self._asked = self._asked, None
            self.picture = _picture(asked.wanted, asked.coarse, asked.pending.result())
            self._has = (asked.wanted, asked.coarse)
            if asked.coarse == 1:
                self._full_seconds = now - asked.at
            new = True
        coarse = self._next(now)
        if self._asked is None and self._wanted is not None and coarse:
            self._asked = _Asked(self._wanted, coarse, now, self._submit(self._wanted.shot(coarse)))
        return new

    def settled(self, now: float) -> bool:
        """Whether what is wanted is there, in full, and nothing is under way."""
        return self._asked is None and not self._next(now) and not self._moves(now)

    def waited(self, now: float) -> float:
        """Seconds for which the engine has owed an answer."""
        return 0.0 if self._asked is None else now - self._asked.at

    def close(self) -> None:
        """Gives up what is under way, and the picture."""
        if self._asked is not None:
            self._asked.pending.cancel()
        self._asked = self._wanted = self._has = self.picture = None

    def _moves(self, now: float) -> bool:
        return self._wanted is not None and now - self._changed < REST

    def _next(self, now: float) -> int:
        """How coarse a picture is to be asked for next; 0 where none is."""
        if self._wanted is None:
            return 0
        coarse = COARSE if self._moves(now) and self._full_seconds > QUICK else 1
        if self._has is not None and self._has[0] == self._wanted and self._has[1] <= coarse:
            return 0
        return coarse


def _picture(wanted: Wanted, coarse: int, reply: Reply) -> Picture:
    x, y, width, height = (int(number) for number in reply.header["rectangle"])
    near, far = (float(number) for number in reply.header["depths"])
    pixels = np.frombuffer(reply.body, "<f4")
    if len(pixels) != width * height * 2:
        raise DGTalkerError("The engine's picture does not have the size that it says.", "Restart the engine.")
    view = wanted.view
    scale = -(-view.width // coarse) / view.width, -(-view.height // coarse) / view.height
    return Picture(wanted, scale, (x, y, width, height), (near, far), pixels.reshape(height, width, 2))
