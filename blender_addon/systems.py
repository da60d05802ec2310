"""The systems that make a head from a video. Needs no Blender.

The engine has a trainer of jobs for each, by the same name.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class System:
    """A way to make a head.

    Attributes:
        trainer: the engine's name for it, in `systems.TRAINERS`.
        label: its name for the user.
        description: what is special about it, one sentence without its full stop.
    """

    trainer: str
    label: str
    description: str


SYSTEMS: tuple[System, ...] = (
    System("gaussiantalker", "GaussianTalker", "Gaussians bound to a face that is fitted to the video"),
    System("dgtalker", "DGTalker", "A generator of heads that is tuned to the person: whole from the sides too"),
    System(
        "d3talker",
        "D3-Talker",
        "Motion and sound move the face apart; so far less alike than GaussianTalker, from seconds too",
    ),
)
"""In the order in which they are offered; the first one is chosen where nobody chooses."""

ITEMS = [(each.trainer, each.label, each.description) for each in SYSTEMS]
"""Of an EnumProperty."""


def label_of(trainer: str) -> str:
    """The name of a system for the user; empty where no head is made by this trainer."""
    return next((each.label for each in SYSTEMS if each.trainer == trainer), "")
