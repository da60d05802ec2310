"""A GaussianTalker head from a clip to its file."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from dgtalker_engine import avatar
from dgtalker_engine.capture import face_model as face_models
from dgtalker_engine.capture.face_model import Region
from dgtalker_engine.systems import AVATAR_SYSTEMS, TRAINERS
from dgtalker_engine.systems.gaussiantalker.config import GaussianTalkerConfig
from dgtalker_engine.systems.gaussiantalker.export import trained_head
from dgtalker_engine.systems.gaussiantalker.job import train_job
from dgtalker_engine.systems.gaussiantalker.train import train
from dgtalker_engine.training import Run, one_torch_thread
from dgtalker_engine.wire.jobs import Request

CONFIG = {"steps": 30, "face_gaussians": 3000, "hair_gaussians": 800, "most_gaussians": 4000, "density_control": False}


def test_a_job_writes_a_head_that_looks_like_the_person_in_the_clip(tmp_path, clip, model):
    clip = clip.save_info(photometric=True)
    consent = {"subject": "Nobody", "status": "synthetic"}
    request = Request(
        trainer="gaussiantalker",
        config=CONFIG,
        input=str(clip.folder),
        output=str(tmp_path / "made.dgt"),
        consent=consent,
    )
    result = train_job(request, Run(folder=tmp_path / "job"))
    head = avatar.load(tmp_path / "made.dgt")
    assert head.metadata.training.system == "gaussiantalker"
    assert result["bake"]["psnr"] > 28
    assert (tmp_path / "job" / "train" / "checkpoint.safetensors").is_file()
    assert set(AVATAR_SYSTEMS) <= set(TRAINERS)


def test_what_is_exported_knows_hair_from_face_and_what_it_learned_of_the_speaker_from_the_face_models_own(clip):
    with one_torch_thread():
        face_model = face_models.load()
        model = train(GaussianTalkerConfig.from_json(CONFIG), clip, face_model, Run())
        head = trained_head(model)
        on_face = head.triangles >= 0
        assert 0 < (~on_face).sum() < on_face.sum()
        assert set(model.regions.numpy()[~on_face]) == {int(Region.SCALP)}
        np.testing.assert_allclose(head.barycentrics.sum(axis=1), 1, atol=1e-5)
        with torch.no_grad():
            model.blend_colours.add_(10.0)
            expression = torch.zeros(len(face_model.expression_names))
            expression[face_model.expression_names.index("jawOpen")] = 1.0
            still = torch.zeros(len(face_model.joint_names), 3)
            none = torch.zeros_like(model.latent.linear[0])
            learned, plain = head.pose(expression, still), head.pose_with(expression, still, none)
            rest = head.pose_with(torch.zeros_like(expression), still, none)
            unbounded = torch.from_numpy(head.latents.offset) + expression @ torch.from_numpy(head.latents.linear)
            latents = head.latents.bound * torch.tanh(unbounded / head.latents.bound)
            same = head.pose_with(expression, still, latents)
    torch.testing.assert_close(same.sh, learned.sh, atol=1e-4, rtol=1e-4)
    assert (learned.sh - plain.sh).abs().max() > 0.5
    assert torch.equal(plain.sh, rest.sh)
    assert (plain.means - rest.means)[torch.from_numpy(on_face)].norm(dim=1).max() > 0.005


def test_a_head_without_the_speakers_blendshapes_can_be_exported(clip):
    config = replace(GaussianTalkerConfig.from_json({**CONFIG, "steps": 2}), blend_position=False,
                     blend_rotation=False, blend_colour=False)  # fmt: skip
    with one_torch_thread():
        face_model = face_models.load()
        head = trained_head(train(config, clip, face_model, Run()))
        expression = torch.full((len(face_model.expression_names),), 0.2)
        still = torch.zeros(len(face_model.joint_names), 3)
        with torch.no_grad():
            assert torch.equal(
                head.pose(expression, still).means, head.pose_with(expression, still, torch.zeros(0)).means
            )
