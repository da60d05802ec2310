"""Where a .dgt file keeps a person's audio encoders; what reads them is `manner`, which brings torch along."""

from __future__ import annotations

from ....avatar import dgt

PREFIX = "navigation."
"""Of the tensors in a .dgt file."""


def part(file: bytes) -> bytes:
    """The tensors of a manner in the bytes of a .dgt file, for `Manner.from_bytes`; empty where there are none."""
    return dgt.part(file, PREFIX)
