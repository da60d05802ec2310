"""The sound encoder's training: it learns, comes out the same, and goes on where it was stopped."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.speech.lipsync import encoders
from dgtalker_engine.speech.lipsync.spectrum import BANDS
from dgtalker_engine.systems.lipsync.config import LipsyncConfig
from dgtalker_engine.systems.lipsync.dataset import Sample
from dgtalker_engine.systems.lipsync.model import MOVEMENT_SCALE
from dgtalker_engine.systems.lipsync.train import train
from dgtalker_engine.training import Progress, Run


def made_up_samples() -> list[Sample]:
    """Sounds that are on or off, a jaw that opens while they are on, and a phone that says so."""
    random = np.random.default_rng(0)
    samples = []
    for number in range(4):
        on = np.repeat(random.random(60) > 0.5, 10)
        energies = np.where(on[:, None], 1.0, -1.0) * np.linspace(0.5, 1.5, BANDS) + random.normal(0, 0.1, (600, BANDS))
        movement = np.zeros((600, len(encoders.CHANNELS)), np.float32)
        movement[:, 0] = 0.3 * on
        classes = np.where(on, encoders.PHONE_CLASSES.index("AA"), 0)
        samples.append(
            Sample(
                voice=str(number),
                real=number % 2 == 0,
                energies=energies.astype(np.float16),
                movement=movement,
                classes=classes,
            )
        )
    return samples


def predicted(encoder: encoders.SoundEncoder, sample: Sample) -> np.ndarray:
    with torch.inference_mode():
        return encoder(torch.from_numpy(sample.energies.astype(np.float32).T[None]))[0][0].T.numpy()


def test_an_encoder_learns_what_it_is_taught_and_the_same_from_the_same_seed():
    samples = made_up_samples()
    told: list[Progress] = []

    def trained() -> np.ndarray:
        run = Run(progress=told.append, progress_seconds=0.0)
        return predicted(train(samples, LipsyncConfig(steps=40, seed=5, batch=4, crop=100), run), samples[0])

    first = trained()
    jaw = first[:, 0] * MOVEMENT_SCALE[0]
    assert np.corrcoef(jaw, samples[0].movement[::2, 0])[0, 1] > 0.8
    assert (told[19].step, told[19].of) == (20, 40)
    assert told[-1].step == 40
    assert {*told[-1].losses} == {"movement", "phones"}
    assert trained() == pytest.approx(first, abs=0.02)


def test_a_training_that_was_stopped_ends_as_one_that_was_not(tmp_path):
    samples = made_up_samples()
    config = LipsyncConfig(steps=12, seed=5, batch=4, crop=100)
    whole = train(samples, config)
    for stop in (5, 6):
        asked: list[None] = []
        run = Run(folder=tmp_path, cancelled=lambda asked=asked, stop=stop: asked.append(None) or len(asked) > stop)
        with pytest.raises(Cancelled):
            train(samples, config, run)
    told: list[Progress] = []
    resumed = train(samples, config, Run(folder=tmp_path, progress=told.append, progress_seconds=0.0))
    assert told[0].step == 12, "it began again instead of going on"
    for name, tensor in whole.state_dict().items():
        assert torch.equal(resumed.state_dict()[name], tensor), name


def test_nothing_to_learn_from_is_told_before_the_first_step():
    with pytest.raises(DGTalkerError, match="no sound to learn from") as error:
        train([], LipsyncConfig(steps=1))
    assert "espeak-ng" in error.value.hint


@pytest.mark.parametrize("wrong", [{"steps": 0}, {"crop": 1}, {"real_share": 1.5}, {"learning_rate": float("nan")}])
def test_a_setting_that_cannot_be_is_refused_by_its_name(wrong):
    with pytest.raises(DGTalkerError, match=next(iter(wrong))):
        LipsyncConfig(**wrong)
