"""What a head's file shows of shut eyes: lids alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from bound_head import BoundConfig, made_clip, system_that

from dgtalker_engine.capture import face_model as face_models
from dgtalker_engine.capture.face_model import Region
from dgtalker_engine.training import Run
from dgtalker_engine.training.baking import BakeSource
from dgtalker_engine.training.export import bake_source
from dgtalker_engine.training.face_rig import face_rig


@pytest.fixture(scope="module")
def bound(tmp_path_factory: pytest.TempPathFactory) -> tuple[BakeSource, np.ndarray]:
    """A head as it is baked, and which of its Gaussians are the eyes', bool (N,)."""
    model = face_models.load()
    clip = made_clip(tmp_path_factory.mktemp("clips") / "made")
    head = system_that().train(BoundConfig(), clip, model, Run())
    rig = face_rig(model, clip.tracks.identity)
    return bake_source(head, clip, model, rig), model.regions.numpy()[head.triangles] == Region.EYES


def test_an_eye_behind_shut_lids_fades_and_the_other_one_stays(bound: tuple[BakeSource, np.ndarray]) -> None:
    source, eyes = bound
    open_, shut = (source.cloud(source.weights(eyeBlinkLeft=blink)) for blink in (0.0, 1.0))
    left = torch.from_numpy(eyes) & (open_.means[:, 0] > 0)
    right = torch.from_numpy(eyes) & (open_.means[:, 0] < 0)
    assert left.any()
    assert (shut.opacities[left] == 0).all()
    assert (shut.means[left, 1] > open_.means[left, 1] + 0.005).all()
    assert torch.equal(shut.opacities[right], open_.opacities[right])
    assert torch.equal(shut.opacities[~torch.from_numpy(eyes)], open_.opacities[~torch.from_numpy(eyes)])


def test_a_half_shut_eye_is_whole(bound: tuple[BakeSource, np.ndarray]) -> None:
    source, _ = bound
    open_, half = (source.cloud(source.weights(eyeBlinkLeft=blink)) for blink in (0.0, 0.5))
    assert torch.equal(half.opacities, open_.opacities)
