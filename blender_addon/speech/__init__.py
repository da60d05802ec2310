"""Speech: sound strips, who speaks them, and the keys that follow from them."""

from __future__ import annotations

from . import properties
from .keys import live
from .ui import exchange_operators, lip_operators, operators, panels, transcript_operators

CLASSES: tuple[type, ...] = (
    properties.StripProperties,
    properties.SpeakerProperties,
    *operators.CLASSES,
    *lip_operators.CLASSES,
    *transcript_operators.CLASSES,
    *exchange_operators.CLASSES,
    *panels.CLASSES,
)


def register() -> None:
    properties.add()
    panels.add()
    live.add()


def unregister() -> None:
    live.remove()
    panels.remove()
    properties.remove()
