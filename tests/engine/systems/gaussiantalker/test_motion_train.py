"""The motion translator's training: sound moves mouths, each person's in their manner, the same each time."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from motion_tools import JAW, TINY, WIDTH, lips, person

from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.systems.gaussiantalker.motion.adapt import PERSON, adapt, lag_of
from dgtalker_engine.systems.gaussiantalker.motion.config import AdaptationConfig
from dgtalker_engine.systems.gaussiantalker.motion.dataset import sample_of, shifted
from dgtalker_engine.systems.gaussiantalker.motion.manner import Manner
from dgtalker_engine.systems.gaussiantalker.motion.model import ANYONE, MOTION_NAMES, MotionTranslator
from dgtalker_engine.systems.gaussiantalker.motion.train import train
from dgtalker_engine.training import Progress, Run

PEOPLE = [person("wide", 0.5, seed=1), person("small", 0.15, seed=2), person("usual", 0.3, seed=3)]
STRANGER = person("stranger", 0.2, seed=9)


@pytest.fixture(scope="module")
def base() -> MotionTranslator:
    return train(PEOPLE, lips(), TINY)


def jaw(model: MotionTranslator, sample, row: int = ANYONE) -> np.ndarray:
    return Manner(model, row, "made up", ()).curves(sample.heard)[:, JAW]


def test_sound_opens_the_mouth_of_somebody_who_was_never_seen(base):
    assert np.corrcoef(jaw(base, STRANGER), STRANGER.curves[:, JAW])[0, 1] > 0.8


def test_each_person_moves_in_their_own_manner(base):
    rows = {name: 1 + i for i, name in enumerate(sorted(sample.speaker for sample in PEOPLE))}
    moved = {name: jaw(base, STRANGER, row).std() for name, row in rows.items()}
    assert moved["wide"] > 1.1 * moved["usual"] > 1.1 * moved["small"]


def test_the_same_seed_gives_the_same_translator_also_after_a_stop(base, tmp_path):
    class Stop:
        def __init__(self) -> None:
            self.asked = 0

        def __call__(self) -> bool:
            self.asked += 1
            return self.asked > 20

    with pytest.raises(Cancelled):
        train(PEOPLE, lips(), TINY, Run(folder=tmp_path, cancelled=Stop()))
    again = train(PEOPLE, lips(), TINY, Run(folder=tmp_path))
    assert all(torch.equal(a, b) for a, b in zip(base.state_dict().values(), again.state_dict().values(), strict=True))


def test_every_loss_is_a_switch():
    told: list[Progress] = []
    short = replace(TINY, steps=2)
    train(PEOPLE, lips(), short, Run(progress=told.append))
    assert {*told[-1].losses} == {"parameters", "vertices", "smoothness", "latent", "contrast", "text"}
    off = replace(short, vertices=0.0, smoothness=0.0, latent=0.0, contrast=0.0, text=0.0)
    train(PEOPLE, lips(), off, Run(progress=told.append))
    assert {*told[-1].losses} == {"parameters"}


def test_a_translator_without_identity_moves_everybody_alike():
    model = train(PEOPLE, lips(), replace(TINY, steps=5, identity=False))
    first, second = (jaw(model, STRANGER, row) - model.get_buffer("usual")[row, JAW].item() for row in (1, 2))
    assert np.allclose(first, second, atol=1e-5)


def test_a_minute_of_somebody_teaches_their_manner(base):
    mumbler = person("mumbler", 0.08, seed=21)
    model = adapt(base, mumbler, lips(), AdaptationConfig(steps=60, crop=1.0, stay=0.0))
    new = person("mumbler", 0.08, seed=22)
    asked = new.curves[:, JAW]
    before = np.abs(jaw(base, new) - asked).mean()
    after = np.abs(jaw(model, new, PERSON) - asked).mean()
    assert after < 0.5 * before
    assert set(base.state_dict()) == set(model.state_dict())
    encoder = [name for name in base.state_dict() if name.startswith("encoder.")]
    assert all(torch.equal(base.state_dict()[name], model.state_dict()[name]) for name in encoder)


def test_a_clip_whose_sound_is_late_is_put_right(base):
    late = person("late", 0.3, seed=5, late=0.08)
    assert lag_of(base, late, lips(), 0.12) == pytest.approx(0.08, abs=0.021)


def test_adapting_with_other_sound_features_is_refused(base):
    other = person("other", 0.3)
    wider = replace(other.heard, sound=np.concatenate([other.heard.sound] * 2, axis=2))
    with pytest.raises(DGTalkerError, match=f"{2 * WIDTH} features"):
        adapt(base, replace(other, heard=wider), lips(), AdaptationConfig(steps=1))


def test_nothing_to_learn_from_is_refused():
    with pytest.raises(DGTalkerError, match="no clip"):
        train([], lips(), TINY)
    silent = replace(STRANGER.heard, speaking=np.zeros(len(STRANGER.heard), bool))
    with pytest.raises(DGTalkerError, match="less than a second of speech"):
        sample_of("silent", "nobody", silent, np.arange(0, 6, 0.04), np.zeros((150, 52)))


def test_pictures_are_learned_from_only_where_they_are():
    times = np.concatenate([np.arange(0, 2, 0.04), np.arange(4, 6, 0.04)])
    arkit = np.repeat(times[:, None], 52, axis=1).astype("f4")
    sample = sample_of("gap", "somebody", STRANGER.heard, times, arkit)
    assert sample.weight[50 * 3] == 0
    assert sample.weight[50] == sample.weight[250] == 1
    assert sample.curves[50] == pytest.approx(np.full(len(MOTION_NAMES), 1.0), abs=1e-5)


@pytest.mark.parametrize("late", [0.1, -0.1])
def test_a_shifted_sample_forgets_what_it_has_no_picture_of(late):
    moved = shifted(STRANGER, late)
    assert moved.weight.sum() == len(STRANGER.weight) - 5
    rows = moved.weight > 0
    assert np.array_equal(moved.curves[rows], np.roll(STRANGER.curves, -round(late * 50), axis=0)[rows])
