"""Waiting for processes that a test started."""

from __future__ import annotations

import time


def wait_until(condition, timeout=60.0):
    """What the condition says once it says something."""
    started = time.monotonic()
    while not (said := condition()):
        assert time.monotonic() - started < timeout, "waited in vain"
        time.sleep(0.01)
    return said
