"""Numbers that overflow somewhere later are refused where they come in, whole ones of any length, too."""

from __future__ import annotations

import warnings
from dataclasses import fields

import numpy as np
import pytest
from take_tools import make_take

from dgtalker_engine import speech
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import Direction, exchange, perform
from dgtalker_engine.performance.recorded import RecordedAmounts, directed

ODD = [float("nan"), float("inf"), -float("inf"), 1e308, -1e308, 1e39, 10**400, -(10**400), 2**63, -1, 0]


@pytest.fixture(scope="module")
def take():
    return make_take(6.0)


@pytest.mark.parametrize("name", [field.name for field in fields(Direction)])
def test_a_direction_is_refused_or_gives_finite_weights(take, name):
    for value in ODD:
        given = {"start": 0.0, "end": 5.0, name: {"happy": value} if name == "styles" else value}
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                weights = perform(take, [Direction(**given)]).weights
            except DGTalkerError:
                continue
        assert np.isfinite(weights).all(), value


@pytest.mark.parametrize("seed", [1.5, float("nan"), 2**31, -1])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(DGTalkerError):
        Direction(0.0, 1.0, seed=seed)


@pytest.mark.parametrize("name", [field.name for field in fields(RecordedAmounts)])
def test_amounts_of_a_recording_are_refused_or_give_finite_weights(take, name):
    recording = perform(take, [])
    for value in ODD:
        try:
            amounts = RecordedAmounts(**{name: value})
        except DGTalkerError:
            continue
        assert np.isfinite(directed(recording, amounts).weights).all(), value


@pytest.mark.parametrize("value", ODD)
def test_rates_and_times_of_speech_are_refused(value):
    sound = np.zeros(1600, np.float32)
    with pytest.raises(DGTalkerError):
        speech.animate(sound, 16000, fps=value)
    with pytest.raises(DGTalkerError):
        speech.animate(sound, value, fps=25.0)
    with pytest.raises(DGTalkerError):
        speech.Passage(0.0, value if value > 1 else -1.0, "hello")
    with pytest.raises(DGTalkerError):
        exchange.parse(b"Timecode,BlendShapeCount,JawOpen\n0,1,0.5\n1,1,0.6\n", fps=value)
