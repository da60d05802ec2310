"""What several people share is learned apart from what is somebody's own."""

from __future__ import annotations

from copy import copy, deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from d3talker_tools import TINY, sound

from dgtalker_engine.capture.face_model import FaceModel
from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.systems.d3talker import prior
from dgtalker_engine.systems.d3talker.config import D3TalkerConfig
from dgtalker_engine.systems.d3talker.contrast import similarity_contrastive_loss
from dgtalker_engine.systems.d3talker.fields import COLOURS, MEANS
from dgtalker_engine.systems.d3talker.pretrain import PretrainConfig, Somebody, pretrain, readable, recovered_looks
from dgtalker_engine.systems.d3talker.probe import identity_accuracy, looks, recovered
from dgtalker_engine.systems.d3talker.train import train_frames
from dgtalker_engine.training import Progress, Run
from dgtalker_engine.training.clip_frames import ClipFrames

CONFIG = PretrainConfig(
    **{
        **TINY.to_json(),
        "steps": 10,
        "face_gaussians": 1200,
        "hair_gaussians": 400,
        "neck_gaussians": 0,
        "density_control": False,
        "half_share": 1.0,
        "semantic_weight": 0.0,
    }
)


def test_the_loss_is_low_where_motion_is_like_ones_own_and_unlike_that_of_others() -> None:
    general = torch.randn(50, 3)
    alike, unlike = [general * 2, -general], [-general, general * 2]
    near, far = (float(similarity_contrastive_loss(general, each, 0, 0.1)) for each in (alike, unlike))
    assert near < 1e-4
    assert far > 10
    same = float(similarity_contrastive_loss(general, [general, general], 1, 0.1))
    assert same == pytest.approx(torch.tensor(2.0).log().item(), abs=1e-4)


def test_training_by_the_loss_turns_a_field_towards_ones_own() -> None:
    torch.manual_seed(3)
    own, other = torch.randn(2, 40, 3)
    general = torch.nn.Parameter(torch.randn(40, 3))
    optimiser = torch.optim.Adam([general], 0.1)
    for _ in range(60):
        optimiser.zero_grad()
        similarity_contrastive_loss(general, [own, other], 0, 0.1).backward()
        optimiser.step()
    similar = torch.cosine_similarity(general.flatten()[None], torch.stack([own, other]).flatten(1))
    assert similar[0] > similar[1] + 0.3


def test_a_probe_reads_who_it_is_only_where_that_is_said() -> None:
    torch.manual_seed(4)
    who = torch.arange(3).repeat_interleave(30)
    noise, other = torch.randn(2, 90, 200)
    assert identity_accuracy(noise, who, other, who) < 0.6
    said = 2 * torch.randn(3, 200)[who]
    assert identity_accuracy(noise + said, who, other + said, who) > 0.95


def test_faces_that_a_field_has_learned_by_heart_can_be_recovered_and_others_cannot(heads, people) -> None:
    torch.manual_seed(5)
    _, faces = looks([each.frames for each in people])
    assert not faces.any()  # of one person twice, about the mean
    field, places = deepcopy(heads[0].general), heads[0].common[:400]
    codes = torch.eye(CONFIG.code)[:2]
    with torch.no_grad():
        known = torch.stack([field(code) - field(0 * code) for code in codes])[:, places]
    known = torch.cat([known[..., MEANS], known[..., COLOURS]], dim=2)
    everybody = torch.cat([known, torch.randn(2, 400, 6)])
    for found in recovered(field, places, everybody, CONFIG.code):
        assert (found[:2] > 0.95).all()
        assert (found[2:] < 0.3).all()


@pytest.fixture(scope="module")
def people(frames: ClipFrames) -> list[Somebody]:
    return [Somebody(frames, sound(frames)), Somebody(frames, sound(frames))]


@pytest.fixture(scope="module")
def heads(people: list[Somebody]):
    return pretrain(CONFIG, people, Run())


def test_people_share_one_general_field_and_have_an_individual_one_each(heads, people: list[Somebody]) -> None:
    first, second = (head.state_dict() for head in heads)
    for name in first:
        if name.split(".")[0] in prior.SHARED:
            assert torch.equal(first[name], second[name])
    assert heads[0].general.face.answers.weight.abs().max() > 0
    assert not torch.equal(first["individual.face.answers.weight"], second["individual.face.answers.weight"])
    assert all(0 <= share <= 1 for share in readable(heads, people))


def test_pre_training_that_was_cancelled_goes_on_to_the_same_bits(heads, people, tmp_path: Path) -> None:
    steps: list[Progress] = []
    run = Run(folder=tmp_path, progress=steps.append, progress_seconds=0, cancelled=lambda: len(steps) == 5)
    with pytest.raises(Cancelled):
        pretrain(CONFIG, people, run)
    for ours, theirs in zip(pretrain(CONFIG, people, Run(folder=tmp_path)), heads, strict=True):
        wanted = theirs.state_dict()
        assert all(torch.equal(tensor, wanted[name]) for name, tensor in ours.state_dict().items())


def test_a_head_begins_with_what_people_share_and_nothing_of_anybodys(
    heads, frames: ClipFrames, model: FaceModel, tmp_path: Path
) -> None:
    file = tmp_path / "prior.safetensors"
    file.write_bytes(prior.to_bytes(heads[0], CONFIG, model))
    config = replace(TINY, steps=1)
    shared = prior.read(file, config, model)
    assert {name.split(".")[0] for name in shared} == set(prior.SHARED)
    head = train_frames(config, frames, sound(frames), Run(), shared)
    torch.testing.assert_close(
        head.general.face.answers.weight, heads[0].general.face.answers.weight, atol=0.01, rtol=0.01
    )
    assert not head.individual.face.answers.weight.any()
    with pytest.raises(DGTalkerError, match="sizes"):
        prior.read(file, replace(config, code=4), model)
    lacking = {name: tensor for name, tensor in shared.items() if name != "general.face.answers.weight"}
    with pytest.raises(DGTalkerError, match="has not what this head begins with"):
        train_frames(config, frames, sound(frames), Run(), lacking)
    file.write_bytes(b"nothing")
    with pytest.raises(DGTalkerError):
        prior.read(file, config, model)


def test_what_a_prior_says_of_faces_is_told_of_those_it_knew_and_of_others_beside_chance(
    heads, people: list[Somebody]
) -> None:
    def with_another_shape(scale: float) -> ClipFrames:
        other = copy(people[0].frames)
        other.face_model = replace(other.face_model, neutral=scale * other.face_model.neutral)
        return other

    known = [Somebody(with_another_shape(scale), people[0].heard) for scale in (1.0, 1.05)]
    told = recovered_looks(heads, known, [with_another_shape(0.97)])
    for known_share, unseen_share in (told.shape, told.shape_by_chance):
        assert 0 < known_share < 1
        assert 0 < unseen_share < 1


def test_a_head_of_the_engines_face_model_begins_with_the_engines_own_prior(model: FaceModel) -> None:
    shared = prior.chosen(D3TalkerConfig(), model)
    assert shared is not None
    assert {name.split(".")[0] for name in shared} == {"motion", "general"}  # nobody's own
    assert prior.SHIPPED.stat().st_size < 2e6
    assert prior.chosen(D3TalkerConfig(pretrained=False), model) is None
    other = replace(model, neutral=model.neutral * 1.01)
    assert prior.chosen(D3TalkerConfig(), other) is None
    with pytest.raises(DGTalkerError, match="another face model"):
        prior.chosen(D3TalkerConfig(prior=str(prior.SHIPPED)), other)
