"""The built-in heads in pictures of any size look as they do in larger ones that are made smaller."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from head_cloud import look_at

from dgtalker_engine import avatar
from dgtalker_engine.gaussians import Camera, Gaussians, render

GREY = 0.5


@pytest.fixture(scope="module", params=avatar.BUILTIN_NAMES)
def head(request) -> avatar.LinearAvatar:
    head = avatar.load(avatar.builtin(request.param))
    assert isinstance(head, avatar.LinearAvatar)
    return head


def seen(cloud: Gaussians, camera: Camera, finer: int) -> np.ndarray:
    """The head over grey (size, size, 3), of a picture `finer` times as large whose pixels are averaged."""
    K = camera.K * [[finer], [finer], [1.0]]
    large = replace(camera, K=K, width=camera.width * finer, height=camera.height * finer)
    image = render(cloud, large, background=(GREY, GREY, GREY))
    rgb = np.asarray(image.rgb)
    return rgb.reshape(camera.height, finer, camera.width, finer, 3).mean(axis=(1, 3)).clip(0, 1)


@pytest.mark.parametrize(("size", "finer", "least"), [(60, 8, 28), (90, 8, 30), (200, 4, 34), (800, 4, 44)])
def test_a_head_of_any_size_looks_as_if_it_were_supersampled(head, size, finer, least):
    camera = look_at((0.0, -1.0, 0.0), size, size, filling=1.0)
    found, wanted = (seen(head.pose(head.rig.defaults), camera, factor) for factor in (1, finer))
    assert -10 * np.log10(np.square(found - wanted).mean()) >= least


@pytest.mark.parametrize(("size", "finer"), [(60, 8), (90, 8), (200, 4)])
def test_lashes_are_neither_bars_nor_gone(head, size, finer):
    """The eyes with their lashes are as dark as they should be: bars made them darker by a fifth of white."""
    camera = look_at((0.0, -1.0, 0.0), size, size, filling=1.0)
    found, wanted = (seen(head.pose(head.rig.defaults), camera, factor) for factor in (1, finer))
    for eye in head.metadata.joints[:2]:
        x, y, depth = camera.K @ (camera.world_to_camera @ [*eye.pivot, 1.0])[:3]
        around = camera.K[0, 0] / depth * np.array([[-0.02, 0.02], [-0.014, 0.009]]) + [[x / depth], [y / depth]]
        columns, rows = (slice(*ends) for ends in np.rint(around).astype(int))
        assert found[rows, columns].mean() == pytest.approx(wanted[rows, columns].mean(), abs=0.012)
