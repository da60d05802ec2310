"""Somebody of a clip in the latent space: inversion, tuning, and their head's file."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from tiny_generator import TINY, tiny_generator
from vgg_file import write_vgg

from dgtalker_engine import avatar
from dgtalker_engine.capture import pictures
from dgtalker_engine.capture.clip import Clip, frame_path
from dgtalker_engine.capture.face_model import Region
from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.gaussians import render
from dgtalker_engine.systems.dgtalker import job
from dgtalker_engine.systems.dgtalker import personalise as personalising
from dgtalker_engine.systems.dgtalker.attributes import activated
from dgtalker_engine.systems.dgtalker.config import DGTalkerConfig
from dgtalker_engine.systems.dgtalker.export import trained_head
from dgtalker_engine.systems.dgtalker.generator import Generator
from dgtalker_engine.systems.dgtalker.mapping import expression_of
from dgtalker_engine.systems.dgtalker.personalise import expressive, on_turn, personalise
from dgtalker_engine.systems.dgtalker.prior.config import PriorConfig
from dgtalker_engine.systems.dgtalker.prior.file import VARIABLE, to_bytes
from dgtalker_engine.systems.dgtalker.template import Template
from dgtalker_engine.systems.dgtalker.train import Trained, prior_of, train
from dgtalker_engine.systems.dgtalker.tuning import Tuning, plane_rates
from dgtalker_engine.systems.dgtalker.visibility import carried_on, faced, spread
from dgtalker_engine.training import Run
from dgtalker_engine.training.clip_frames import Split
from dgtalker_engine.training.clip_sound import training_sound
from dgtalker_engine.training.head_evaluation import over_background
from dgtalker_engine.training.metrics import psnr
from dgtalker_engine.wire.jobs import Request

SAMPLE = Path(__file__).resolve().parents[3] / "demo" / "sample.wav"


@pytest.fixture(scope="module")
def prior(model):
    return tiny_generator(model)


@pytest.fixture(scope="module")
def person(frames, prior):
    return personalise(TINY.person(), frames, prior, Run())


def not_navigated(person):
    return trained_head(Trained(person, None, torch.zeros(1, 52)))


def head_of(person, frames, index):
    cloud = not_navigated(person).pose(frames.expression(index), frames.joint_pose(index), frames.turn(index))
    return cloud.map(lambda each: each[~of_neck(person.generator)])


def of_neck(generator):
    return generator.face_model.regions[generator.triangles] == Region.NECK


def likeness(frames, cloud, index):
    head = torch.from_numpy(frames.head(index))
    return psnr(over_background(frames, index, cloud), frames.frame(index), head)


def test_a_person_looks_like_the_frames_that_were_kept_from_them(frames, prior, person):
    index = frames.split.test[-1]
    with torch.no_grad():
        nobody = prior(prior.mapping.w_avg[None].new_zeros(1, prior.config.width)).cloud(0)
        before = likeness(frames, nobody.map(lambda each: each[~of_neck(prior)]), index)
        after = likeness(frames, head_of(person, frames, index), index)
    assert after > before + 5
    assert after > 20


def test_the_bones_under_a_person_are_those_of_the_capture_whatever_moves_them(frames, person):
    step = torch.randn_like(person.canonical)
    identity, _ = person.generator.face(person.latents(torch.zeros(1, 52), step))
    np.testing.assert_allclose(identity[0].numpy(), frames.tracks.identity, atol=1e-6)


def test_an_expression_is_part_of_the_latent_and_steps_come_on_top(person):
    expression = torch.rand(2, 52)
    latents = person.latents(expression)
    torch.testing.assert_close(expression_of(latents, 52), expression[:, None].expand_as(latents[..., :52]))
    step = torch.randn(2, *person.canonical.shape[1:])
    torch.testing.assert_close(person.latents(expression, step), latents + step)
    assert not any(parameter.requires_grad for parameter in person.generator.parameters())


def test_what_is_exported_knows_what_was_learned_of_the_speaker_from_the_face_models_own(frames, person):
    head = not_navigated(person)
    expression, still = frames.expression(frames.split.training[3]), torch.zeros(2, 3)
    latents = head.latents.bound * torch.tanh(
        (torch.from_numpy(head.latents.offset) + expression @ torch.from_numpy(head.latents.linear))
        / head.latents.bound
    )
    with torch.no_grad():
        learned = head.pose(expression, still)
        same = head.pose_with(expression, still, latents)
        plain = head.pose_with(expression, still, torch.zeros_like(latents))
    torch.testing.assert_close(same.sh, learned.sh, atol=1e-3, rtol=1e-3)
    assert (plain.sh - learned.sh).abs().max() > 0.01
    torch.testing.assert_close(plain.means, person.heads(person.latents(expression[None])).means[0])


def test_what_no_frame_shows_stays_as_the_latent_has_it(model, frames, prior):
    person = personalise(replace(TINY, carried_on=False).person(), frames, prior, Run())
    with torch.no_grad():
        raw = prior.raw(person.canonical)
        inverted = activated(raw, person.generator.template(person.canonical), prior.config).cloud(0)
        tuned = person.heads(person.canonical).cloud(0)
    moved = (tuned.sh - inverted.sh)[:, 0].norm(dim=1)
    behind = inverted.means[:, 1] > 0.09
    face = model.regions[prior.triangles] == Region.SKIN
    assert behind.sum() > 100
    assert moved[behind].mean() < 0.35 * moved[face].mean()


def test_what_is_shown_of_a_few_texels_moves_those_between_them_and_none_far_away(model):
    sizes = PriorConfig(resolution=64, channel_base=256, channel_max=16, width=120, gaussians=30).generator()
    prior = Generator(sizes, Template.empty(sizes.gaussians), model)
    tuning = Tuning(prior, torch.zeros(len(model.identity)), None)
    optimiser = torch.optim.Adam(tuning.levels, 0.5)
    for _ in range(100):
        loss = (tuning.added()[:, :8:2, :8:2] - 30).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    added = tuning.added()
    assert added[:, 2:6, 2:6].min() > 10
    assert added[:, 32:, 32:].abs().max() < 1
    expected = prior.shared + plane_rates(prior.config)[:, None, None] * added
    torch.testing.assert_close(tuning.person().generator.shared, expected)


def test_colours_that_no_frame_shows_go_on_from_those_around_them():
    planes, shown = torch.zeros(2, 16, 16), torch.zeros(16, 16)
    planes[0, :, :4], planes[0, :, 8:] = 3.0, -50.0
    shown[:, :4] = 1
    went_on = carried_on(planes, shown)
    torch.testing.assert_close(went_on[0], torch.full((16, 16), 3.0))
    assert torch.equal(went_on[1], planes[1])


def test_a_face_is_looked_at_and_the_back_of_a_head_is_not(frames, prior):
    shares = faced(frames, prior.triangles)
    ahead = prior.points[:, 1] < prior.points[:, 1].quantile(0.05)
    assert shares[ahead].mean() > 0.6
    assert shares[prior.points[:, 1] > 0.09].max() == 0


def test_where_nobody_looks_clothes_go_on_as_they_are_around(frames, prior):
    training = personalising._Training(replace(TINY, steps=1, own_steps=0).person(), frames, prior)
    looked_at = faced(frames, prior.triangles)
    behind, shown = (training.neck & which for which in (prior.points[:, 1] > 0.05, looked_at > 0.9))
    with torch.no_grad():
        clothes = spread(training.neck * (looked_at > 0), prior.uv, prior.config.resolution)
        training.tuning.levels[0][9:12] += 150 * clothes
        apart = []
        for person in (training.tuning.person(), training.finished()):
            colours = person.heads(training.tuning.latents.at_rest()).sh[0, :, 0]
            apart.append((colours[behind].mean(dim=0) - colours[shown].mean(dim=0)).abs())
    assert behind.sum() > 20
    assert apart[0].min() > 0.5
    assert apart[1].max() < 0.35


def test_a_training_that_was_stopped_goes_on_to_the_same_person(tmp_path, frames, prior, person):
    class Stopped:
        asked = 0

        def __call__(self):
            self.asked += 1
            return self.asked == 30

    with pytest.raises(Cancelled):
        personalise(TINY.person(), frames, prior, Run(folder=tmp_path, cancelled=Stopped()))
    again = personalise(TINY.person(), frames, prior, Run(folder=tmp_path))
    for name, tensor in person.state_dict().items():
        assert torch.equal(tensor, again.state_dict()[name]), name


def test_how_somebody_is_navigated_is_nothing_to_the_training_of_the_person():
    other = replace(TINY, navigation_steps=700, cross_view=False, blendshapes=False)
    assert other.person() == TINY.person()
    assert replace(TINY, network_rate=0.1).person() != TINY.person()


def test_a_training_does_not_go_on_from_another_prior(tmp_path, model, frames, prior):
    config = replace(TINY, steps=2, own_steps=0).person()
    personalise(config, frames, prior, Run(folder=tmp_path))
    other = tiny_generator(model)
    with torch.no_grad():
        other.mapping.w_avg.add_(0.01)
    with pytest.raises(DGTalkerError, match="another prior") as refused:
        personalise(config, frames, other, Run(folder=tmp_path))
    assert "prior that it began with" in refused.value.hint


def test_the_prior_is_the_one_that_the_environment_names_unless_the_configuration_does(
    tmp_path, model, prior, monkeypatch
):
    (tmp_path / "own.safetensors").write_bytes(to_bytes(prior))
    monkeypatch.setenv(VARIABLE, str(tmp_path / "own.safetensors"))
    assert prior_of(DGTalkerConfig(), model).config == prior.config
    monkeypatch.setenv(VARIABLE, str(tmp_path / "nothing.safetensors"))
    assert prior_of(DGTalkerConfig(prior=str(tmp_path / "own.safetensors")), model).config == prior.config
    with pytest.raises(DGTalkerError, match=r"nothing\.safetensors"):
        prior_of(DGTalkerConfig(), model)


def test_the_network_sees_necks_and_its_share_of_the_semantic_loss():
    steps = range(1200)
    for every in (4, 5, 6):
        turns = [number for number in steps if on_turn(number, every)]
        assert len(turns) == 1200 / every
        assert sum(number % 2 == 0 for number in turns) == len(turns) / 2
    assert all(on_turn(number, 1) for number in steps)


def test_test_frames_their_tracks_and_their_sound_teach_nothing(tmp_path, clip, model, frames, prior, monkeypatch):
    # What is behind the person, and in what light, is known of all frames.
    monkeypatch.setattr("dgtalker_engine.training.clip_frames.plate", lambda *_: frames.plate)
    monkeypatch.setattr("dgtalker_engine.training.clip_frames.gains", lambda *_: frames.gains)
    (tmp_path / "own.safetensors").write_bytes(to_bytes(prior))
    config = replace(TINY, prior=str(tmp_path / "own.safetensors"), steps=8, navigation_steps=4, share=0.9)
    split = Split.of(len(clip), config.share)
    test, (sound, rate) = split.test[0], soundfile.read(SAMPLE, frames=22050, start=11025, dtype="float32")
    soundfile.write(shutil.copytree(clip.folder, tmp_path / "clip") / "sound.wav", sound, rate)
    one = Clip.load(tmp_path / "clip")
    expression = clip.tracks.expression.copy()
    expression[test:] = 0.5
    sound[int(clip.tracks.times[test] * rate) :] *= -0.5
    soundfile.write(shutil.copytree(one.folder, tmp_path / "other") / "sound.wav", sound, rate)
    other = Clip.load(tmp_path / "other").save_tracks(replace(clip.tracks, expression=expression))
    for index in split.test:
        frame_path(other.folder, index).write_bytes(pictures.encode_jpeg(255 - one.frame(index)))
    heard = [training_sound(each, split)[0] for each in (one, other)]
    assert len(heard[0]) == int(clip.tracks.times[test] * rate)
    assert np.array_equal(*heard)
    trained = [train(config, each, model, Run()) for each in (one, other)]
    assert all(each.navigation is not None and each.navigation.encoders is not None for each in trained)
    for part in ("person", "navigation"):
        first, second = (getattr(each, part).state_dict() for each in trained)
        assert first.keys() == second.keys()
        for name, tensor in first.items():
            assert torch.equal(tensor, second[name]), name


def test_without_blendshapes_a_clip_without_sound_is_refused_before_anything_is_trained(tmp_path, clip, model, prior):
    mute = shutil.copytree(clip.folder, tmp_path / "clip")
    (mute / "sound.wav").unlink()
    (tmp_path / "own.safetensors").write_bytes(to_bytes(prior))
    config = replace(TINY, prior=str(tmp_path / "own.safetensors"), blendshapes=False)
    with pytest.raises(DGTalkerError, match="without sound"):
        train(config, Clip.load(mute), model, Run(progress=pytest.fail))


def test_the_users_vgg_counts_in_the_persons_pictures(tmp_path, frames, prior):
    config, told = replace(TINY, steps=1, vgg_weights=str(write_vgg(tmp_path))), []
    personalise(config.person(), frames, prior, Run(progress=told.append))
    assert told[-1].losses["vgg"] > 0


def test_frames_for_the_inversion_are_those_whose_expressions_differ():
    expressions = np.zeros((40, 3), np.float32)
    expressions[7, 0], expressions[21, 1] = 1.0, 0.8
    assert set(expressive(expressions, 3)) >= {7, 21}
    assert sorted(expressive(expressions[:2], 5)) == [0, 1]


def test_a_job_writes_a_persons_head_and_looks_for_the_prior_before_anything_else(tmp_path, clip, prior):
    clip = clip.save_info(photometric=True)
    (tmp_path / "own.safetensors").write_bytes(to_bytes(prior))
    request = Request(
        trainer="dgtalker",
        config=replace(TINY, prior=str(tmp_path / "own.safetensors"), steps=30).to_json(),
        input=str(clip.folder),
        output=str(tmp_path / "made.dgt"),
        consent={"subject": "Nobody", "status": "synthetic"},
    )
    result = job.train_job(request, Run(folder=tmp_path / "job"))
    head = avatar.load(tmp_path / "made.dgt")
    assert head.metadata.training.system == "dgtalker"
    assert result["bake"]["psnr"] > 28
    assert any(control.group == "latent" for control in head.rig.controls)
    assert len(head.metadata.latents) >= 1
    with torch.no_grad():
        image = render(head.pose(head.rig.defaults), clip.camera(0))
    assert float(torch.as_tensor(image.alpha).max()) > 0.9
    missing = replace(request, config={"prior": str(tmp_path / "nothing.safetensors")})
    with pytest.raises(DGTalkerError, match=r"nothing\.safetensors"):
        job.train_job(missing, Run(folder=tmp_path / "other"))
    vgg = {"prior": str(tmp_path / "own.safetensors"), "vgg_weights": str(tmp_path / "missing.pth")}
    with pytest.raises(DGTalkerError, match="VGG-19"):
        job.train_job(replace(request, config=vgg), Run(folder=tmp_path / "other"))
    assert not (tmp_path / "other" / "clip").exists()
