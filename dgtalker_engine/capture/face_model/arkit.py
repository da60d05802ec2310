"""ARKit's expressions in the terms of a model that has others: what its components do, and how its jaw turns."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from .model import FaceModel

_ROUNDS = 12
_HELD = 5e-5
"""Metres of mean distance that a component's standard deviation must gain: small ones are noise."""
_JAW_HELD = 1e-3
"""The same for a radian of the jaw."""
_SMALL_TURN = 1e-3


class ArkitExpressions(NamedTuple):
    """As `FaceModel` has them: offsets (52, V, 3), and turns of the joints (52, J, 3)."""

    expression: torch.Tensor
    pose: torch.Tensor


def fit_arkit(model: FaceModel, wanted: np.ndarray, trust: np.ndarray) -> ArkitExpressions:
    """The weights of components and the turn of the jaw that do the most like it, for each of ARKit's expressions.

    Least squares, held towards none. The jaw's turns are not linear, but near enough that steps by the equations at
    rest find the end.

    Args:
        model: with a joint called jaw.
        wanted: how far each expression moves the vertices, metres (52, V, 3).
        trust: how much each vertex counts (V,).
    """
    joints, jaw = len(model.joint_names), model.joint_names.index("jaw")
    nobody, still = torch.zeros(0), torch.zeros(len(wanted), joints, 3)

    def moved(turns: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
        pose = still[: len(turns)].clone()
        pose[:, jaw] = turns
        return model.vertices(nobody, weights, pose) - model.neutral

    each = trust / trust.sum()
    scale = torch.from_numpy(np.sqrt(each).astype(np.float32))[:, None]
    turned = moved(_SMALL_TURN * torch.eye(3), torch.zeros(3, 0)) / _SMALL_TURN
    basis = (torch.cat([turned, model.expression]) * scale).flatten(1).double()
    held = torch.full((len(basis),), _HELD**2, dtype=torch.float64)
    held[:3] = _JAW_HELD**2
    gram = basis @ basis.T + torch.diag(held)
    target = torch.from_numpy(wanted.astype(np.float32))
    found = torch.zeros(len(wanted), len(basis), dtype=torch.float64)
    for _ in range(_ROUNDS):
        missing = (target - moved(found[:, :3].float(), found[:, 3:].float())) * scale
        right = missing.flatten(1).double() @ basis.T - held * found
        found = found + torch.linalg.solve(gram, right.T).T
    pose = still.clone()
    pose[:, jaw] = found[:, :3].float()
    return ArkitExpressions(torch.tensordot(found[:, 3:].float(), model.expression, 1), pose)
