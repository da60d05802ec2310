from __future__ import annotations

import torch

from dgtalker_engine.capture.face_model import FaceModel
from dgtalker_engine.training.bound_gaussians.binding import (
    Local,
    bind,
    reference_bind,
    reference_frames,
    triangle_frames,
)


def local(model: FaceModel, count: int = 3000) -> Local:
    parts = Local(
        torch.randint(0, len(model.faces), (count,)),
        torch.rand(count, 3).softmax(dim=1),
        torch.randn(count, 3) * 0.01,
        torch.randn(count, 4),
        torch.randn(count, 3) - 1,
    )
    for tensor in parts[1:]:
        tensor.requires_grad_()
    return parts


def test_the_compiled_coordinate_systems_are_those_of_the_reference(model: FaceModel) -> None:
    fast, slow = triangle_frames(model.neutral, model.faces), reference_frames(model.neutral, model.faces)
    for ours, theirs in ((fast.corners, slow.corners), (fast.rotations, slow.rotations), (fast.sizes, slow.sizes)):
        assert torch.allclose(ours, theirs, atol=1e-6)
    # a turn has two quaternions
    assert torch.allclose((fast.quats * slow.quats).sum(dim=1).abs(), torch.ones(len(model.faces)), atol=1e-5)


def test_the_second_axis_is_the_normal_and_the_size_is_that_of_the_edges() -> None:
    vertices = torch.tensor([[0.0, 0, 0], [3, 0, 0], [0, 4, 0]])
    frames = triangle_frames(vertices, torch.tensor([[0, 1, 2]]))
    assert torch.allclose(frames.rotations[0], torch.tensor([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]))
    assert frames.sizes.item() == 4.0


def test_the_compiled_binding_and_its_gradients_are_those_of_the_reference(model: FaceModel) -> None:
    parts = local(model)
    frames = triangle_frames(model.neutral, model.faces)
    outer = [torch.randn(len(parts.triangles), width) for width in (3, 4, 3)]
    results = []
    for function in (bind, reference_bind):
        posed = function(frames, parts)
        torch.stack([(a * b).sum() for a, b in zip(posed, outer, strict=True)]).sum().backward()
        results.append([*posed, *(tensor.grad for tensor in parts[1:])])
        for tensor in parts[1:]:
            tensor.grad = None
    for fast, slow in zip(*results, strict=True):
        assert torch.allclose(fast, slow, rtol=1e-4, atol=1e-5)


def test_gradients_reach_the_mesh_where_it_asks_for_them(model: FaceModel) -> None:
    vertices = model.neutral.clone().requires_grad_()
    means, _, _ = bind(triangle_frames(vertices, model.faces), local(model))
    means[:, 0].sum().backward()
    assert vertices.grad is not None
    assert torch.isclose(vertices.grad[:, 0].sum(), torch.tensor(3000.0), rtol=1e-3)
