"""People who do not exist: what their numbers change, and that they can be seen from all sides."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dgtalker_engine.capture import face_model
from dgtalker_engine.capture.face_model import Region
from dgtalker_engine.gaussians import render
from dgtalker_engine.systems.dgtalker.config import GeneratorConfig
from dgtalker_engine.systems.dgtalker.places import even_template
from dgtalker_engine.systems.dgtalker.population.people import Population
from dgtalker_engine.systems.dgtalker.population.traits import CODE_SIZE, IDENTITY, TRAITS, draw, normalized
from dgtalker_engine.systems.dgtalker.prior.samples import draw_expression, view

CONFIG = GeneratorConfig(gaussians=9000, layered=True, position_range=0.4)
MODEL = face_model.load()
REST = np.zeros(52, np.float32)


@pytest.fixture(scope="module")
def population():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dgtalker_engine.systems.dgtalker.places.plane_layout", lambda model: model.uv)
        return Population(MODEL, even_template(MODEL, CONFIG.gaussians), CONFIG)


def somebody(**numbers):
    """A code: a mean face with some traits."""
    code = np.zeros(CODE_SIZE, np.float32)
    code[0] = 1e-3
    for name, number in numbers.items():
        code[IDENTITY + TRAITS.index(name)] = number
    # What is left of the length goes where it shows least.
    code[-1] = np.sqrt(CODE_SIZE - np.square(code).sum())
    return code


def shown(**weights):
    expression = REST.copy()
    for name, weight in weights.items():
        expression[MODEL.expression_names.index(name)] = weight
    return expression


def colours(population, code, expression=REST):
    """sRGB at the places, from the front (G, 3)."""
    raw = population.raw(population.person(code), expression)
    return (0.5 + 0.5 * torch.tanh(raw.colour[0, :, :3])).numpy()


def test_a_code_is_always_the_same_person_and_another_code_is_another(population):
    random = np.random.default_rng(3)
    first, second = draw(random), draw(random)
    torch.testing.assert_close(
        population.raw(population.person(first), REST), population.raw(population.person(first), REST)
    )
    np.testing.assert_allclose(np.square(normalized(2 * first)).mean(), 1, rtol=1e-5)
    one, other = (population.heads(population.person(code), REST) for code in (first, second))
    assert (one.means - other.means).abs().max() > 2e-3
    assert (one.sh - other.sh).abs().max() > 0.1


def test_anybody_can_be_rendered_and_has_no_holes(population):
    random = np.random.default_rng(4)
    for yaw in (-60.0, 0.0, 60.0):
        person = population.person(draw(random))
        cloud = population.heads(person, draw_expression(MODEL.expression_names, random)).cloud(0)
        cloud.check_values()
        alpha = np.asarray(render(cloud, view(96, yaw)).alpha)
        inside = alpha[28:64, 40:56]
        assert inside.min() > 0.97, f"a hole at {yaw}°"
        assert cloud.means.abs().max() < 0.4


def test_traits_change_what_they_name(population):
    canvas = population.canvas
    cheek = (canvas.region == Region.SKIN) & (canvas.points[:, 1] < -40)
    light, dark = (colours(population, somebody(skin_tone=number))[cheek].mean() for number in (-2, 2))
    assert light > dark + 0.25
    chin = (canvas.region == Region.SKIN) & (np.abs(canvas.points - canvas.chin).max(axis=1) < 14)
    bare, bearded = (
        colours(population, somebody(sex=2, beard=number, skin_tone=-1))[chin].mean() for number in (-3, 3)
    )
    assert bearded < bare - 0.15
    lowest = [
        population.heads(population.person(somebody(sex=-2, hair_length=number)), REST).means[0, :, 2].numpy()
        for number in (-3, 3)
    ]
    scalp = canvas.region == Region.SCALP
    assert lowest[1][scalp].min() < lowest[0][scalp].min() - 0.05
    young, old = (population.person(somebody(age=number)) for number in (-2, 2))
    assert young["age"] < 25 < 65 < old["age"]
    assert old["grey"] > 0.7 > young["grey"] == 0


def test_raised_brows_wrinkle_the_forehead_and_little_else(population):
    code = somebody(age=2)
    change = np.abs(
        colours(population, code, shown(browInnerUp=1, browOuterUpLeft=1, browOuterUpRight=1))
        - colours(population, code)
    ).mean(axis=1)
    canvas = population.canvas
    front = canvas.points[:, 1] < -45
    forehead = front & (canvas.region == Region.UPPER_FACE) & (canvas.points[:, 2] > 30) & (canvas.points[:, 2] < 50)
    chin = front & (canvas.region == Region.SKIN) & (canvas.points[:, 2] < -85)
    assert change[forehead].mean() > 5 * change[chin].mean()
    assert change[forehead].max() > 0.03


def test_expressions_are_within_bounds_and_mostly_symmetrical():
    random = np.random.default_rng(5)
    drawn = np.stack([draw_expression(MODEL.expression_names, random) for _ in range(400)])
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    assert (drawn.max(axis=1) == 0).mean() == pytest.approx(0.1, abs=0.05)
    assert (drawn.max(axis=0) > 0.3).all(), "an expression is never seen"
    left = MODEL.expression_names.index("mouthSmileLeft")
    right = MODEL.expression_names.index("mouthSmileRight")
    assert np.corrcoef(drawn[:, left], drawn[:, right])[0, 1] > 0.7
    smile, frown = drawn[:, left], drawn[:, MODEL.expression_names.index("mouthFrownLeft")]
    assert (np.minimum(smile, frown) == 0).all()
