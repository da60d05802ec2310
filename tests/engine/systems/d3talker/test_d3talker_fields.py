from __future__ import annotations

import torch
from d3talker_tools import TINY

from dgtalker_engine.capture.face_model import FaceModel
from dgtalker_engine.systems.d3talker.encoding import SparseRows, TriPlaneHash
from dgtalker_engine.systems.d3talker.fields import COLOURS, LOG_SCALES, MEANS, TURNS, Field
from dgtalker_engine.systems.d3talker.motion import SIDE, WINDOW, CoordinateMaps, MotionEncoder
from dgtalker_engine.systems.d3talker.sound import ExpressionCode


def test_compiled_products_and_their_gradients_are_those_of_the_reference() -> None:
    rows = SparseRows(torch.randint(0, 50, (200, 4)), torch.rand(200, 4), 50)
    ours, theirs = (torch.arange(150.0).reshape(50, 3).requires_grad_() for _ in range(2))
    outer = torch.randn(200, 3)
    rows.times(ours).backward(outer)
    rows.reference_times(theirs).backward(outer)
    torch.testing.assert_close(rows.times(ours), rows.reference_times(theirs))
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_an_encoding_changes_smoothly_along_the_face_and_tells_distant_places_apart() -> None:
    places = torch.tensor([[0.5, 0.5, 0.5], [0.5005, 0.5, 0.5], [0.8, 0.3, 0.6]])
    hashed = TriPlaneHash(places, levels=3, coarsest=8, finest=64, entries=256, features=2)
    with torch.no_grad():
        hashed.tables.normal_()
        here, near, far = hashed()
    assert (here - near).norm() < 0.2 * (here - far).norm()
    assert hashed.width == len(here) == 18


def test_a_field_that_has_not_learned_anything_changes_nothing_and_then_only_its_parts() -> None:
    mouth = Field(torch.rand(30, 3), TINY.code, (MEANS, COLOURS), TINY)
    assert not mouth(torch.ones(TINY.code)).any()
    torch.nn.init.normal_(mouth.answers.weight)
    change = mouth(torch.ones(TINY.code))
    assert change[:, MEANS].abs().min() > 0
    assert not change[:, LOG_SCALES].any()
    assert not change[:, TURNS].any()


def test_a_map_shows_how_far_the_face_is_from_its_rest(model: FaceModel) -> None:
    maps = CoordinateMaps(model)
    assert not maps(model.neutral).any()
    jaw = torch.zeros(len(model.expression_names))
    jaw[model.expression_names.index("jawOpen")] = 1.0
    moved = maps(model.vertices(jaw[:0], jaw)[None])
    assert moved.shape == (1, 3, SIDE, SIDE)
    assert moved[0, 2].min() < -0.5  # of a centimetre, downwards
    assert (moved[0].norm(dim=0) < 0.01).float().mean() > 0.3  # the forehead stays


def test_a_face_that_stands_still_is_heard_as_one_frame_of_it_over_and_over(model: FaceModel) -> None:
    encoder = MotionEncoder(8)
    torch.nn.init.normal_(encoder.time.weight, std=0.1)
    still = torch.randn(1, 3, SIDE, SIDE)
    torch.testing.assert_close(encoder(still, None), encoder(still.expand(WINDOW, -1, -1, -1), None))
    torch.testing.assert_close(encoder(still, None), encoder(still, torch.zeros(3)))


def test_a_face_that_never_moves_has_codes(model: FaceModel) -> None:
    encoder = MotionEncoder(8)
    still = torch.randn(1, 3, SIDE, SIDE)
    encoder.set_scale(still.expand(30, -1, -1, -1))
    assert encoder(still, None).abs().max() < 0.5
    expressions = torch.rand(1, len(model.expression_names)).expand(30, -1)
    code = ExpressionCode(expressions, 8)
    assert code(expressions).abs().max() < 0.5
    assert code.said()(code(expressions)).isfinite().all()
