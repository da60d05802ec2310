"""The mesh that stands for a head has the head's outline: hair that hangs over ears is the mesh's outside."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from bound_head import BoundHead

from dgtalker_engine.capture import face_model as face_models
from dgtalker_engine.capture.face_model import Region
from dgtalker_engine.gaussians import Gaussians
from dgtalker_engine.gaussians.constants import SH_C0
from dgtalker_engine.rig import ARKIT_NAMES
from dgtalker_engine.training.face_rig import face_rig
from dgtalker_engine.training.proxy import proxy_mesh

RED = (0.9, 0.1, 0.1)


@pytest.fixture(scope="module")
def model():
    return face_models.load()


@pytest.fixture(scope="module")
def bare(model) -> Gaussians:
    head = BoundHead(model, np.zeros(len(model.identity), np.float32), 4000)
    with torch.no_grad():
        return head.pose(torch.zeros(len(ARKIT_NAMES)))


def mesh_of(model, cloud: Gaussians, hairs: int):
    identity = np.zeros(len(model.identity), np.float32)
    rig = face_rig(model, identity)
    return proxy_mesh(model, identity, rig, cloud, np.arange(len(cloud)) >= len(cloud) - hairs)


def with_helmet(model, cloud: Gaussians) -> tuple[Gaussians, np.ndarray, int]:
    """The cloud with red hair, the upper, hinder half of a sphere of 15 cm; the sphere's middle, and how many hairs."""
    scalp = model.neutral[model.faces[torch.from_numpy(model.regions.numpy() == Region.SCALP)]].reshape(-1, 3)
    middle = (scalp.amin(dim=0) + scalp.amax(dim=0)) / 2
    directions = torch.nn.functional.normalize(torch.randn(20_000, 3, generator=torch.Generator().manual_seed(1)))
    directions = directions[directions[:, 1] + directions[:, 2] > 0]
    count = len(directions)
    hair = Gaussians(
        means=middle + 0.15 * directions,
        quats=torch.tensor([[1.0, 0, 0, 0]]).repeat(count, 1),
        scales=torch.full((count, 3), 0.003),
        opacities=torch.full((count,), 0.9),
        sh=((torch.tensor(RED) - 0.5) / SH_C0).repeat(count, 1, 1),
    )
    both = {name: torch.cat([getattr(cloud, name), getattr(hair, name)]) for name in vars(cloud)}
    return replace(cloud, **both), middle.numpy(), count


def test_without_hair_the_mesh_is_the_face_model(model, bare):
    np.testing.assert_allclose(mesh_of(model, bare, 0).vertices, model.neutral.numpy(), atol=1e-6)


def test_what_lies_under_hair_is_pushed_out_to_it_and_has_its_colour_and_the_face_stays(model, bare):
    cloud, middle, count = with_helmet(model, bare)
    mesh = mesh_of(model, cloud, count)
    rest = model.neutral.numpy()
    arm = (rest - middle) / np.linalg.norm(rest - middle, axis=1, keepdims=True)
    scalp = np.unique(model.faces.numpy()[model.regions.numpy() == Region.SCALP])
    under = scalp[(arm[scalp, 2] + arm[scalp, 1]) > 0.5]
    np.testing.assert_allclose(np.linalg.norm(mesh.vertices[under] - middle, axis=1), 0.15, atol=0.004)
    assert (mesh.colours[under, 0] > 3 * mesh.colours[under, 1]).all()
    face = arm[:, 1] + arm[:, 2] < -0.5
    np.testing.assert_allclose(mesh.vertices[face], rest[face], atol=2e-3)
