"""Navigating a person: blendshapes, encoders, exchanged sounds, and the switches of the poster's ablations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from made_clips import make_clip
from navigation_tools import BROW, JAW, MODEL, SMILE, SOUND, TINY, expressions, somebody, sound

from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.gaussians import render
from dgtalker_engine.systems.dgtalker.mapping import expression_of
from dgtalker_engine.systems.dgtalker.navigation import hearing
from dgtalker_engine.systems.dgtalker.navigation import navigate as training
from dgtalker_engine.systems.dgtalker.navigation.blendshapes import Blendshapes, FreeSteps
from dgtalker_engine.systems.dgtalker.navigation.cross_view import cross_view_losses, nose_base, upper_half
from dgtalker_engine.systems.dgtalker.navigation.encoders import FRAMES, Encoders, inputs, windows
from dgtalker_engine.systems.dgtalker.navigation.halves import Steps
from dgtalker_engine.systems.dgtalker.navigation.navigate import Navigation, navigate
from dgtalker_engine.systems.dgtalker.person import Person
from dgtalker_engine.training import Run
from dgtalker_engine.training.clip_frames import ClipFrames
from dgtalker_engine.training.clip_sound import training_sound

SHOWN = torch.from_numpy(expressions(np.arange(40) / 25))


@pytest.fixture(scope="module")
def person():
    return somebody()


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    """A clip of a made-up face; its tracks say that the brows rise too."""
    clip = make_clip(tmp_path_factory.mktemp("clips") / "made", frames=30)
    tracks = replace(clip.tracks, expression=expressions(clip.tracks.times))
    return ClipFrames(clip, MODEL, tracks=tracks)


@pytest.fixture
def shapes(person):
    torch.manual_seed(0)
    return Blendshapes(TINY, person.generator.config, SHOWN)


def spoil(blendshapes: Blendshapes) -> None:
    """Leads the learned parts anywhere, all of them near each other."""
    with torch.no_grad():
        blendshapes.learned.copy_(torch.randn_like(blendshapes.learned) + 3 * torch.randn(len(blendshapes.learned), 1))


def test_blendshapes_stay_orthogonal_whatever_they_learn(shapes):
    spoil(shapes)
    whole = shapes.whole().flatten(1)
    products = whole @ whole.T / (whole.norm(dim=1)[:, None] * whole.norm(dim=1))
    assert torch.allclose(products, torch.eye(len(whole)), atol=1e-4)
    assert len(whole) == TINY.expressions + TINY.lips


def test_lips_have_no_part_of_the_upper_face(shapes):
    upper, lower = shapes.basis.split(shapes.sizes)
    assert torch.equal(upper[:, [JAW, SMILE]], torch.zeros(TINY.expressions, 2))
    assert torch.equal(lower[:, BROW], torch.zeros(TINY.lips))
    assert torch.allclose(shapes.basis @ shapes.basis.T, torch.eye(len(shapes.basis)), atol=1e-5)


def test_a_tracked_expression_has_an_alpha_which_says_that_expression_again(shapes, person):
    spoil(shapes)
    alpha = shapes.tracked(SHOWN)
    assert torch.allclose(shapes.expression(alpha), SHOWN, atol=1e-4)
    assert shapes.kept(SHOWN) == pytest.approx(1)
    assert shapes.kept(torch.ones(1, 52)) < 0.9
    latents = person.latents(shapes.expression(alpha), sum(shapes.added(alpha)))
    expected = person.canonical + torch.einsum("bk,klw->blw", alpha, shapes.whole())
    assert torch.allclose(latents, expected, atol=1e-4)
    assert torch.allclose(person.generator.face(latents)[1], SHOWN, atol=1e-4)


def test_at_first_a_person_is_who_the_face_model_moves(shapes, person):
    step = sum(shapes.added(shapes.tracked(SHOWN)))
    plain, moved = (person.heads(person.latents(SHOWN[:1], s)).means for s in (None, step[:1]))
    assert (plain - moved).abs().max() < 1e-4


def test_lips_leave_the_upper_face_alone_and_brows_the_lower_one(person):
    made = Navigation(TINY, person.generator, SHOWN, 0)
    spoil(made.blendshapes)
    with torch.no_grad():
        made.blendshapes.learned.mul_(1e-3)
        rest = made.spoken(person, torch.zeros(1, 7))
        height = person.generator.points[:, 2] - float(nose_base(MODEL)[2])
        for moving, still, other in (
            (slice(3, 7), height > 0.017, height < -0.001),
            (slice(3), height < -0.001, height > 0.017),
        ):
            alpha = torch.zeros(1, 7)
            alpha[:, moving] = 1.0
            changed = (made.spoken(person, alpha).sh - rest.sh).abs().flatten(2).amax(dim=2)[0]
            assert changed[still].max() < 1e-6
            assert changed[other].max() > 1e-3


def test_at_the_usual_expression_the_halves_are_the_person_whole(person):
    made, usual = Navigation(TINY, person.generator, SHOWN, 0), SHOWN.mean(dim=0, keepdim=True)
    nothing = torch.zeros_like(person.canonical)
    with torch.no_grad():
        halves, whole = made.heads(person, usual, Steps(nothing, nothing, nothing)), person.heads(person.latents(usual))
        assert all(torch.allclose(a, b, atol=1e-5) for a, b in zip(halves, whole, strict=True))


def test_without_disentangling_one_set_is_for_the_whole_face(person):
    config = replace(TINY, disentangled=False)
    shapes = Blendshapes(config, person.generator.config, SHOWN)
    assert shapes.sizes == (7, 7)
    both = shapes.basis[:, [JAW, BROW]].abs() > 1e-3
    assert bool(both.all(dim=1).any())
    assert torch.equal(shapes.joined(torch.ones(1, 7), torch.ones(1, 7)), torch.full((1, 7), 2.0))


@pytest.mark.parametrize("disentangled", [True, False])
def test_without_blendshapes_encoders_say_the_step_itself(person, disentangled):
    steps = FreeSteps(replace(TINY, disentangled=disentangled), person.generator.config)
    alpha = steps.tracked(SHOWN)
    latents = person.latents(steps.expression(alpha), sum(steps.added(alpha)))
    assert torch.allclose(latents, person.latents(SHOWN), atol=1e-4)
    free = torch.randn(2, sum(steps.sizes) if disentangled else steps.sizes[0])
    latents = person.latents(steps.expression(free), sum(steps.added(free)))
    expected = person.canonical + steps.unit * free.reshape(2, -1, steps.latents, steps.width).sum(dim=1)
    assert torch.allclose(latents, expected, atol=1e-3)
    assert torch.allclose(expression_of(expected[:, :4].mean(1), 52), steps.expression(free), atol=1e-4)


def test_without_blendshapes_all_numbers_of_a_latent_are_learned(person, frames):
    config = replace(TINY, blendshapes=False, warm_up=0.0, steps=4)
    made = training._Training(config, frames, person, sound(1.4))
    before = [made.model.encoders.upper.exit.bias.clone(), made.model.encoders.lower.exit.bias.clone()]
    for number in range(2):
        made.step(number)
    after = [made.model.encoders.upper.exit.bias, made.model.encoders.lower.exit.bias]
    other = person.generator.config.width - 52
    for old, new in zip(before, after, strict=True):
        changed = (new - old).unflatten(0, (-1, person.generator.config.width))[:, :other]
        assert (changed.abs() > 1e-6).float().mean() > 0.5


@pytest.mark.parametrize("dual", [True, False])
def test_only_the_expression_encoder_takes_the_blink(dual):
    torch.manual_seed(0)
    encoders = Encoders(inputs(SOUND), (3, 4), replace(TINY, dual_encoders=dual))
    for parameter in encoders.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    heard = torch.randn(2, FRAMES, inputs(SOUND))
    window, blink = heard.clone().requires_grad_(), torch.zeros(2, 1, requires_grad=True)
    expression, lips = encoders.expression(window, blink), encoders.lips(window)
    assert expression.shape == (2, 3)
    assert lips.shape == (2, 4)
    assert (torch.autograd.grad(expression.sum(), blink, retain_graph=True)[0] != 0).all()
    assert torch.autograd.grad(lips.sum(), blink, allow_unused=True)[0] is None


@pytest.mark.parametrize("dual", [True, False])
def test_what_a_training_leaves_out_is_the_same_before_and_after_a_frame(dual):
    """So what is said to be smooth is how sound changes, not what was left out."""
    torch.manual_seed(0)
    encoders = Encoders(inputs(SOUND), (3, 4), replace(TINY, dual_encoders=dual, dropout=0.5)).train()
    for parameter in encoders.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    still = torch.randn(6, FRAMES, inputs(SOUND)).expand(3, -1, -1, -1)
    for before, now, after in (encoders.expression(still, torch.zeros(6, 1)), encoders.lips(still)):
        assert torch.allclose(before, now, atol=1e-5)
        assert torch.allclose(now, after, atol=1e-5)
    one = still[:, :1].expand(-1, 6, -1, -1)
    assert encoders.lips(one)[1].std(dim=0).min() > 1e-3
    stacked, alone = encoders.eval().lips(still), encoders.lips(still[0])
    assert torch.allclose(stacked[2], alone, atol=1e-6)


def test_a_window_is_what_is_heard_around_a_moment():
    heard = sound(2.0)
    around = windows(heard, np.array([0.0, 1.0]))
    assert around.shape == (2, FRAMES, inputs(SOUND))
    jaw = 0.3 + 0.3 * np.sin(9 * (1.0 + (np.arange(FRAMES) - 3.5) * 0.04))
    assert around[1, :, -SOUND].numpy() == pytest.approx(jaw, abs=0.01)
    assert torch.equal(around[0, 0], around[0, 3])  # before the sound begins


@pytest.fixture(scope="module")
def scene(person, frames):
    """A head, and two views which show exactly it."""
    cloud = person.heads(person.latents(SHOWN[3:4])).cloud(0)
    views = []
    for index in (2, 9):
        view = frames.view(index, 1)
        image = render(cloud, view.camera, region=view.region, backend="cpu")
        rgb, alpha = torch.as_tensor(image.rgb), torch.as_tensor(image.alpha)
        picture = rgb + (1 - alpha)[..., None] * view.background
        views.append(replace(view, picture=picture.detach(), head=alpha.detach()))
    return cloud, views, nose_base(frames.face_model)


def test_the_halves_part_at_the_nose_in_the_heads_pose(scene):
    _, views, base = scene
    view = views[0]
    mask = upper_half(view.camera, view.region, base, TINY.feather)
    assert mask.shape == view.head.shape
    assert mask[0].min() == 1
    assert mask[-1].max() == 0
    row = int((mask[:, mask.shape[1] // 2] > 0.5).sum()) + view.region[1]
    pixel = view.camera.K @ (view.camera.world_to_camera[:3, :3] @ base + view.camera.world_to_camera[:3, 3])
    assert row == pytest.approx(pixel[1] / pixel[2], abs=1.5)


def test_of_exchanged_sounds_each_frame_supervises_its_own_half(scene):
    cloud, views, base = scene
    leaf = cloud.means.detach().requires_grad_()
    head = replace(cloud, means=leaf)
    wrong = [replace(view, picture=1 - view.picture) for view in views]
    height = leaf.detach()[:, 2] - float(base[2])
    for pair, upper in (((wrong[0], views[1]), True), ((views[0], wrong[1]), False)):
        loss = torch.stack(list(cross_view_losses(head, pair, base, TINY).values())).sum()
        (gradient,) = torch.autograd.grad(loss, leaf)
        size = gradient.norm(dim=1)
        # farther from the border than Gaussians and the window of D-SSIM reach
        own, other = (height > 0.03, height < -0.03) if upper else (height < -0.03, height > 0.03)
        assert size[own].max() > 1e-4
        assert size[other].sum() < 0.02 * size[own].sum()


def test_a_half_that_a_frame_does_not_supervise_may_show_anything(scene):
    cloud, views, base = scene
    first = views[0]
    mask = upper_half(first.camera, first.region, base, TINY.feather)
    spoiled = replace(first, picture=torch.where(mask[..., None] > 0, first.picture, 0.3))
    losses = [cross_view_losses(cloud, (view, views[1]), base, TINY)["l1"] for view in (first, spoiled)]
    assert losses[0] == pytest.approx(float(losses[1]), abs=1e-6)


@pytest.mark.parametrize("cross_view", [True, False])
def test_sounds_are_exchanged_between_frames_only_with_cross_view(person, frames, monkeypatch, cross_view):
    asked, pairs, indices = [], [], {}
    alpha, view, exchanged = Navigation.alpha, ClipFrames.view, training.cross_view_losses

    def listened(self, expression_sound, blink, lip_sound):
        if len(blink) == 1:
            asked.append(torch.equal(expression_sound, lip_sound))
        return alpha(self, expression_sound, blink, lip_sound)

    monkeypatch.setattr(Navigation, "alpha", listened)

    def shown(self, index, *given):
        found = view(self, index, *given)
        indices[id(found)] = index
        return found

    def supervised(cloud, views, *given):
        pairs.append([indices[id(each)] for each in views])
        return exchanged(cloud, views, *given)

    monkeypatch.setattr(ClipFrames, "view", shown)
    monkeypatch.setattr(training, "cross_view_losses", supervised)
    navigate(replace(TINY, warm_up=0.0, cross_view=cross_view), frames, person, sound(1.4), Run())
    assert len(asked) == 4
    assert all(asked) != cross_view
    assert len(pairs) == (4 if cross_view else 0)
    # it is the frame whose sound was heard that supervises
    assert [first == second for first, second in pairs] == (asked if cross_view else [])
    assert len({tuple(pair) for pair in pairs}) == len(pairs)


@pytest.mark.parametrize("switch", ["disentangled", "dual_encoders", "blendshapes", "cross_view", None], ids=str)
def test_each_ablation_is_one_switch_and_listens(person, frames, switch):
    config = replace(TINY, steps=60, **({switch: False} if switch else {}))
    model = navigate(config, frames, person, sound(1.4), Run())
    rows = windows(sound(1.4), frames.tracks.times)
    with torch.no_grad():
        alpha = model.alpha(rows, torch.zeros(len(rows), 1), rows)
        said = model.blendshapes.expression(alpha)[:, JAW]
    assert np.corrcoef(said.numpy(), frames.tracks.expression[:, JAW])[0, 1] > 0.8


def test_blendshapes_bring_a_person_nearer_to_the_frames(person, frames):
    before = somebody()
    told = []
    config = replace(TINY, steps=40, blendshape_rate=3e-3)
    model = navigate(config, frames, person, None, Run(progress=told.append, progress_seconds=0.0))
    assert model.encoders is None
    assert told[-1].losses["l1"] < told[0].losses["l1"]
    assert all(
        torch.equal(a, b) for a, b in zip(person.state_dict().values(), before.state_dict().values(), strict=True)
    )


def test_a_training_that_was_stopped_goes_on_to_the_same_bits(person, frames, tmp_path):
    config, heard = replace(TINY, dropout=0.3), sound(1.4)
    whole = navigate(config, frames, person, heard, Run())
    told = []
    run = Run(folder=tmp_path, progress=told.append, progress_seconds=0.0, cancelled=lambda: len(told) >= 4)
    with pytest.raises(Cancelled):
        navigate(config, frames, person, heard, run)
    resumed = navigate(config, frames, person, heard, Run(folder=tmp_path))
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_a_training_does_not_go_on_with_another_person(person, frames, tmp_path):
    navigate(TINY, frames, person, None, Run(folder=tmp_path))
    other = Person(person.generator, person.canonical + 0.01)
    with pytest.raises(DGTalkerError, match="another person"):
        navigate(TINY, frames, other, None, Run(folder=tmp_path))


def test_a_training_hears_nothing_of_its_test_frames(frames, monkeypatch):
    """Sound is levelled, and recognised, by what is around it: what comes later is cut off before."""
    samples = np.arange(16000 * 2, dtype=np.float32)
    heard = []
    monkeypatch.setattr(type(frames.clip), "sound", lambda self: (samples, 16000))
    monkeypatch.setattr(hearing, "hear", lambda given, rate, *a, **k: heard.append(given) or sound(1.0))
    assert hearing.heard_in_training(*training_sound(frames.clip, frames.split)) is not None
    assert heard[0][-1] == pytest.approx(16000 * frames.tracks.times[frames.split.test[0]] - 1, abs=1)
    assert hearing.heard_in_training(samples[:0], 16000) is None


def test_a_silent_clip_without_blendshapes_teaches_nothing(person, frames):
    quiet = replace(sound(1.4), speaking=np.zeros(70, bool))
    with pytest.raises(DGTalkerError, match="nothing to learn"):
        navigate(replace(TINY, blendshapes=False), frames, person, quiet, Run())


def test_the_preview_is_a_frame_beside_the_person(person, frames):
    made = training._Training(TINY, frames, person, sound(1.4))
    height, width = frames.view(frames.split.training[12], 2).head.shape
    with torch.no_grad():
        assert made.preview().shape == (height, 2 * width, 3)
