"""The Blender that started this process, watched while the engine loads and cannot read its connection yet."""

from __future__ import annotations

import os
import select
import sys
import threading

_LOOK = 100
"""Milliseconds between two looks at whether loading has ended."""


def watch(descriptor: int | None) -> threading.Event:
    """Ends this process when the other end of an inherited socket is closed, until the event is set.

    Loading takes seconds, on a busy machine many, and whoever is gone needs none of it. Standard library only, so that
    it begins before anything else. Windows ends the engine with Blender by itself, and has no such socket.
    """
    loaded = threading.Event()
    if descriptor is not None and sys.platform != "win32":
        threading.Thread(target=_watch, args=(descriptor, loaded), name="owner", daemon=True).start()
    return loaded


def _watch(descriptor: int, loaded: threading.Event) -> None:
    poll = select.poll()
    poll.register(descriptor, getattr(select, "POLLRDHUP", select.POLLHUP))
    while not loaded.is_set():
        for _, event in poll.poll(_LOOK):
            if event & select.POLLNVAL:
                return  # there is no such descriptor, which whoever reads it will say
            if not loaded.is_set():
                os._exit(0)
