"""The buttons and panels of speech, in the 3D view's sidebar and the sequencer's."""

from __future__ import annotations

from . import (
    dialogue_operators,
    exchange_operators,
    key_operators,
    key_panels,
    lip_operators,
    live_operators,
    mirror_operators,
    name_operators,
    operators,
    outdated,
    panels,
    sound_operators,
    take_operators,
    transcript_operators,
    video_operators,
    word_panels,
)

__all__ = ["key_panels", "live_operators", "outdated", "panels", "video_operators"]

CLASSES: tuple[type, ...] = (
    *operators.CLASSES,
    *sound_operators.CLASSES,
    *live_operators.CLASSES,
    *lip_operators.CLASSES,
    *transcript_operators.CLASSES,
    *dialogue_operators.CLASSES,
    *exchange_operators.CLASSES,
    *video_operators.CLASSES,
    *key_operators.CLASSES,
    *mirror_operators.CLASSES,
    *take_operators.CLASSES,
    *name_operators.CLASSES,
    *word_panels.CLASSES,
    *panels.CLASSES,
)
