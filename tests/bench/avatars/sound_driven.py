"""A clip's test part driven by its sound: expressions by the person's manner, learned on its training part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from dgtalker_engine.capture.clip import Clip
from dgtalker_engine.capture.face_model import FaceModel
from dgtalker_engine.rig import ARKIT_NAMES
from dgtalker_engine.systems.gaussiantalker.motion.figures import LipMeter, closed_auc
from dgtalker_engine.systems.gaussiantalker.motion.hearing import RATE, hear, sound_input
from dgtalker_engine.systems.gaussiantalker.motion.manner import Manner
from dgtalker_engine.systems.gaussiantalker.motion.model import MOTION_NAMES
from dgtalker_engine.training.export import TrainedHead


def expressions(clip: Clip, head: TrainedHead, *, until: float) -> np.ndarray | None:
    """float32 (T, 52): the mouth from sound in the head's manner, the rest as its mean before `until` seconds.

    None where the head has no manner, since its clip is mute.
    """
    if not head.extras:
        return None
    manner = Manner.from_tensors({name: torch.from_numpy(value) for name, value in head.extras.items()})
    samples, rate = clip.sound()
    curves = manner.curves(hear(samples, rate, sound_input("" if manner.sound == sound_input().name else manner.sound)))
    tracks = clip.tracks
    result = np.tile(tracks.expression[tracks.times < until].mean(axis=0), (len(clip), 1)).astype(np.float32)
    clock = np.arange(len(curves)) / RATE
    for name, curve in zip(MOTION_NAMES, curves.T, strict=True):
        result[:, ARKIT_NAMES.index(name)] = np.interp(tracks.times, clock, curve)
    return result


def closures(clip: Clip, face_model: FaceModel, heard: np.ndarray, test: Sequence[int]) -> float:
    """AUC of finding the test frames with closed lips."""
    meter, columns = LipMeter(face_model), [ARKIT_NAMES.index(name) for name in MOTION_NAMES]
    rows = list(test)
    tracked, predicted = (meter.opening(curves[rows][:, columns]) for curves in (clip.tracks.expression, heard))
    return closed_auc(tracked, predicted)
