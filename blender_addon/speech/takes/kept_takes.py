"""Takes of a line that were kept, `strip.dgtalker.kept_takes`: what was performed with the settings of that moment.

A range of frames is spoken as in one of them by the writing of `keys.punch_in`: plain keys, faded at both ends and
locked, around what the animator edited.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import Performance, perform
from dgtalker_engine.performance.recorded import resampled

from ...properties import speaker_properties, strip_properties
from ..keys.punch_in import Within
from ..stepwise import finished
from ..timeline import sound_identity, strips, timing
from . import recordings, retarget, storage, used_takes, wanted, words
from .used_takes import UsedRange

MOST_KEPT = 2 << 20
"""Bytes of the kept takes of one strip."""


@dataclass(frozen=True)
class Comp(Within):
    """A range of frames that is spoken as in a kept take.

    Attributes:
        kept: at the scene's frame rate.
        begins: the frame at which it begins.
    """

    kept: Performance
    begins: int

    def laid_into(self, performed: Performance, first: int) -> Performance:
        frames = np.arange(max(self.first, first), min(self.last + 1, first + performed.frames))
        weights = performed.weights.copy()
        rows = np.clip(frames - self.begins, 0, self.kept.frames - 1)
        weights[frames - first] = self.kept.select(performed.names)[rows]
        return Performance(performed.fps, performed.names, weights)


def disabled_reason(strip: Any) -> str:
    """Why no take of a strip can be kept or used; empty when one can."""
    if strip is None:
        return "Choose a sound strip in the list first."
    if not strip.id_data.is_editable:
        return f"The scene {strip.id_data.name} is linked from another file."
    head = strips.speaker(strip)
    if head is None or not speaker_properties(head).take:
        return f"{strip.name} was not animated yet: press Animate."
    return retarget.stale_reason(head)


def keep(strip: Any) -> str:
    """Keeps what a strip's line is with the settings of now; returns how it is called.

    Raises:
        DGTalkerError: it was not animated, or keeps too much.
    """
    reason = disabled_reason(strip)
    if reason:
        raise DGTalkerError(reason)
    own, head = strip_properties(strip), strips.speaker(strip)
    assert head is not None
    scene, first, take = storage.scene_of(head), speaker_properties(head).first, words.take_of(head)
    assert scene is not None
    assert take is not None
    directions = wanted.directions_of(scene, head, first)
    performed = perform(take, directions, finished(wanted.styles_steps(head, first, take.frames)))
    start, end = _reach(scene, head, strip)
    start, end = max(start, first), min(end, first + performed.frames)
    line = Performance(performed.fps, performed.names, performed.weights[start - first : end - first])
    data = recordings.to_text(line)
    size = len(data) + sum(len(each.data) for each in own.kept_takes)
    if size > MOST_KEPT:
        raise DGTalkerError(
            f"{strip.name} would keep {size >> 10} kB of takes, more than {MOST_KEPT >> 10} kB.",
            "Remove one that you do not need.",
        )
    # A range may still be of one that was removed.
    known = [each.number for each in own.kept_takes] + [each.take for each in own.used_takes]
    entry = own.kept_takes.add()
    entry.number = 1 + max(known, default=0)
    entry.name = f"Take {_letters(entry.number)}"
    entry.data = data
    entry.begins = strips.clock(scene).seconds(start - strips.file_start(scene, strip))
    entry.retiming = json.dumps(sound_identity.retiming(strip))
    own.active_take = len(own.kept_takes) - 1
    return entry.name


def use(strip: Any, number: int, first: int, last: int) -> tuple[UsedRange, list[str]]:
    """Lets frames be spoken as in a kept take, and locks them.

    Args:
        number: of the take in the list.
        first, last: frames; those that the take does not have, or the strip does not move, are left as they are.

    Returns:
        what was written, and sentences for the user.

    Raises:
        DGTalkerError: the take is not there, is damaged, or has none of these frames; nothing was changed.
    """
    reason = disabled_reason(strip)
    if reason:
        raise DGTalkerError(reason)
    own, head = strip_properties(strip), strips.speaker(strip)
    if not 0 <= number < len(own.kept_takes):
        raise DGTalkerError(f"{strip.name} has no such take.", "Press Keep Take first.")
    assert head is not None
    scene, start, take = storage.scene_of(head), speaker_properties(head).first, words.take_of(head)
    assert scene is not None
    assert take is not None
    entry, clock = own.kept_takes[number], strips.clock(scene)
    kept = resampled(recordings.from_text(entry.data), take.fps)
    if not math.isfinite(entry.begins):
        raise DGTalkerError(f"{entry.name} cannot be read: it begins nowhere.", "Remove it.")
    begins = round(strips.file_start(scene, strip) + clock.frames(entry.begins))
    # What was cut off the strip is another line's now.
    reach_start, reach_end = _reach(scene, head, strip)
    low, high = max(begins, start, reach_start), min(begins + kept.frames, start + take.frames, reach_end) - 1
    if low > high:
        raise DGTalkerError(
            f"{entry.name} has no frames of what {strip.name} plays now.", "Use it on the part it is of."
        )
    if max(first, low) > min(last, high):
        raise DGTalkerError(f"{entry.name} has no frames from {first} to {last}.", f"Give frames of {low} to {high}.")
    used = UsedRange(max(first, low), min(last, high), entry.number)
    directions = wanted.directions_of(scene, head, start)
    notes = retarget.write(head, take, start, directions, within=Comp(used.first, used.last, kept, begins))
    if entry.retiming != json.dumps(sound_identity.retiming(strip)):
        notes = [*notes, f"{strip.name} was retimed since {entry.name} was kept: its lips may not fit the sound."]
    used_takes.cut(scene, head, used.first, used.last)
    used_takes.note(scene, strip, used)
    return used, notes


def name_of(strip: Any, number: int) -> str:
    """How a kept take is called, by its number; the panel says so where it was removed."""
    return next((each.name for each in strip_properties(strip).kept_takes if each.number == number), "a removed take")


def _reach(scene: bpy.types.Scene, head: bpy.types.Object, strip: Any) -> tuple[int, int]:
    """The first frame over which a strip moves the face, and the one behind the last."""
    sounds = strips.audible_of(scene, head)
    reaches = timing.reaches([sound.span for sound in sounds], strips.clock(scene))
    for sound, reach in zip(sounds, reaches, strict=True):
        if sound.strip == strip:
            return int(np.floor(reach.start)), int(np.ceil(reach.end))
    raise DGTalkerError(f"Nothing is heard of {strip.name}.")


def _letters(number: int) -> str:
    """1 is A, 27 is AA."""
    letters = ""
    while number:
        number, letter = divmod(number - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters
