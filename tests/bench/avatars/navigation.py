"""DGTalker's ablations, the poster's table, on our clips: one person, navigated anew without each of the choices.

Sound drives the test frames: α of the encoders straight into W+, with each frame's own pose and blink.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from dgtalker_engine.capture.clip import Clip
from dgtalker_engine.capture.face_model import FaceModel, Region
from dgtalker_engine.gaussians import Gaussians
from dgtalker_engine.speech.hearing.moments import OWN, Heard, hear, sound_of
from dgtalker_engine.systems.dgtalker.config import DGTalkerConfig
from dgtalker_engine.systems.dgtalker.navigation.blendshapes import Blendshapes
from dgtalker_engine.systems.dgtalker.navigation.encoders import windows
from dgtalker_engine.systems.dgtalker.navigation.hearing import heard_in_training
from dgtalker_engine.systems.dgtalker.navigation.navigate import Moved, Navigation, navigate
from dgtalker_engine.systems.dgtalker.person import Person
from dgtalker_engine.systems.dgtalker.personalise import personalise
from dgtalker_engine.systems.dgtalker.train import prior_of
from dgtalker_engine.training import Run
from dgtalker_engine.training.clip_frames import ClipFrames
from dgtalker_engine.training.clip_sound import training_sound
from dgtalker_engine.training.head_evaluation import evaluate

from . import tables
from .ablations import AGAIN, FULL, Ablation
from .protocols import Pose

ABLATIONS = (
    Ablation(FULL, paper=(28.94, 4.00)),
    Ablation(AGAIN, {"seed": 1}),
    Ablation("without disentangling", {"disentangled": False}, paper=(27.74, 4.55)),
    Ablation("without dual encoders", {"dual_encoders": False}, paper=(28.47, 4.13)),
    Ablation("without blendshapes", {"blendshapes": False}, paper=(28.87, 4.19)),
    Ablation("without cross-view supervision", {"cross_view": False}, paper=(28.56, 4.55)),
)


def rows(
    clip: Clip,
    name: str,
    face_model: FaceModel,
    config: DGTalkerConfig,
    folder: Path,
    *,
    steps: int,
    say: Callable[[str], None],
) -> list[tables.Row]:
    """A row for each ablation; none of a clip without sound.

    Args:
        clip: captured.
        name: of it, for the rows.
        face_model: that it was captured with.
        config: of the person.
        folder: of the checkpoints; finished ones are not trained again.
        steps: of each navigation.
        say: is told each row.
    """
    samples, rate = clip.sound()
    if not len(samples):
        say("no sound, so there is nothing to compare")
        return []
    frames = ClipFrames(clip, face_model, share=config.share)
    person = personalise(config.person(), frames, prior_of(config, face_model), Run(folder=folder / "person"))
    known, heard = heard_in_training(*training_sound(clip, frames.split)), hear(samples, rate, sound_of(OWN))
    expressions = torch.stack([frames.expression(index) for index in frames.split.test])
    result = []
    for each in ABLATIONS:
        own = replace(config.navigation(), steps=steps, **each.changes)
        navigation = navigate(own, frames, person, known, Run(folder=folder / each.name.replace(" ", "_")))
        figures = evaluate(frames, spoken(frames, person, navigation, heard), frames.split.test).to_json()
        result.append({"clip": name, "ablation": each.name, "steps": steps, **figures})
        say(f"{each.name}: {figures['psnr']:.2f} dB, LMD {figures['lmd']:.2f}, r {figures['r_open']:.2f}")
        if isinstance(navigation.blendshapes, Blendshapes):
            say(f"  {navigation.blendshapes.kept(expressions):.1%} of the test frames' expressions have an α")
    return result


def spoken(frames: ClipFrames, person: Person, navigation: Navigation, heard: Heard) -> Pose:
    """A frame's number → the head that its sound asks for, without the neck, which the frame has."""
    around = windows(heard, frames.tracks.times)
    shut = torch.from_numpy(frames.tracks.blink.mean(axis=1, keepdims=True).astype(np.float32))
    assert person.generator.face_model is not None
    head = person.generator.face_model.regions[person.generator.triangles] != Region.NECK

    def pose(index: int) -> Gaussians:
        row = slice(index, index + 1)
        with torch.no_grad():
            alpha = navigation.alpha(around[row], shut[row], around[row])
            moved = Moved(frames.joint_pose(index), frames.turn(index))
            cloud = navigation.spoken(person, alpha, moved).cloud(0)
        return cloud.map(lambda each: each[head])

    return pose
