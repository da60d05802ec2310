"""What the viewport is sent: a rectangle of integers in float32, from which the picture comes back."""

from __future__ import annotations

import numpy as np
import pytest

from dgtalker_engine.gaussians import Image
from dgtalker_engine.rendering.viewport import packed, packed_reference


@pytest.fixture
def image() -> Image:
    """Noise, with nothing at its edges and holes inside."""
    random = np.random.default_rng(3)
    alpha = random.uniform(0, 1, (50, 70)).astype(np.float32)
    alpha[random.uniform(size=alpha.shape) < 0.3] = 0
    alpha[:7] = alpha[41:] = 0
    alpha[:, :9] = alpha[:, 66:] = 0
    rgb = (random.uniform(0, 1.1, (50, 70, 3)) * alpha[..., None]).astype(np.float32)
    depth = np.where(alpha > 0, random.uniform(0.5, 3, alpha.shape), 1e10).astype(np.float32)
    return Image(rgb, alpha, depth)


def test_the_picture_comes_back_from_what_the_viewport_is_sent(image):
    sent = packed(image)
    x, y, width, height = sent.rectangle
    assert (x, y, width, height) == (9, 7, 57, 34)
    first, second = np.moveaxis(sent.pixels.astype(np.int64), -1, 0)
    alpha, steps = second // 65536, second % 65536
    rgb = np.stack([first // 65536, first // 256 % 256, first % 256], axis=-1)
    part = np.s_[y : y + height, x : x + width]
    seen = alpha > 0
    np.testing.assert_allclose(alpha / 255, image.alpha[part], atol=0.51 / 255)
    np.testing.assert_allclose(rgb[seen] / 255, np.minimum(image.rgb[part][seen], 1), atol=0.51 / 255)
    near, far = sent.depths
    depth = near + steps / 65535 * (far - near)
    np.testing.assert_allclose(depth[seen], image.depth[part][seen], atol=2.5 / 65535)


def test_it_is_packed_as_the_readable_reference_packs_it(image):
    quick, slow = packed(image), packed_reference(image)
    assert (quick.rectangle, quick.depths) == (slow.rectangle, slow.depths)
    np.testing.assert_array_equal(quick.pixels, slow.pixels)


def test_nothing_is_sent_of_an_empty_picture():
    sent = packed(Image(np.zeros((4, 5, 3), np.float32), np.zeros((4, 5), np.float32), np.full((4, 5), 1e10, "f4")))
    assert sent.rectangle == (0, 0, 0, 0)
    assert sent.pixels.size == 0


def test_one_depth_is_that_depth():
    sent = packed(Image(np.ones((2, 2, 3), np.float32), np.ones((2, 2), np.float32), np.full((2, 2), 1.5, np.float32)))
    assert sent.depths == (1.5, 1.5)
    np.testing.assert_array_equal(sent.pixels[..., 1], 255 * 65536)
