"""The manner of a clip's person: the shipped base, adapted to the clip."""

from __future__ import annotations

import math
from pathlib import Path

from ....capture.clip import Clip
from ....capture.face_model import FaceModel
from ....speech.hearing.moments import RATE, SoundInput, hear, sound_of
from ....training import Run
from . import manner
from .adapt import PERSON, adapt
from .config import AdaptationConfig
from .dataset import NoSpeechError, Sample, lip_basis, part, sample_of
from .manner import Manner


def manner_of(
    clip: Clip,
    face: FaceModel,
    config: AdaptationConfig,
    run: Run,
    *,
    until: float = math.inf,
    base: Path = manner.SHIPPED,
) -> Manner:
    """How the person of a clip moves their mouth.

    Args:
        clip: captured and fitted, with sound.
        face: the face model that it was fitted with.
        config: of the adaptation.
        run: where the adaptation's checkpoint is kept, and who is told what.
        until: seconds of the clip that may be learned from; what comes after them is for tests.
        base: the file of the base.

    Raises:
        NoSpeechError: the clip has no sound or hardly any speech.
        DGTalkerError: there is no base.
        Cancelled, Interrupted: as `training.run_loop`.
    """
    learned = manner.load(base)
    sound = sound_of(learned.sound)
    run.check()
    sample = sample_of_clip(clip, sound, until=until)
    translator = adapt(learned.translator, sample, lip_basis(face), config, run)
    return Manner(translator, PERSON, learned.sound, learned.learned_from)


def sample_of_clip(clip: Clip, sound: SoundInput, *, until: float = math.inf) -> Sample:
    """A clip as the translator learns from it, up to a time in seconds.

    Raises:
        NoSpeechError: it has no sound, or hardly any speech in that time.
    """
    samples, rate = clip.sound()
    if len(samples) == 0:
        raise NoSpeechError(f"{clip.folder} has no sound: how its person speaks is not heard.", "Give one with sound.")
    heard = hear(samples, rate, sound)
    rows = clip.tracks.times < until
    times, curves = clip.tracks.times[rows], clip.tracks.expression[rows]
    sample = sample_of(clip.folder.name, clip.folder.name, heard, times, curves)
    return part(sample, 0.0, min(until, len(heard) / RATE))
