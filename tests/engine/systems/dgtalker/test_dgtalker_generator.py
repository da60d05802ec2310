"""The generator of heads: its layers, latents, template and sizes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from dgtalker_engine.capture import face_model
from dgtalker_engine.capture.face_model import Region
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians.reference.projection import rotation_matrices
from dgtalker_engine.systems.dgtalker.config import LARGE, MEDIUM, SMALL, GeneratorConfig
from dgtalker_engine.systems.dgtalker.generator import Generator, interpolated, mixed
from dgtalker_engine.systems.dgtalker.layout import plane_layout
from dgtalker_engine.systems.dgtalker.places import even_template
from dgtalker_engine.systems.dgtalker.reading import read_planes, reference_read_planes
from dgtalker_engine.systems.dgtalker.resampling import (
    reference_upsample,
    reference_upsampling_convolution,
    upsample,
    upsampling_convolution,
)
from dgtalker_engine.systems.dgtalker.template import Template

TINY = GeneratorConfig(code_size=6, width=60, resolution=16, channel_base=64, channel_max=8, gaussians=3000)


@pytest.fixture(scope="module")
def layout():
    return plane_layout(face_model.load())


@pytest.fixture(scope="module")
def template(layout):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dgtalker_engine.systems.dgtalker.places.plane_layout", lambda _: layout)
        return even_template(face_model.load(), TINY.gaussians)


@pytest.fixture
def generator(template):
    torch.manual_seed(0)
    return Generator(TINY, template, face_model.load())


def code_and_expression(count=2, seed=1):
    random = torch.Generator().manual_seed(seed)
    return torch.randn(count, TINY.code_size, generator=random), torch.rand(count, 52, generator=random)


def shown(name, strength=1.0):
    expression = torch.zeros(1, 52)
    expression[0, face_model.load().expression_names.index(name)] = strength
    return expression


@pytest.mark.parametrize("size", [(1, 1), (5, 6)])
def test_upsampling_is_the_filter_s_by_its_definition(size):
    x, kernels = torch.randn(2, 3, *size, dtype=torch.float64), torch.randn(4, 3, 3, 3, dtype=torch.float64)
    for fast, slow, arguments in (
        (upsample, reference_upsample, (x,)),
        (upsampling_convolution, reference_upsampling_convolution, (x, kernels)),
    ):
        tensors = [tensor.clone().requires_grad_() for tensor in arguments]
        torch.testing.assert_close(fast(*tensors), slow(*tensors))
        found = torch.autograd.grad(fast(*tensors).square().sum(), tensors)
        wanted = torch.autograd.grad(slow(*tensors).square().sum(), tensors)
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize("memory", [torch.contiguous_format, torch.channels_last])
def test_planes_are_read_as_grid_sample_reads_them(memory):
    random = torch.Generator().manual_seed(3)
    planes = torch.randn(2, 5, 6, 8, dtype=torch.float64, generator=random).to(memory_format=memory)
    uv = 2.4 * torch.rand(200, 2, dtype=torch.float64, generator=random) - 1.2
    uv[:4] = torch.tensor([[-1, -1], [1, 1], [1, -1], [0, 0]])
    wanted = torch.randn(2, 200, 5, dtype=torch.float64, generator=random)
    found = []
    for read in (read_planes, reference_read_planes):
        own = planes.clone().requires_grad_()
        said = read(own, uv)
        (gradient,) = torch.autograd.grad((said * wanted).sum(), own)
        found.append((said.detach(), gradient))
    torch.testing.assert_close(*found)


@pytest.mark.parametrize(("config", "millions"), [(LARGE, 28.5), (MEDIUM, 5.8), (SMALL, 0.4)])
def test_sizes_are_those_that_were_measured(config, millions):
    generator = Generator(config, Template.empty(config.gaussians), face_model.load())
    assert sum(p.numel() for p in generator.parameters()) / 1e6 == pytest.approx(millions, rel=0.07)
    assert config.latents == {256: 14, 128: 12, 64: 10}[config.resolution]
    assert config.plane_channels == 22


def test_odd_sizes_are_refused():
    with pytest.raises(DGTalkerError, match="power of two"):
        GeneratorConfig(resolution=100)
    with pytest.raises(DGTalkerError, match="sh_degree"):
        GeneratorConfig(sh_degree=2)
    with pytest.raises(DGTalkerError, match="52 expressions"):
        GeneratorConfig(width=52)


def test_before_training_gaussians_lie_on_the_face_at_rest_and_gradients_reach_everything(generator):
    code, expression = (tensor.requires_grad_() for tensor in code_and_expression())
    at_rest = generator(generator.mapping(code))
    torch.testing.assert_close(at_rest.means, generator.points.expand(2, -1, -1), atol=1e-6, rtol=0)
    heads = generator(generator.mapping(code, expression))
    heads.cloud(1).check_values()
    assert (heads.scales > 0).all()
    assert (heads.scales < TINY.unit * np.exp(-3)).all()
    loss = sum(tensor.square().sum() for tensor in heads)
    loss.backward()
    for tensor in (code, expression, *generator.parameters()):
        assert tensor.grad is not None
        assert torch.isfinite(tensor.grad).all()
    assert expression.grad.abs().min() > 0
    assert generator.identity.weight.grad.abs().max() > 0


def test_degree_0_colours_have_one_coefficient(template):
    generator = Generator(replace(TINY, sh_degree=0), template, face_model.load())
    assert generator(torch.randn(1, 60)).sh.shape == (1, 3000, 1, 3)


def test_latents_pose_the_template_and_what_planes_say_turns_with_it(generator):
    code, _ = code_and_expression(1)
    rest, opened = generator.mapping(code), generator.mapping(code, shown("jawOpen"))
    with torch.no_grad():
        generator.position.bias[:] = torch.tensor([0.0, -0.05, 0.0])
    at_rest, posed = generator(rest), generator(opened)
    model = face_model.load()
    vertices = model.vertices(torch.zeros(60), shown("jawOpen")[0])
    corners = vertices[model.faces[generator.triangles]]
    points = (corners * generator.barycentrics[..., None]).sum(dim=1)
    torch.testing.assert_close(generator.template(opened).points[0], points, atol=1e-5, rtol=0)
    offsets = posed.means[0] - points
    before = at_rest.means[0] - generator.points
    chin = points[:, 2] < at_rest.means[0, :, 2] - 0.02
    assert chin.any()
    turned = rotation_matrices(generator.template(opened).turns[0])
    torch.testing.assert_close(offsets, (turned @ before[..., None])[..., 0], atol=2e-6, rtol=0)
    apart = (offsets - before).norm(dim=1) / before.norm(dim=1).clamp_min(1e-9)
    assert apart[chin].median() > 0.1
    assert apart[points[:, 2] > 0.08].max() < 0.01


def test_eyes_turn_their_gaussians(generator):
    code, _ = code_and_expression(1)
    rest, looking = generator.mapping(code), generator.mapping(code, shown("eyeLookUpLeft"))
    model = face_model.load()
    ball = (model.regions[generator.triangles] == Region.EYES) & (generator.points[:, 0] > 0.02)
    angle = 2 * generator.template(looking).turns[0, :, 0].clamp(-1, 1).acos()
    assert generator.template(rest).turns[0, ball, 0].min() > 0.9999
    assert torch.rad2deg(angle[ball]).median() == pytest.approx(22, abs=3)


def test_truncation_makes_people_alike_and_leaves_their_expression(generator):
    codes, expression = code_and_expression(2)
    generator.mapping.track(generator.mapping(torch.randn(500, TINY.code_size)))
    far = generator.mapping(codes).diff(dim=0).norm()
    torch.testing.assert_close(generator.mapping(codes, None, 0.5).diff(dim=0).norm(), far / 2)
    assert generator.mapping(codes, None, 0.0).diff(dim=0).norm() == 0
    for truncation in (0.0, 0.5, 1.0):
        step = generator.mapping(codes, expression, truncation) - generator.mapping(codes, None, truncation)
        torch.testing.assert_close(
            step, generator.mapping(codes.flip(0), expression) - generator.mapping(codes.flip(0))
        )
        torch.testing.assert_close(generator.face(generator.mapping(codes, expression, truncation))[1], expression)


def test_expressions_are_steps_that_add_up_and_half_of_one_is_half_of_its_step(generator):
    codes, _ = code_and_expression(1)
    rest = generator.mapping(codes)
    smile, frown = shown("mouthSmileLeft"), shown("browDownLeft")
    both = generator.mapping(codes, smile + frown) - rest
    torch.testing.assert_close(both, generator.mapping(codes, smile) + generator.mapping(codes, frown) - 2 * rest)
    torch.testing.assert_close(
        generator.mapping(codes, 0.5 * smile) - rest, (generator.mapping(codes, smile) - rest) / 2
    )


def test_the_mean_latent_follows_training(generator):
    latents = torch.full((3, TINY.width), 2.0)
    for _ in range(3000):
        generator.mapping.track(latents)
    torch.testing.assert_close(generator.mapping.w_avg, latents[0, :8], atol=0.02, rtol=0)


def test_w_is_w_plus_with_one_latent_and_mixing_takes_layers_of_both(generator):
    w = generator.mapping(*code_and_expression(2)).detach()
    wide = generator.wide(w)
    assert wide.shape == (2, TINY.latents, TINY.width)
    torch.testing.assert_close(generator(wide).sh, generator(w).sh)
    both = mixed(wide[:1], wide[1:], 4)
    assert torch.equal(both[0, :4], wide[0, :4])
    assert torch.equal(both[0, 4:], wide[1, 4:])
    torch.testing.assert_close(generator.face(both)[0], generator.face(w)[0][:1])
    torch.testing.assert_close(interpolated(w[0], w[1], 0.25), 0.75 * w[0] + 0.25 * w[1])
    assert not torch.allclose(generator(both).sh, generator(w[:1]).sh)


def test_noise_is_the_same_each_time_unless_it_is_drawn_anew(generator):
    with torch.no_grad():
        generator.synthesis.b16.conv1.noise_strength.fill_(1)
    w = torch.randn(1, TINY.width)
    assert torch.equal(generator(w).sh, generator(w).sh)
    assert not torch.equal(generator(w, "random").sh, generator(w, "random").sh)
    assert not torch.equal(generator(w).sh, generator(w, "none").sh)


def test_a_generator_comes_back_from_its_numbers(generator):
    again = Generator(TINY, Template.empty(TINY.gaussians), face_model.load())
    again.load_state_dict(generator.state_dict())
    w = torch.randn(2, TINY.width)
    for found, wanted in zip(again(w), generator(w), strict=True):
        assert torch.equal(found, wanted)


def test_every_part_of_a_face_has_places_and_what_is_looked_at_has_more(template):
    model = face_model.load()
    corners = model.neutral[model.faces]
    sides = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    regions, areas = model.regions[template.triangles], sides.norm(dim=1) / 2
    counts = {region: int((regions == region).sum()) for region in Region}
    assert min(counts.values()) > 20
    per_area = {region: counts[region] / float(areas[model.regions == region].sum()) for region in Region}
    assert per_area[Region.LIPS] > 2 * per_area[Region.UPPER_FACE] > 2 * per_area[Region.NECK]
    assert len(template.uv) == TINY.gaussians
    assert template.uv.abs().max() < 1
    apart = torch.cdist(template.points, template.points).fill_diagonal_(1).amin(dim=1)
    skin = regions == Region.SKIN
    assert float(apart[skin].quantile(0.02)) > 0.4 * float(apart[skin].median())
    left = (template.points[:, 0] > 0).float().mean()
    assert float(left) == pytest.approx(0.5, abs=0.02)


def test_on_the_layout_a_face_is_not_stretched(layout):
    model = face_model.load()
    seen = (model.regions == Region.UPPER_FACE) | (model.regions == Region.SKIN)
    rest, flat = model.neutral[model.faces[seen]].double(), layout[model.faces[seen]].double()
    first, second = rest[:, 1] - rest[:, 0], rest[:, 2] - rest[:, 0]
    length = first.norm(dim=1)
    along = (first * second).sum(dim=1) / length
    across = torch.linalg.cross(first, second).norm(dim=1) / length
    zero = torch.zeros_like(length)
    shapes = torch.stack([torch.stack([length, along], 1), torch.stack([zero, across], 1)], dim=1)
    edges = torch.stack([flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]], dim=2)
    scales = torch.linalg.svdvals(edges @ torch.linalg.inv(shapes))
    assert float((scales[:, 0] / scales[:, 1]).median()) < 2
    # Of planes of 128 texels a side: more than a texel in 4 mm nearly everywhere.
    assert float((128 * scales.prod(dim=1).sqrt()).quantile(0.05)) > 0.25 / 1e-3 * 0.9


def test_parts_of_a_layout_do_not_overlap(layout):
    model = face_model.load()
    corners = layout[model.faces].double()
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    areas = (first[:, 0] * second[:, 1] - first[:, 1] * second[:, 0]) / 2
    assert (areas < 0).float().mean() < 0.005
    assert 0.8 < float(areas.abs().sum()) < 1
