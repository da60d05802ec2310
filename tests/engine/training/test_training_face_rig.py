"""Sliders of a person's face: what full weight does to this person."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dgtalker_engine.capture import face_model as face_models
from dgtalker_engine.capture.face_model import FaceModel, Region
from dgtalker_engine.capture.mesh_raster import rasterize
from dgtalker_engine.rig import ARKIT_NAMES
from dgtalker_engine.training.face_rig import FaceRig, face_rig

BLINKS = [ARKIT_NAMES.index(f"eyeBlink{side}") for side in ("Left", "Right")]


@pytest.fixture(scope="module")
def model() -> FaceModel:
    return face_models.load()


def narrow(model: FaceModel) -> np.ndarray:
    """The identity, of two standard deviations, whose lids are nearest to each other."""
    blink = model.expression[BLINKS].sum(dim=0)
    identity = -torch.tensordot(model.identity[:, :, 2], blink[:, 2], 1)
    return (-2 * identity / identity.norm()).numpy()


def eye_pixels(model: FaceModel, rig: FaceRig, identity: np.ndarray, blink: float) -> int:
    weights = np.array([blink * name.startswith("eyeBlink") for name in rig.rig.names], np.float32)
    vertices = model.vertices(torch.from_numpy(identity), torch.from_numpy(rig.expression(weights))).numpy()
    pixels = vertices[:, [0, 2]] * (2000, -2000) + (256, 128)
    seen = rasterize(pixels, vertices[:, 1] + 1, model.faces.numpy(), 256, 512).triangles
    return int((model.regions.numpy()[seen[seen >= 0]] == Region.EYES).sum())


def test_a_full_blink_shuts_narrow_eyes_and_goes_no_farther(model: FaceModel) -> None:
    identity = narrow(model)
    rig = face_rig(model, identity)
    assert 0.3 < rig.reach[BLINKS].max() < face_rig(model, np.zeros_like(identity)).reach[BLINKS].min()
    opened = eye_pixels(model, rig, identity, 0)
    assert eye_pixels(model, rig, identity, 1) < 0.03 * opened
    assert eye_pixels(model, rig, identity, 0.8) > 0.03 * opened


def test_weights_are_those_that_make_an_expression(model: FaceModel) -> None:
    rig = face_rig(model, narrow(model))
    weights = np.zeros(len(rig.rig.controls), np.float32)
    weights[: len(ARKIT_NAMES)] = np.linspace(0, 1, len(ARKIT_NAMES))
    np.testing.assert_allclose(rig.weights(rig.expression(weights)), weights[: len(ARKIT_NAMES)], atol=1e-6)
