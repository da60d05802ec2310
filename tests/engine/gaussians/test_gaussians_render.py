"""What a picture of Gaussians looks like, and that the fast renderer makes the reference's picture."""

from __future__ import annotations

import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians import Camera, Gaussians, reference, render
from dgtalker_engine.gaussians.constants import ALPHA_CLIP, NOTHING_HIT
from dgtalker_engine.gaussians.cpu import raster
from dgtalker_engine.gaussians.transform import merged

FIELDS = ("means", "quats", "scales", "opacities", "sh")


def same(a, b) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("rgb", "alpha", "depth"))


@pytest.mark.parametrize("orthographic", [False, True])
@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_same_picture_as_the_reference(head, look, decibels, degree, orthographic):
    cloud = head(3000, degree=degree)
    camera = look((0.5, -0.7, 0.2), 161, 118, orthographic=orthographic, near=0.0)
    options = {"background": (0.1, 0.2, 0.3)}
    found, expected = render(cloud, camera, **options), reference.render(cloud, camera, **options)
    assert min(decibels(found, expected)) >= 100
    assert found.rgb.dtype == found.alpha.dtype == found.depth.dtype == np.float32


def test_same_picture_as_the_reference_of_many_gaussians(head, look, decibels):
    cloud, camera = head(30_000), look((0, -0.8, 0), 320, 240)
    assert min(decibels(render(cloud, camera), reference.render(cloud, camera))) >= 100


def test_same_picture_as_the_reference_from_within_the_head(head, look, decibels):
    """Near the camera and at the edge of the picture the perspective is far from linear."""
    cloud, camera = head(3000), look((0.02, -0.06, 0.02), 150, 100, filling=0.2, near=0.001)
    assert min(decibels(render(cloud, camera), reference.render(cloud, camera))) >= 95


def test_long_thin_gaussians_keep_their_shape(one, straight, decibels):
    """Hundreds of pixels long, 0.01 wide, and askew: sums that cancel in float32 would show."""
    half = math.radians(33) / 2
    needle = one(scale=[2.0, 1e-4, 1e-4], quat=(math.cos(half), 0.0, 0.0, math.sin(half)), opacity=0.99)
    camera = straight(400, 300)
    found, expected = render(needle, camera), reference.render(needle, camera)
    assert min(decibels(found, expected)) >= 100
    assert expected.alpha.max() == pytest.approx(0.99 * 0.01 / math.sqrt(0.3), rel=0.01)


def test_one_gaussian(one, straight):
    """At (0.25, 0, 2) and 100 px: its centre is at (28.5, 16), between two pixels; depth and colour are its own."""
    cloud = one(mean=(0.25, 0.0, 2.0), scale=0.04, opacity=0.8, colour=(0.9, 0.5, 0.2))
    image = render(cloud, straight())
    row, column = np.unravel_index(image.alpha.argmax(), image.alpha.shape)
    assert (row, column) in ((15, 28), (16, 28))
    np.testing.assert_allclose(image.alpha[15], image.alpha[16], rtol=1e-5)
    assert image.alpha[15, 28] == pytest.approx(0.8 * 4 / 4.3 * math.exp(-0.5 * 0.5**2 / 4.3), rel=0.01)
    np.testing.assert_allclose(image.rgb[15, 28] / image.alpha[15, 28], (0.9, 0.5, 0.2), rtol=1e-5)
    hit = image.alpha > 0
    np.testing.assert_allclose(image.depth[hit], 2.0, rtol=1e-5)
    assert (image.depth[~hit] == np.float32(NOTHING_HIT)).all()
    assert not hit[0, 0]


def test_nearer_gaussians_hide_farther_ones_whatever_their_order(one, straight):
    red, blue = one(mean=(0.0, 0.0, 1.0), colour=(1.0, 0.0, 0.0)), one(mean=(0.0, 0.0, 2.0), colour=(0.0, 0.0, 1.0))
    images = [render(merged(pair), straight()) for pair in ((red, blue), (blue, red))]
    assert same(*images)
    centre = images[0].rgb[16, 16]
    assert centre[0] > 4 * centre[2] > 0


def test_gaussians_at_one_depth_are_blended_in_their_order(one, straight):
    pair = [one(colour=(1.0, 0.0, 0.0), opacity=0.9), one(colour=(0.0, 0.0, 1.0), opacity=0.9)]
    first, second = render(merged(pair), straight()).rgb[16, 16], render(merged(pair[::-1]), straight()).rgb[16, 16]
    assert first[0] > 5 * first[2]
    assert second[2] > 5 * second[0]


@pytest.mark.parametrize("count", [1, 3, 33, 700])
def test_gaussians_at_one_depth_as_in_the_reference(head, straight, decibels, count):
    """A flat wall: every depth the same, whatever way lists of this length are sorted."""
    cloud = head(count, seed=count)
    flat = replace(cloud, means=cloud.means * torch.tensor([1.0, 1.0, 0.0]) + torch.tensor([0.0, 0.0, 1.0]))
    camera = straight(64, 64, 250.0)
    assert min(decibels(render(flat, camera), reference.render(flat, camera))) >= 100


def test_background_shows_through(head, look):
    cloud, camera = head(2000), look((0, -1, 0), 96, 96)
    black, pink = render(cloud, camera), render(cloud, camera, background=(1.0, 0.5, 0.6))
    through = (1 - black.alpha)[..., None]
    np.testing.assert_allclose(pink.rgb, black.rgb + through * np.float32([1.0, 0.5, 0.6]), atol=1e-6)
    assert np.array_equal(pink.alpha, black.alpha)


@pytest.mark.parametrize("orthographic", [False, True])
@pytest.mark.parametrize(
    "region", [(0, 0, 200, 150), (1, 2, 3, 4), (37, 41, 100, 77), (199, 149, 1, 1), (64, 32, 64, 64)]
)
def test_region_is_exactly_that_part_of_the_picture(head, look, region, orthographic):
    cloud, camera = head(5000, degree=1), look((0.2, -0.4, 0.1), 200, 150, filling=1.5, orthographic=orthographic)
    whole, part = render(cloud, camera), render(cloud, camera, region=region)
    x, y, width, height = region
    assert np.array_equal(part.rgb, whole.rgb[y : y + height, x : x + width])
    assert np.array_equal(part.alpha, whole.alpha[y : y + height, x : x + width])
    assert np.array_equal(part.depth, whole.depth[y : y + height, x : x + width])


def test_region_of_the_reference(head, look):
    cloud, camera = head(300), look((0.2, -0.4, 0.1), 60, 50)
    whole, part = reference.render(cloud, camera), reference.render(cloud, camera, region=(13, 7, 30, 40))
    np.testing.assert_allclose(part.rgb, whole.rgb[7:47, 13:43], atol=1e-12)


def test_bitwise_the_same_for_any_number_of_threads(head, look, threads):
    cloud, camera = head(20_000, degree=2), look((0.3, -0.6, 0.2), 333, 222)
    images = []
    for count in (1, 2, 3, 8):
        threads(count)
        images.append(render(cloud, camera))
    assert all(same(images[0], image) for image in images[1:])


def test_several_pictures_at_once(head, look):
    """From worker threads, as a server does, with PyTorch's own threads busy in between."""
    clouds, camera = [head(4000, seed=seed) for seed in range(4)], look((0, -0.8, 0), 128, 128)
    alone = [render(cloud, camera) for cloud in clouds]

    def work(number: int):
        torch.randn(200, 200) @ torch.randn(200, 200)
        return number % 4, render(clouds[number % 4], camera)

    with ThreadPoolExecutor(6) as pool:
        for number, image in pool.map(work, range(24)):
            assert same(image, alone[number])


def test_lists_that_do_not_fit_are_made_in_parts(head, look, monkeypatch):
    cloud, camera = head(5000), look((0, -0.5, 0), 200, 150)
    whole = render(cloud, camera)
    monkeypatch.setattr(raster, "_MOST_PAIRS", 300)
    monkeypatch.setattr(raster, "_MOST_COUNTS", 1)
    assert same(render(cloud, camera), whole)


def test_nothing_to_see(head, straight):
    nothing = head(1).map(lambda tensor: tensor[:0])
    away = replace(head(100), means=head(100).means - torch.tensor([0.0, 0.0, 5.0]))
    faint = replace(
        head(100), means=head(100).means + torch.tensor([0.0, 0.0, 2.0]), opacities=torch.full((100,), 0.003)
    )
    for cloud in (nothing, away, faint):
        for image in (
            render(cloud, straight(), background=(0, 1, 0)),
            reference.render(cloud, straight(), background=(0, 1, 0)),
        ):
            assert (image.rgb == [0, 1, 0]).all()
            assert (image.alpha == 0).all()
            assert (image.depth == np.float32(NOTHING_HIT)).all() or (image.depth == NOTHING_HIT).all()


def test_one_pixel(one, straight):
    image = render(one(), straight(1, 1))
    assert image.rgb.shape == (1, 1, 3)
    assert image.alpha[0, 0] == pytest.approx(0.8, abs=0.01)


def test_a_very_large_picture(one, straight):
    """8192²: also that positions are exact enough so far from the first pixel."""
    camera = straight(8192, 8192, 8000.0)
    cloud = one(mean=(0.5, 0.5, 1.0), scale=0.001)
    image = render(cloud, camera)
    centre = (8096, 8096)
    assert np.unravel_index(image.alpha.argmax(), image.alpha.shape) in (
        centre,
        (8095, 8095),
        (8095, 8096),
        (8096, 8095),
    )
    weights = image.alpha[8000:8192, 8000:8192].sum(axis=0)
    assert (weights * (np.arange(8000, 8192) + 0.5)).sum() / weights.sum() == pytest.approx(8096.0, abs=1e-3)
    assert image.alpha.sum() == pytest.approx(image.alpha[8000:8192, 8000:8192].sum())


@pytest.mark.parametrize("orthographic", [False, True])
def test_near_and_far(one, straight, orthographic):
    def seen(depth: float) -> bool:
        camera = straight(orthographic=orthographic, near=1.0, far=3.0)
        return bool(render(one(mean=(0.0, 0.0, depth)), camera).alpha.max() > 0)

    assert [seen(depth) for depth in (0.999, 1.0, 2.0, 3.0, 3.001)] == [False, True, True, True, False]


def test_in_the_plane_of_the_camera(one, straight):
    """An orthographic camera sees what is there, before everything else; for a pinhole it is nowhere."""
    pair = merged(
        [one(mean=(0.0, 0.0, 1.0), colour=(0.0, 0.0, 1.0)), one(mean=(0.0, 0.0, -0.0), colour=(1.0, 0.0, 0.0))]
    )
    flat = render(pair, straight(orthographic=True, near=0.0)).rgb[16, 16]
    assert flat[0] > 3 * flat[2] > 0
    deep = render(pair, straight(near=0.0)).rgb[16, 16]
    assert deep[0] < 1e-6 < deep[2]


def test_orthographic_size_does_not_depend_on_distance(one, straight):
    near, far = (render(one(mean=(0.0, 0.0, depth)), straight(orthographic=True)) for depth in (0.5, 50.0))
    np.testing.assert_allclose(near.alpha, far.alpha, rtol=1e-6)


def test_orthographic_colours_are_those_of_one_direction(one, straight):
    cloud = merged([one(mean=(x, 0.0, 1.0), scale=0.01) for x in (-0.12, 0.12)])
    sh = torch.zeros(2, 4, 3)
    sh[:, 3] = 1.0  # along x
    cloud = replace(cloud, sh=sh)
    flat, deep = render(cloud, straight(orthographic=True)), render(cloud, straight())
    assert flat.rgb[16, 4, 0] == pytest.approx(flat.rgb[16, 28, 0], rel=0.05)
    assert deep.rgb[16, 4, 0] > 1.1 * deep.rgb[16, 28, 0]


def test_largest_opacity_in_a_pixel(one, straight):
    assert pytest.approx(0.999) == ALPHA_CLIP
    assert render(one(scale=1.0, opacity=1.0), straight()).alpha.max() == pytest.approx(0.999, abs=1e-6)


def test_gaussians_smaller_than_a_pixel_keep_their_light(one, straight):
    """A tenth of a pixel wide."""
    point = one(mean=(0.005, 0.005, 1.0), scale=0.001, opacity=1.0)
    light = 2 * math.pi * 0.1**2
    assert render(point, straight()).alpha.sum() == pytest.approx(light, rel=0.1)


def test_scales_of_nothing_and_below(head, look, decibels):
    cloud, camera = head(2000), look((0.3, -0.7, 0), 100, 100)
    negative = replace(cloud, scales=-cloud.scales)
    assert same(render(negative, camera), render(cloud, camera))
    flat = replace(cloud, scales=cloud.scales * torch.tensor([0.0, 1.0, 0.0]))
    assert min(decibels(render(flat, camera), reference.render(flat, camera))) >= 100
    points = replace(cloud, scales=torch.zeros_like(cloud.scales))
    image = render(points, camera)
    assert np.isfinite(image.rgb).all()
    assert image.alpha.max() == 0, "what has no area has no light"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("field", FIELDS)
def test_values_that_are_not_numbers_are_named(head, look, field, value):
    cloud = head(3000, degree=1)
    broken = getattr(cloud, field).clone()
    broken[1234] = value
    for renderer in (render, reference.render):
        with pytest.raises(DGTalkerError, match=f"1 of 3000 Gaussians have {field} .* number 1234"):
            renderer(replace(cloud, **{field: broken}), look((0, -1, 0), 64, 64))


def test_a_quaternion_of_length_0_is_named(head, look):
    cloud = head(10)
    cloud.quats[7] = 0
    with pytest.raises(DGTalkerError, match="quats of length 0; the first is number 7"):
        render(cloud, look((0, -1, 0), 64, 64))


@pytest.mark.parametrize("size", [1e-30, 1e-10, 1e5, 1e15, 1e30])
def test_extreme_values_do_no_harm(head, straight, size):
    random = torch.Generator().manual_seed(1)
    cloud = head(400, degree=1)
    for means, scales in ((size, 1.0), (1.0, size), (size, size)):
        wild = replace(
            cloud,
            means=torch.randn(400, 3, generator=random) * means,
            scales=cloud.scales * scales,
            quats=cloud.quats * 1e-12,
        )
        for camera in (straight(near=0.0, far=math.inf), straight(near=0.0, orthographic=True, focal=1e6)):
            image = render(wild, camera)
            assert np.isfinite(image.rgb).all()
            assert (image.alpha >= 0).all()
            assert (image.alpha <= 1).all()


def test_opacities_beyond_1_are_cut(one, straight):
    assert same(render(one(scale=9.0, opacity=1e38), straight()), render(one(scale=9.0, opacity=1e30), straight()))


def test_tensors_of_other_kinds(head, look):
    """Another precision, rows that are not contiguous: the same picture."""
    cloud, camera = head(1000, degree=1), look((0, -1, 0), 64, 64)
    strided = {name: torch.stack([getattr(cloud, name)] * 2, dim=-1)[..., 0] for name in FIELDS}
    others = Gaussians(**{**strided, "means": cloud.means.double()})
    assert same(render(others, camera), render(cloud, camera))


@pytest.mark.parametrize("region", [(-1, 0, 5, 5), (0, 0, 0, 5), (60, 0, 5, 5), (0, 0, 64, 65)])
def test_regions_outside_the_picture(head, look, region):
    with pytest.raises(DGTalkerError, match="not inside the picture of 64 × 64"):
        render(head(3), look((0, -1, 0), 64, 64), region=region)


@pytest.mark.parametrize(
    "options", [{"background": (0, 0)}, {"background": (0, math.nan, 0)}, {"background": (0, 1e308, 0)}]
)
def test_options_that_cannot_be_used(head, look, options):
    with pytest.raises(DGTalkerError):
        render(head(3), look((0, -1, 0), 64, 64), **options)


@pytest.mark.parametrize(
    ("K", "world_to_camera", "options"),
    [
        (np.array([[9.0, 1, 4], [0, 9, 4], [0, 0, 1]]), np.eye(4), {}),
        (np.array([[0.0, 0, 4], [0, 9, 4], [0, 0, 1]]), np.eye(4), {}),
        (np.array([[9.0, 0, 4], [0, 9, 4], [0, 0, 1]]), np.diag([2.0, 2, 2, 1]), {}),
        (np.array([[9.0, 0, 4], [0, 9, 4], [0, 0, 1]]), np.full((4, 4), math.nan), {}),
        (np.array([[9.0, 0, 4], [0, 9, 4], [0, 0, 1]]), np.eye(4), {"near": 2.0, "far": 1.0}),
    ],
)
def test_cameras_that_cannot_be_used(K, world_to_camera, options):
    with pytest.raises(DGTalkerError):
        Camera(K=K, world_to_camera=world_to_camera, width=8, height=8, **options)


def test_too_little_memory_is_said():
    """In a process that may take 150 MB more than it has, a picture of 335 MB."""
    program = """
import resource, numpy, torch
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians import Camera, Gaussians, render
shapes = {"means": (3,), "quats": (4,), "scales": (3,), "opacities": (), "sh": (1, 3)}
cloud = Gaussians(**{name: torch.zeros(0, *shape) for name, shape in shapes.items()})
K = numpy.array([[9.0, 0, 4], [0, 9, 4], [0, 0, 1]])
camera = Camera(K=K, world_to_camera=numpy.eye(4), width=4096, height=4096)
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 150 * 2**20,) * 2)
try:
    render(cloud, camera)
except DGTalkerError as error:
    print(error.message)
"""
    finished = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)
    assert "not enough memory for a picture of 4096 × 4096" in finished.stdout, finished.stderr
