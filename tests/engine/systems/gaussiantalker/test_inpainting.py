"""The inpainting generator: a face goes back into its footage, and nothing else of the footage changes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dgtalker_engine.capture.face_model import Region
from dgtalker_engine.capture.regions import NOTHING
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.systems.gaussiantalker import inpainting
from dgtalker_engine.systems.gaussiantalker.inpainting import Footage, InpaintingConfig, InpaintingGenerator

SIZE = 64
TINY = InpaintingConfig(steps=100, batch=4, patch=32, width=6, frames=3, reach=0.1, learning_rate=1e-2)


def footage(brightness: float = 0.0) -> Footage:
    """A round face before stripes, and a render of it that is a little too dark."""
    rows, columns = np.indices((SIZE, SIZE))
    stripes = np.where(rows // 8 % 2, 180, 60)
    face = (rows - 30) ** 2 + (columns - 32) ** 2 < 18**2
    skin = np.array([200.0, 150, 120]) + 100 * brightness
    original = np.where(face[..., None], skin, stripes[..., None]).clip(0, 255).astype(np.uint8)
    rendered = (face[..., None] * original * 0.8).astype(np.uint8)
    return Footage(original, rendered, *[(face * 255).astype(np.uint8)] * 2)


def blended(generator: InpaintingGenerator | None, frame: Footage, mask: np.ndarray) -> np.ndarray:
    pictures = (frame.original / 255, frame.rendered / 255, frame.alpha[..., None] / 255, mask[..., None])
    tensors = [torch.from_numpy(x.astype(np.float32)).permute(2, 0, 1)[None] for x in pictures]
    with torch.no_grad():
        return inpainting.inpaint(generator, *tensors)[0].permute(1, 2, 0).numpy()


@pytest.fixture(scope="module")
def generator() -> InpaintingGenerator:
    return inpainting.train([footage(x) for x in (-0.1, 0.0, 0.1)], TINY)


def test_nothing_changes_outside_the_mask(generator):
    frame = footage()
    mask = inpainting.softened(frame.face, 0.1)
    beside = mask == 0
    assert beside.sum() > SIZE
    assert np.array_equal(blended(generator, frame, mask)[beside], (frame.original / np.float32(255))[beside])


def test_the_render_comes_to_look_like_the_footage_and_what_it_leaves_bare_is_filled(generator):
    frame = footage(0.05)
    mask = inpainting.softened(frame.face, 0.06)
    truth = frame.original / 255
    face = frame.face > 0
    bare = (mask > 0.9) & ~face
    left, filled = (np.abs(blended(x, frame, mask) - truth) for x in (InpaintingGenerator(6), generator))
    assert filled[face].mean() < 0.4 * left[face].mean()
    assert filled[bare].mean() < 0.5 * truth[bare].mean()


def test_without_a_generator_the_footage_is_seen_through():
    frame = footage()
    result = blended(None, frame, np.ones((SIZE, SIZE)))
    face = frame.face > 0
    assert np.allclose(result[~face], (frame.original / 255)[~face], atol=1e-6)
    assert np.allclose(result[face], (frame.rendered / 255)[face], atol=1e-6)


def test_the_mask_is_the_face_without_hair_and_neck():
    labels = np.full((SIZE, SIZE), NOTHING, np.uint8)
    labels[4:14], labels[14:50, 10:50], labels[50:60, 20:40] = Region.SCALP, Region.SKIN, Region.NECK
    labels[30:32, 20:40] = NOTHING  # a gap between the lips
    mask = inpainting.face_mask(labels, np.ones(labels.shape))
    assert (mask[14:50, 10:50] == 255).all()
    assert not mask[:13].any()
    assert not mask[52:].any()


def test_the_mask_fades_where_a_mouth_moves_nothing():
    labels = np.full((SIZE, SIZE), Region.SKIN, np.uint8)
    mask = inpainting.face_mask(labels, np.linspace(0, 1, SIZE)[:, None] * np.ones(SIZE))
    assert mask[0].max() < 10
    assert mask[-1].min() == 255
    assert (np.diff(mask[:, 5].astype(int)) < 12).all()


def test_the_same_footage_gives_the_same_generator():
    short = InpaintingConfig.from_json(TINY.to_json() | {"steps": 3})
    first, second = (inpainting.train([footage()], short).state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_frames_without_a_face_are_refused():
    frame = footage()
    nobody = Footage(frame.original, frame.rendered, frame.alpha, np.zeros_like(frame.face))
    with pytest.raises(DGTalkerError, match="No frame shows a face"):
        inpainting.train([nobody], TINY)
