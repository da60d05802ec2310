"""Imports that take seconds, sooner."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def loading() -> Iterator[None]:
    """While modules load nobody looks for what can be freed, and of what is there then nobody does afterwards.

    Modules stay, but Python's collector looks at their million objects again and again while they grow: a quarter of
    an engine's start.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
