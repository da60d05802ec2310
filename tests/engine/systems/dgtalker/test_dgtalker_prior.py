"""The prior: its training, its file, and finding people in pictures with it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from dgtalker_engine.capture import face_model
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians import render
from dgtalker_engine.systems.dgtalker.attributes import split
from dgtalker_engine.systems.dgtalker.config import GeneratorConfig
from dgtalker_engine.systems.dgtalker.generator import Generator
from dgtalker_engine.systems.dgtalker.places import even_template
from dgtalker_engine.systems.dgtalker.population.traits import draw
from dgtalker_engine.systems.dgtalker.prior import basis
from dgtalker_engine.systems.dgtalker.prior import train as training
from dgtalker_engine.systems.dgtalker.prior.config import PriorConfig
from dgtalker_engine.systems.dgtalker.prior.file import read, to_bytes
from dgtalker_engine.systems.dgtalker.prior.inversion import Seen, invert
from dgtalker_engine.systems.dgtalker.prior.losses import attribute_error
from dgtalker_engine.systems.dgtalker.prior.projection import planes_of
from dgtalker_engine.systems.dgtalker.prior.samples import view
from dgtalker_engine.systems.dgtalker.prior.train import train
from dgtalker_engine.systems.dgtalker.template import layer_depths
from dgtalker_engine.training import Run, seed_all

MODEL = face_model.load()
TINY = PriorConfig(
    steps=40,
    learning_rate=3e-3,
    average=0.8,
    batch=2,
    views=1,
    side=32,
    component_people=4,
    first_people=4,
    known_people=8,
    sketch_gaussians=1200,
    basis=3,
    basis_resolution=8,
    resolution=16,
    channel_base=128,
    channel_max=16,
    width=120,
    gaussians=1200,
)


@pytest.fixture(scope="module")
def quick():
    """What would take most of the time is done shortly, and canvases once."""
    made = {}
    real = training.Population

    def kept(model, template, config):
        size = len(template.uv)
        if size not in made:
            made[size] = real(model, template, config)
        return made[size]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dgtalker_engine.systems.dgtalker.places.plane_layout", lambda model: model.uv)
        patch.setattr(training, "_CODES_STEPS", 40)
        for module in (training, basis):
            patch.setattr(module, "Population", kept)
        yield


@pytest.fixture(scope="module")
def template(quick):
    return even_template(MODEL, TINY.gaussians)


@pytest.fixture(scope="module")
def trained(template, quick):
    told = []
    generator = train(MODEL, TINY, Run(progress=told.append, progress_seconds=0.0), template)
    return generator, told


def test_training_brings_unseen_heads_nearer_to_the_population(trained, template, quick):
    trained, told = trained
    population = training.Population(MODEL, template, trained.config)
    untrained = training.begun(population, TINY, seed_all(0), lambda _: None)
    random = np.random.default_rng(9)
    codes = np.stack([draw(random) for _ in range(4)])
    sample = training.Sample(population, codes, np.zeros((4, 52), np.float32))
    with torch.no_grad():
        before, after = (
            attribute_error(each.raw(each.mapping(sample.codes)), sample.raw, torch.ones(TINY.gaussians), each.config)
            for each in (untrained, trained)
        )
    assert after < 0.97 * before
    assert told[0].stage == "basis"
    assert set(told[-1].losses) == {"attributes", "face", "colours", "structure"}


def test_a_training_that_was_stopped_goes_on_to_the_same_result(trained, template, quick, tmp_path, monkeypatch):
    told = []

    def cancelled():
        return sum(each.stage == "train" for each in told) == 4

    stopped = Run(folder=tmp_path, progress=told.append, progress_seconds=0.0, cancelled=cancelled)
    with pytest.raises(DGTalkerError):
        train(MODEL, TINY, stopped, template)
    monkeypatch.setattr(training, "principal_basis", lambda *_: pytest.fail("the checkpoint has it"))
    resumed = train(MODEL, TINY, Run(folder=tmp_path), template)
    for ours, theirs in zip(resumed.parameters(), trained[0].parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_the_file_gives_back_the_same_heads_in_half_precision(trained, tmp_path):
    generator, path = trained[0], tmp_path / "prior.safetensors"
    path.write_bytes(to_bytes(generator))
    again = read(path, MODEL)
    codes = torch.randn(2, generator.config.code_size, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        ours, theirs = (each(each.mapping(codes)) for each in (generator, again))
    torch.testing.assert_close(ours.means, theirs.means, atol=2e-3, rtol=0)
    torch.testing.assert_close(ours.sh, theirs.sh, atol=0.05, rtol=0)
    assert path.stat().st_size < 2.2 * sum(tensor.numel() for tensor in generator.state_dict().values()) + 50_000


@pytest.mark.parametrize(
    "spoil", [lambda data: data[: len(data) // 2], lambda data: data.replace(b"prior 1", b"prior 0")]
)
def test_a_file_that_is_no_prior_is_refused(trained, tmp_path, spoil):
    path = tmp_path / "prior.safetensors"
    with pytest.raises(DGTalkerError, match="missing"):
        read(path, MODEL)
    path.write_bytes(spoil(to_bytes(trained[0])))
    with pytest.raises(DGTalkerError, match="prior"):
        read(path, MODEL)
    path.write_bytes(to_bytes(trained[0]))
    with pytest.raises(DGTalkerError, match="another face model"):
        read(path, replace(MODEL, neutral=MODEL.neutral + 1e-3))


def test_inversion_finds_the_colours_of_a_picture(trained):
    generator = trained[0]
    camera, expression = view(32, 0.0), torch.zeros(52)
    with torch.no_grad():
        image = render(generator(generator.mapping(torch.randn(1, 128))).cloud(0), camera)
    darker = 0.6 * torch.as_tensor(image.rgb)
    told = []
    latents = invert(
        generator,
        [Seen(camera, darker, torch.as_tensor(image.alpha), expression)],
        12,
        lambda _, loss: told.append(loss),
    )
    assert latents.shape == (1, generator.config.latents, generator.config.width)
    assert told[-1] < told[0]
    assert (latents[..., -52:] == 0).all()


@pytest.mark.parametrize("layered", [False, True])
def test_planes_are_found_that_say_what_a_generator_can_say(template, layered):
    config = GeneratorConfig(
        resolution=16, gaussians=TINY.gaussians, layered=layered, shared_planes=True, template="fixed"
    )
    generator = Generator(config, template)
    random = torch.Generator().manual_seed(2)
    planes = torch.randn(config.planes, 16, 16, generator=random)
    with torch.no_grad():
        generator.shared.copy_(planes)
        for name, parameter in generator.synthesis.named_parameters():
            if ".torgb." in name:
                parameter.zero_()
        wanted = generator.raw(torch.zeros(1, config.width))
        generator.shared.copy_(planes_of(wanted, template.uv, config))
        found = generator.raw(torch.zeros(1, config.width))
    for ours, theirs in zip(found, wanted, strict=True):
        assert (ours - theirs).square().mean() < 0.02 * theirs.square().mean()


def test_what_a_layered_place_shows_changes_with_its_depth(template):
    depths = layer_depths(1000)
    assert depths.abs().max() < 1
    assert depths.mean().abs() < 0.01
    config = GeneratorConfig(
        resolution=16, gaussians=TINY.gaussians, layered=True, shared_planes=True, template="fixed"
    )
    generator = Generator(config, template)
    with torch.no_grad():
        before = generator.raw(torch.zeros(1, config.width)).opacity
        generator.shared[config.planes - 1] += 1.0
        after = generator.raw(torch.zeros(1, config.width)).opacity
    inside = (template.uv.abs() < 0.9).all(dim=1)
    torch.testing.assert_close((after - before)[0, inside, 0], layer_depths(TINY.gaussians)[inside], atol=1e-4, rtol=0)
    assert split(torch.zeros(1, 5, config.plane_channels), config).opacity.shape == (1, 5, 1)


def test_the_basis_tells_unseen_heads_better_than_the_mean_head_does(template, quick, monkeypatch):
    many = replace(TINY, component_people=24, first_people=24, known_people=28, basis=6, basis_resolution=16)
    population = training.Population(MODEL, template, many.generator())
    found = basis.principal_basis(population, many, seed_all(1), lambda _: None)
    unseen = basis.People(*(part[24:] for part in found.people))
    generator = Generator(many.generator(), template, MODEL)
    errors = []
    with torch.no_grad():
        generator.load_state_dict({"shared": found.shared, "basis": found.planes}, strict=False)
        for parameter in generator.synthesis.parameters():
            parameter.zero_()
        for shares in (torch.zeros(4, 6), found.shares[24:]):
            monkeypatch.setattr(generator, "shares", lambda _, shares=shares: shares)
            said = generator.raw(torch.zeros(4, many.width))
            wanted = training.Sample(population, *unseen).raw
            errors.append(float(attribute_error(said, wanted, torch.ones(TINY.gaussians), many.generator())))
    assert errors[1] < 0.9 * errors[0]


def test_a_latent_says_its_shares_of_the_basis_linearly(trained):
    generator, random = trained[0], torch.Generator().manual_seed(2)
    first, second = torch.randn(2, 1, generator.config.width, generator=random)
    half = generator.shares((first + second) / 2)
    torch.testing.assert_close(half, (generator.shares(first) + generator.shares(second)) / 2)


def test_more_components_than_people_are_refused_before_hours_are_spent():
    with pytest.raises(DGTalkerError, match="component_people"):
        replace(TINY, component_people=TINY.basis)
    with pytest.raises(DGTalkerError, match="first_people"):
        replace(TINY, first_people=TINY.known_people + 1)
