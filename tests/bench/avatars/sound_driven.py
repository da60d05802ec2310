"""A clip's test part driven by its sound: expressions by the person's manner, learned on its training part."""

from __future__ import annotations

import numpy as np
import safetensors.numpy

from dgtalker_engine import systems
from dgtalker_engine.capture.clip import Clip
from dgtalker_engine.capture.face_model import FaceModel
from dgtalker_engine.rig import ARKIT_NAMES
from dgtalker_engine.speech.hearing.moments import RATE, hear, sound_of
from dgtalker_engine.systems.d3talker.manner import Manner as D3TalkersManner
from dgtalker_engine.systems.dgtalker.navigation.manner import Manner as DGTalkersManner
from dgtalker_engine.systems.gaussiantalker.motion import manner
from dgtalker_engine.systems.gaussiantalker.motion.adapt import lag_of
from dgtalker_engine.systems.gaussiantalker.motion.config import AdaptationConfig
from dgtalker_engine.systems.gaussiantalker.motion.dataset import lip_basis
from dgtalker_engine.systems.gaussiantalker.motion.manner import Manner as GaussianTalkersManner
from dgtalker_engine.systems.gaussiantalker.motion.person import sample_of_clip
from dgtalker_engine.training.export import TrainedHead


def expressions(clip: Clip, face: FaceModel, head: TrainedHead, *, until: float) -> tuple[np.ndarray, float] | None:
    """The mouth from sound in the head's manner, the rest as its mean before `until` seconds.

    A GaussianTalker's lips are in time with the sound; a video's may be late or early. By how much is found in the part
    before `until`, as the adaptation does, and given back: else a figure would tell how well the video was muxed.
    Those of the other systems are as late as the video's.

    Returns:
        float32 (T, 52), and by how many seconds the video's lips are late. None where the head has no manner, since its
        clip is mute.
    """
    if not head.extras:
        return None
    own = systems.manner_of(safetensors.numpy.save(dict(head.extras)))
    assert isinstance(own, GaussianTalkersManner | DGTalkersManner | D3TalkersManner)
    sound = sound_of(own.sound)
    samples, rate = clip.sound()
    curves = own.curves(hear(samples, rate, sound))
    late = 0.0
    if isinstance(own, GaussianTalkersManner):
        sample = sample_of_clip(clip, sound, until=until)
        late = lag_of(manner.load().translator, sample, lip_basis(face), AdaptationConfig().latest)
    tracks = clip.tracks
    result = np.tile(tracks.expression[tracks.times < until].mean(axis=0), (len(clip), 1)).astype(np.float32)
    clock = np.arange(len(curves)) / RATE + late
    for name, curve in zip(own.names, curves.T, strict=True):
        result[:, ARKIT_NAMES.index(name)] = np.interp(tracks.times, clock, curve)
    return result, late
