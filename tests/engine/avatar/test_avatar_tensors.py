"""Posing in PyTorch agrees with the reference and with Numba, and gradients reach the weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from made_avatars import LATENTS, WEIGHTS, linear_head

from dgtalker_engine import avatar
from dgtalker_engine.avatar.kinds.linear.model import pose_reference
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians.cloud import FIELDS


@pytest.fixture(scope="module")
def head():
    return linear_head(latents=LATENTS)


def asking(weights, dtype=torch.float32):
    return torch.tensor(weights, dtype=dtype, requires_grad=True)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_tensors_are_posed_as_the_reference_and_numba_pose_arrays(head, weights):
    posed = head.pose(asking(weights))
    for other in (pose_reference(head, np.array(weights)), head.pose(np.array(weights, "f4"))):
        for name in FIELDS:
            np.testing.assert_allclose(
                getattr(posed, name).detach(), getattr(other, name), atol=3e-6, err_msg=f"{name} at {weights}"
            )


def test_the_built_in_heads_are_posed_alike_too():
    robin = avatar.load(avatar.builtin("robin"))
    weights = np.random.default_rng(3).uniform(0, 1, len(robin.rig.controls)).astype("f4")
    posed, other = robin.pose(torch.tensor(weights, requires_grad=True)), robin.pose(weights)
    for name in FIELDS:
        np.testing.assert_allclose(getattr(posed, name).detach(), getattr(other, name), atol=5e-6, err_msg=name)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_gradients_agree_with_finite_differences_at_rest_too(head, weights):
    def outputs(values):
        posed = head.pose(values)
        return tuple(getattr(posed, name)[::50] for name in FIELDS)

    assert torch.autograd.gradcheck(outputs, asking(weights, torch.float64), eps=1e-6, atol=1e-6)


def test_a_tensor_that_asks_for_no_gradient_is_posed_by_numba(head):
    weights = np.array([0.2, 0.9, 1, -0.7], "f4")
    posed, other = head.pose(torch.from_numpy(weights)), head.pose(weights)
    for name in FIELDS:
        assert torch.equal(getattr(posed, name), getattr(other, name))


def test_tensors_of_weights_are_checked_as_arrays_are(head):
    with pytest.raises(DGTalkerError, match="3 weights"):
        head.pose(asking([0, 0, 0]))
    with pytest.raises(DGTalkerError, match="not a finite"):
        head.pose(asking([0, float("nan"), 0, 0]))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_weights_on_a_gpu_give_gaussians_there(head):
    weights = torch.tensor([0.2, 0.9, 1, -0.7], device="cuda")
    posed, other = head.pose(weights), head.pose(weights.cpu())
    for name in FIELDS:
        assert getattr(posed, name).device.type == "cuda"
        np.testing.assert_allclose(getattr(posed, name).cpu(), getattr(other, name), atol=3e-6)


@pytest.mark.parametrize("moved", [{}, {"means"}, {*FIELDS}])
@pytest.mark.parametrize("ask", [lambda weights: weights, lambda weights: torch.from_numpy(weights).requires_grad_()])
def test_whoever_writes_into_what_was_posed_changes_nothing_of_the_avatar(moved, ask):
    head = linear_head(moved)
    before = {name: array.copy() for name, array in head.base.items()}
    weights = np.zeros(4, "f4")
    first = head.pose(ask(weights))
    expected = {name: getattr(first, name).detach().clone() for name in FIELDS}
    for name in FIELDS:
        getattr(first, name).detach().fill_(7.0)
    again = head.pose(ask(weights))
    for name in FIELDS:
        assert np.array_equal(head.base[name], before[name]), name
        assert torch.equal(getattr(again, name).detach(), expected[name]), name


def test_an_avatar_says_how_many_bytes_it_holds_and_that_it_holds_more_once_it_has_posed():
    head = linear_head()
    arrays = [*head.base.values(), head.joint_weights, head.proxy_joint_weights]
    for deltas in head.deltas.values():
        arrays += [deltas.offsets, deltas.index, deltas.values]
    mesh = head.sculpted
    arrays += [mesh.vertices, mesh.faces, mesh.uv, mesh.colours, mesh.deltas, mesh.surfaces]
    assert head.nbytes == sum(array.nbytes for array in arrays)
    read = head.nbytes
    head.pose(head.rig.defaults)
    posed = head.nbytes
    assert posed > read + sum(deltas.values.nbytes for deltas in head.deltas.values())
    head.pose(asking([0, 0, 0, 0]))
    assert head.nbytes > posed + sum(deltas.values.nbytes for deltas in head.deltas.values())
