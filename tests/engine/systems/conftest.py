from __future__ import annotations

import pytest
import torch
from made_clips import make_clip

from dgtalker_engine.capture import face_model
from dgtalker_engine.capture.clip import Clip
from dgtalker_engine.capture.face_model import FaceModel
from dgtalker_engine.training.clip_frames import ClipFrames


@pytest.fixture(scope="session")
def model() -> FaceModel:
    return face_model.load()


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    return make_clip(tmp_path_factory.mktemp("clips") / "made")


@pytest.fixture(scope="session")
def frames(clip: Clip, model: FaceModel) -> ClipFrames:
    return ClipFrames(clip, model, share=0.8)


@pytest.fixture(autouse=True)
def _same_random_numbers() -> None:
    torch.manual_seed(0)
