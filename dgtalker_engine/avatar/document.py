"""Numbers in the document of a .dgt file, its JSON."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

LARGEST = 1e6
"""Far above what heads have, and far below what float32 overflows with."""


def plain(data: Iterable[Any]) -> tuple[float, ...]:
    """Numbers of the document. Raises ValueError or TypeError when they are none, or larger than `LARGEST`."""
    try:
        numbers = tuple(float(number) for number in data)
    except OverflowError as error:
        raise ValueError("a number is too large") from error
    if not all(abs(number) <= LARGEST for number in numbers):
        raise ValueError(f"a number is not finite, or exceeds {LARGEST:g}")
    return numbers
