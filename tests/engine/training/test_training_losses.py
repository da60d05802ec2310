from __future__ import annotations

import numpy as np
import pytest
import torch

from dgtalker_engine.training import losses, metrics


def pair(*shape, noise=0.05, seed=0):
    """A smooth picture, and the same with noise."""
    generator = torch.Generator().manual_seed(seed)
    ramp = torch.linspace(0.1, 0.9, shape[-2])[:, None].expand(*shape)
    wanted = (ramp + 0.02 * torch.randn(shape, generator=generator)).clamp(0, 1)
    return (wanted + noise * torch.randn(shape, generator=generator)).clamp(0, 1), wanted


def value_and_gradient(loss, picture, wanted):
    picture = picture.clone().requires_grad_()
    value = loss(picture, wanted)
    return value.detach(), torch.autograd.grad(value, picture)[0]


SHAPES = [(64, 80, 3), (11, 11, 3), (12, 300, 3), (300, 13, 3), (2, 37, 45, 3)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("noise", [0.01, 0.1, 0.5])
def test_compiled_similarity_and_its_gradient_are_those_of_the_reference(shape, noise):
    picture, wanted = pair(*shape, noise=noise)
    value, gradient = value_and_gradient(losses.ssim, picture, wanted)
    exact, exact_gradient = value_and_gradient(losses.ssim_reference, picture.double(), wanted.double())
    assert float(value) == pytest.approx(float(exact), rel=1e-5)
    assert (gradient - exact_gradient).norm() <= 1e-5 * exact_gradient.norm()


def test_the_gradient_is_what_finite_differences_say():
    picture, wanted = pair(12, 13, 3)
    _, gradient = value_and_gradient(losses.d_ssim, picture, wanted)
    step = torch.zeros_like(picture, dtype=torch.float64)
    for place in [(0, 0, 0), (5, 6, 1), (11, 12, 2)]:
        step.zero_()[place] = 1e-5
        up, down = (losses.d_ssim(picture.double() + sign * step, wanted.double()) for sign in (1, -1))
        assert float(gradient[place]) == pytest.approx(float((up - down) / 2e-5), rel=1e-3, abs=1e-7)


def test_any_number_of_threads_gives_the_same_bits(threads):
    picture, wanted = pair(90, 70, 3)
    results = []
    for count in (1, 2, 5):
        threads(count)
        value, gradient = value_and_gradient(losses.d_ssim, picture, wanted)
        results.append((value.numpy().tobytes(), gradient.numpy().tobytes()))
    assert len(set(results)) == 1


def test_pictures_need_not_lie_in_memory_in_order():
    picture, wanted = pair(40, 50, 3)
    turned = [image.permute(2, 1, 0).contiguous().permute(2, 1, 0) for image in (picture, wanted)]
    straight, other = value_and_gradient(losses.d_ssim, picture, wanted), value_and_gradient(losses.d_ssim, *turned)
    assert torch.equal(straight[0], other[0])
    assert torch.equal(straight[1], other[1])


def test_a_weight_of_the_loss_weighs_its_gradient():
    picture, wanted = pair(20, 20, 3)
    _, gradient = value_and_gradient(losses.d_ssim, picture, wanted)
    _, fifth = value_and_gradient(lambda a, b: 0.8 * losses.l1(a, b) + 0.2 * losses.d_ssim(a, b), picture, wanted)
    _, direct = value_and_gradient(losses.l1, picture, wanted)
    torch.testing.assert_close(fifth, 0.8 * direct + 0.2 * gradient)


def test_equal_pictures_have_similarity_one_and_nothing_to_gain():
    _, wanted = pair(30, 30, 3)
    value, gradient = value_and_gradient(losses.d_ssim, wanted, wanted)
    assert abs(float(value)) < 1e-6
    assert gradient.abs().max() < 1e-7


def test_descending_the_loss_finds_the_picture():
    _, wanted = pair(24, 24, 3)
    picture = torch.full_like(wanted, 0.5).requires_grad_()
    optimiser = torch.optim.Adam([picture], 0.02)
    for _ in range(150):
        optimiser.zero_grad()
        (0.8 * losses.l1(picture, wanted) + 0.2 * losses.d_ssim(picture, wanted)).backward()
        optimiser.step()
    assert losses.ssim(picture, wanted) > 0.95


@pytest.mark.parametrize("shapes", [((10, 20, 3), (10, 20, 3)), ((20, 20, 3), (20, 21, 3)), ((20, 20, 4), (20, 20, 4))])
def test_pictures_that_cannot_be_compared_are_refused(shapes):
    with pytest.raises(ValueError, match="at least 11"):
        losses.d_ssim(*(torch.zeros(shape) for shape in shapes))


def test_the_gradient_by_what_is_wanted_is_refused():
    picture, wanted = pair(20, 20, 3)
    with pytest.raises(ValueError, match="first picture"):
        losses.d_ssim(picture, wanted.requires_grad_())


def test_similarity_of_metrics_and_of_losses_agree():
    picture, wanted = pair(61, 83, 3, noise=0.1)
    assert metrics.ssim(picture, wanted) == pytest.approx(float(losses.ssim(picture, wanted)), abs=1e-5)


def test_psnr_is_that_of_the_definition():
    wanted = torch.zeros(16, 16, 3)
    assert metrics.psnr(torch.full_like(wanted, 0.1), wanted) == pytest.approx(20.0, abs=1e-4)
    assert metrics.psnr(wanted, wanted) == np.inf


def test_a_mask_leaves_out_what_lies_outside_the_head():
    picture, wanted = pair(64, 64, 3, noise=0.02)
    mask = torch.zeros(64, 64, dtype=torch.bool)
    mask[20:44, 20:44] = True
    inside = metrics.psnr(picture, wanted, mask), metrics.ssim(picture, wanted, mask)
    assert inside[0] == pytest.approx(metrics.psnr(picture[20:44, 20:44], wanted[20:44, 20:44]), abs=1e-4)
    spoiled = picture.clone()
    spoiled[:10] = 0
    spoiled[:, 54:] = 1
    assert (metrics.psnr(spoiled, wanted, mask), metrics.ssim(spoiled, wanted, mask)) == pytest.approx(inside, abs=1e-5)
    assert metrics.ssim(spoiled, wanted) < inside[1] - 0.1


def test_the_whole_picture_as_a_mask_is_no_mask():
    picture, wanted = pair(30, 40, 3)
    mask = torch.ones(30, 40, dtype=torch.bool)
    assert metrics.psnr(picture, wanted, mask) == pytest.approx(metrics.psnr(picture, wanted), abs=1e-4)
    assert metrics.ssim(picture, wanted, mask) == pytest.approx(metrics.ssim(picture, wanted), abs=1e-6)


@pytest.mark.parametrize("figure", [metrics.psnr, metrics.ssim])
def test_an_empty_mask_is_refused(figure):
    with pytest.raises(ValueError, match="no pixel"):
        figure(torch.zeros(20, 20, 3), torch.zeros(20, 20, 3), torch.zeros(20, 20, dtype=torch.bool))


def test_landmark_distance_is_the_mean_in_pixels():
    wanted = torch.zeros(2, 2, 2)
    found = torch.tensor([[[3.0, 4.0], [0.0, 0.0]], [[0.0, 1.0], [2.0, 0.0]]])
    assert metrics.lmd(found, wanted) == pytest.approx((5 + 0 + 1 + 2) / 4)
