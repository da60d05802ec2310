"""What the readers of all formats return."""

from __future__ import annotations

from dataclasses import dataclass

from ...gaussians.cloud import Gaussians


@dataclass(frozen=True)
class Splats:
    """What a file holds.

    Attributes:
        cloud: in the file's own frame.
        notes: sentences for the user about what was left out.
    """

    cloud: Gaussians
    notes: tuple[str, ...] = ()
