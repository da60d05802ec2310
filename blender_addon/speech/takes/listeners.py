"""Heads that listen: to whom on a timeline, how much, and where they see who speaks.

Whom a head hears is decided from the takes of the others on its timeline: as their keys speak them, so do listeners
follow. Heads without a line listen as well, over a take in which nothing is said.
"""

from __future__ import annotations

import dataclasses
import hashlib
import math
import zlib
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

import bpy
import numpy as np

from dgtalker_engine.performance import Direction, Performance, Take, attention, floor
from dgtalker_engine.performance.backchannels import with_backchannels
from dgtalker_engine.performance.direction import DirectionBlend
from dgtalker_engine.performance.gaze import looking_beside
from dgtalker_engine.performance.lines import lengthened, silence
from dgtalker_engine.performance.styles import style_weights

from ...head import model
from ...properties import speaker_properties
from ..keys import evaluation, keyframes
from ..timeline import speakers, strips
from . import gaze, storage, wanted, words

REACTION = "reaction"

_EARLY, _LATE = 0.5, 2.0
"""Seconds before what is heard, and after it, in which a listener moves."""
_SAMPLED = 0.5
"""Seconds between two moments at which it is looked where a speaker is; between them he goes straight."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Listened:
    """What a head does while others speak. Times are seconds from frame 0 on.

    Attributes:
        rate: frames per second.
        span: the frames on which it performs, its own lines among them.
        heard: phrases of others.
        said: when it speaks itself, (n, 2).
        reaction: on each frame, (frames,).
        attention: whom it looks at.
        target: from between its eyes to those of whom it looks at, (frames, 3); None where it cannot look.
        seed: its own.
    """

    rate: float
    span: range
    heard: list[floor.Phrase]
    said: np.ndarray
    reaction: np.ndarray
    attention: attention.Attention
    target: np.ndarray | None
    seed: int

    @property
    def digest(self) -> list[str]:
        """What tells whether keys listen so."""
        found = hashlib.sha256()
        for phrase in self.heard:
            told = [
                phrase.voice,
                round(phrase.start, 4),
                round(phrase.end, 4),
                phrase.seed,
                sorted(phrase.styles.items()),
            ]
            found.update(repr(told).encode() + np.round(phrase.syllables, 4).tobytes())
        target = np.zeros(0) if self.target is None else np.round(self.target, 4) + 0.0  # of -0.0
        for array in (self.said, self.reaction, target):
            found.update(np.round(array, 5).tobytes())
        return [found.hexdigest(), str(self.span), str(self.seed)]

    def whole(
        self, take: Take | None, first: int, directions: Sequence[Direction]
    ) -> tuple[Take, int, list[Direction]]:
        """A take over all of its frames, the first of them, and what is asked for in seconds from there on."""
        if take is None:
            return silence(len(self.span), self.rate, self.seed), self.span.start, []
        before = first - self.span.start
        later = before / self.rate
        moved = [dataclasses.replace(each, start=each.start + later, end=each.end + later) for each in directions]
        return lengthened(take, before, len(self.span) - before - take.frames), self.span.start, moved

    def laid_over(self, performed: Performance, free: np.ndarray, head_share: float) -> Performance:
        """What is performed over all of its frames, by somebody who listens.

        Args:
            free: how much the eyes have no target that the animator gave them, 0–1 (frames,).
            head_share: see `gaze.Look`.
        """
        since = self.span.start / self.rate
        played = with_backchannels(performed, self.heard, self.said, self.reaction, since=since, seed=self.seed)
        if self.target is None:
            return played
        return looking_beside(played, self.target, self.attention.aside, self.attention.amount * free, head_share)


def of_steps(head: bpy.types.Object, take: Take | None, first: int) -> Generator[object, None, Listened | None]:
    """What a speaker whose take begins at frame `first`, or a head without any, listens to; None where to nothing."""
    scene = scene_of(head)
    if scene is None or not speaker_properties(head).listens or not gaze.may_be_above_0(head, REACTION):
        return None
    rate = strips.clock(scene).rate
    said = np.zeros((0, 2)) if take is None else take.utterances + first / rate
    voices = _voices(scene, head, rate)
    phrases: list[floor.Phrase] = []
    for number, voice in enumerate(voices):
        phrases += yield from _phrases_steps(scene, voice, number)
    heard = floor.attended(phrases, said)
    if not heard:
        return None
    around = _span(heard, rate)
    amount, since = (yield from gaze.numbers_steps(head, REACTION, around)), around.start
    heard = [each for each in heard if _rows(each, rate, since, amount).any()]
    if not heard:
        return None
    span = _span(heard, rate)
    reaction = amount[span.start - since : span.stop - since]
    if take is not None:
        span = range(min(span.start, first), max(span.stop, first + take.frames))
        reaction = yield from gaze.numbers_steps(head, REACTION, span)
    seed = zlib.crc32(head.name.encode())
    looks = attention.attention(floor.turns(heard, said), said, reaction, since=span.start / rate, fps=rate, seed=seed)
    target = None if gaze.turns_as_a_whole(head) else (yield from _target_steps(head, voices, looks.voice, span, rate))
    return Listened(
        rate=rate, span=span, heard=heard, said=said, reaction=reaction, attention=looks, target=target, seed=seed
    )


def scene_of(head: bpy.types.Object) -> bpy.types.Scene | None:
    """The scene on whose timeline a head speaks, or listens without a line."""
    own = speaker_properties(head)
    if own.take:
        return storage.scene_of(head)
    return _timeline(head) if own.listens else None


def _timeline(head: bpy.types.Object) -> bpy.types.Scene | None:
    """The scene on whose timeline a head listens. Where nobody speaks in the one of that name, it was renamed: it is
    the one on whose timeline others speak."""
    named = bpy.data.scenes.get(speaker_properties(head).scene)
    scenes = [*([named] if named else []), *bpy.data.scenes]
    return next((scene for scene in scenes if _seen_with(head, strips.speaking(scene))), named)


def _seen_with(head: bpy.types.Object, speaking: Sequence[bpy.types.Object]) -> list[bpy.types.Object]:
    """The others of some heads that are seen in a scene with a head."""
    seen = set(head.users_scene)
    return [other for other in speaking if other != head and seen & set(other.users_scene)]


def join(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The heads that are seen with those who speak on a timeline, and say nothing: from now on they listen there."""
    speaking = strips.speaking(scene, audible_only=True)
    seen = {ob for head in speaking for other in head.users_scene for ob in model.heads(other)} - set(speaking)
    keys = {model.key_of(part) for head in speaking for part in speakers.meshes(head)}
    found: list[bpy.types.Object] = []
    for head in sorted(filter(model.has_controls, seen), key=lambda ob: ob.name_full):
        own = speaker_properties(head)
        if (
            own.take
            or model.key_of(head) in keys
            or storage.scene_of(head) is not None
            or keyframes.locked_reason(head)
        ):
            continue
        keys.add(model.key_of(head))
        own.listens, own.scene = True, scene.name
        found.append(head)
    return found


def every() -> Iterator[bpy.types.Object]:
    """The heads that may listen, anywhere."""
    return (ob for ob in bpy.data.objects if ob.type == "MESH" and speaker_properties(ob).listens)


def without_a_line(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The heads that listen on a timeline and say nothing there, by name."""
    silent = [head for head in every() if not speaker_properties(head).take and scene_of(head) == scene]
    return sorted(
        (head for head in silent if speakers.is_speaker(head) and head.users_scene), key=lambda ob: ob.name_full
    )


def disabled_reason(head: bpy.types.Object) -> str:
    """Why a head does not listen whatever its Reaction is; empty where it does. Cheap."""
    own = speaker_properties(head)
    if not own.listens:
        return "Counts from the next Animate on."
    scene = _timeline(head)
    others = [other for other in strips.speaking(scene) if other != head] if scene else []
    return "" if others else f"Nobody but {head.name} speaks."


def _voices(scene: bpy.types.Scene, head: bpy.types.Object, rate: float) -> list[bpy.types.Object]:
    """The others that speak on a timeline, were animated, and are seen in a scene with a head."""
    others = _seen_with(head, strips.speaking(scene, audible_only=True))
    return [other for other in others if speaker_properties(other).take and _has_rate(other, rate)]


def _has_rate(head: bpy.types.Object, rate: float) -> bool:
    take = storage.take_of(head)
    return take is not None and math.isclose(take.fps, rate, rel_tol=1e-4)


def _phrases_steps(
    scene: bpy.types.Scene, voice: bpy.types.Object, number: int
) -> Generator[object, None, list[floor.Phrase]]:
    """What another one says, in its styles."""
    take, first = words.take_of(voice), speaker_properties(voice).first
    assert take is not None
    directions = wanted.directions_of(scene, voice, first)
    own = yield from wanted.styles_steps(voice, first, take.frames)
    styles = style_weights(DirectionBlend(directions, take.frames, take.fps), own).weights
    sounds = strips.audible_of(scene, voice)
    found: list[floor.Phrase] = []
    for phrase in floor.phrases_of(take, number, first / take.fps, styles):
        middle = (phrase.start + phrase.end) / 2 * take.fps
        loud = [sound.strip.volume for sound in sounds if sound.span.start <= middle < sound.span.end]
        found.append(dataclasses.replace(phrase, level=max(loud, default=1.0)))
    return found


def _span(heard: Sequence[floor.Phrase], rate: float) -> range:
    """The frames on which phrases are listened to."""
    first = math.floor((heard[0].start - _EARLY) * rate)
    return range(max(0, first), math.ceil((max(each.end for each in heard) + _LATE) * rate) + 1)


def _rows(phrase: floor.Phrase, rate: float, since: int, amount: np.ndarray) -> np.ndarray:
    """Those of values, from frame `since` on, that a phrase has."""
    return amount[max(0, math.floor(phrase.start * rate) - since) : math.ceil(phrase.end * rate) + 1 - since]


def _target_steps(
    head: bpy.types.Object, voices: Sequence[bpy.types.Object], looked_at: np.ndarray, span: range, rate: float
) -> Generator[object, None, np.ndarray]:
    """From between a head's eyes to those of whom it looks at on each frame, float64 (frames, 3)."""
    target = np.tile([0.0, -1.0, 0.0], (len(span), 1))
    eyes, step = gaze.eyes_of(head), max(1, round(_SAMPLED * rate))
    for number, voice in enumerate(voices):
        rows = np.flatnonzero(looked_at == number)
        if not len(rows):
            continue
        ends = np.diff(rows, prepend=-9, append=rows[-1] + 9) > 1
        sampled = rows[ends[:-1] | ends[1:] | (rows % step == 0)]
        frames = [span[row] for row in sampled.tolist()]
        seen = yield from evaluation.points_steps(head, voice, gaze.eyes_of(voice), frames)
        target[rows] = np.stack([np.interp(rows, sampled, column) for column in (seen - eyes).T], axis=1)
    return target
