"""Where a .dgt file keeps how a person's individual field hears them; what reads it is `manner`, which brings torch."""

from __future__ import annotations

from ...avatar import dgt

PREFIX = "individual."
"""Of the tensors in a .dgt file."""


def part(file: bytes) -> bytes:
    """The tensors of a manner in the bytes of a .dgt file, for `Manner.from_bytes`; empty where there are none."""
    return dgt.part(file, PREFIX)
