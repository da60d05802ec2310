from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, dataclass

import pytest

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.training import Config, setting


@dataclass(frozen=True, kw_only=True)
class HeadConfig(Config):
    rate: float = setting(0.01, "learning rate", least=0.0, most=1.0)
    mirrored: bool = setting(False, "whether colours are mirrored")
    background: str = setting("white", "behind the head", choices=("white", "black"))
    sizes: tuple[int, ...] = setting((256, 512), "of the pictures, px", least=16)


def test_a_configuration_is_the_same_after_a_way_through_json():
    config = HeadConfig(steps=7, rate=0.1 + 0.2, background="black", sizes=(64,))
    assert HeadConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_a_field_that_is_not_given_has_its_default():
    assert HeadConfig.from_json({"seed": 3}) == HeadConfig(seed=3)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"steps": 0}, "steps = 0 is less than 1"),
        ({"steps": 2.5}, "steps = 2.5 is not a whole number"),
        ({"steps": True}, "steps = True is not a whole number"),
        ({"rate": 2}, "rate = 2 is more than 1"),
        ({"rate": float("nan")}, "rate = nan is not finite"),
        ({"rate": "fast"}, "rate = 'fast' is not a number"),
        ({"mirrored": 1}, "mirrored = 1 is not true or false"),
        ({"background": "grey"}, "background = 'grey' is none of white, black"),
        ({"sizes": [64, 8]}, "is less than 16"),
        ({"sizes": 64}, "sizes = 64 is not"),
        ({"sizes": ["64"]}, "is not"),
        ({"size": 64, "stepz": 1}, "HeadConfig has no size and no stepz"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_with_what_the_field_means(values, message):
    with pytest.raises(DGTalkerError, match=message) as refused:
        HeadConfig.from_json(values)
    assert refused.value.hint


def test_a_whole_number_is_a_number_too():
    assert HeadConfig(rate=1).rate == 1


def test_a_configuration_cannot_be_changed():
    with pytest.raises(FrozenInstanceError):
        HeadConfig().steps = 3
