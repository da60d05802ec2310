"""A flat surface moved until its triangles have the shapes and sizes that they should have.

Rabinovich, Poranne, Panozzo and Sorkine-Hornung, "Scalable locally injective mappings" (2017).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

_ENOUGH = 3e-3
"""Ends where a round gains less than this share of the energy."""
_LEAST_STEP = 1e-6
_ALIKE = 1e-6


def nearly_isometric(
    shapes: np.ndarray,
    triangles: np.ndarray,
    places: np.ndarray,
    fixed: np.ndarray,
    weights: np.ndarray,
    rounds: int = 20,
) -> np.ndarray:
    """Places (n, 2) whose triangles are near to their shapes, none turned round.

    The energy is the symmetric Dirichlet energy, Σ w (‖J‖² + ‖J⁻¹‖²), of the Jacobians J from shape to place.

    Args:
        shapes: of each triangle, its two edges from the first corner as columns (m, 2, 2), counter-clockwise.
        triangles: (m, 3).
        places: to begin with (n, 2), every triangle counter-clockwise.
        fixed: which of them stay (n,).
        weights: w (m,).
        rounds: no more than that.
    """
    gradients = _gradients(shapes)
    count, free = len(places), np.tile(~fixed, 2)
    of_triangles = np.repeat(np.arange(len(triangles)), 3)
    derivatives = [
        sparse.csr_matrix((gradients[:, :, axis].ravel(), (of_triangles, triangles.ravel())), (len(triangles), count))
        for axis in (0, 1)
    ]
    energy = _energy(places, triangles, gradients, weights)
    for _ in range(rounds):
        jacobians = np.einsum("mvi,mvk->mik", places[triangles], gradients)
        turned, scaled, back = np.linalg.svd(jacobians)
        nearest = turned @ back
        # What makes the quadratic energy of the distance to a rotation have the true one's gradient.
        near_1 = np.abs(scaled - 1) < _ALIKE
        pull = np.where(near_1, 4.0, (scaled - scaled**-3) / np.where(near_1, 1.0, scaled - 1))
        stiffness = np.sqrt(weights)[:, None, None] * np.einsum("mik,mk,mjk->mij", turned, np.sqrt(pull), turned)
        wanted = stiffness @ nearest
        blocks = [
            [sparse.diags(stiffness[:, row, 0]) @ along, sparse.diags(stiffness[:, row, 1]) @ along]
            for along in derivatives
            for row in (0, 1)
        ]
        system = sparse.csr_matrix(sparse.bmat(blocks))
        goal = np.concatenate([wanted[:, row, axis] for axis in (0, 1) for row in (0, 1)])
        now = places.T.ravel()
        moving = system[:, free]
        solution = spsolve((moving.T @ moving).tocsc(), moving.T @ (goal - system[:, ~free] @ now[~free]))
        then = now.copy()
        then[free] = solution
        towards = then.reshape(2, count).T - places
        step = 1.0
        while (reached := _energy(places + step * towards, triangles, gradients, weights)) >= energy:
            step /= 2
            if step < _LEAST_STEP:
                return places
        places, gain, energy = places + step * towards, energy - reached, reached
        if gain < _ENOUGH * energy:
            break
    return places


def _gradients(shapes: np.ndarray) -> np.ndarray:
    """Of the functions that are 1 at a corner and 0 at the others (m, 3, 2)."""
    inverse = np.linalg.inv(shapes)
    return np.concatenate([-inverse.sum(axis=1, keepdims=True), inverse], axis=1)


def _energy(places: np.ndarray, triangles: np.ndarray, gradients: np.ndarray, weights: np.ndarray) -> float:
    jacobians = np.einsum("mvi,mvk->mik", places[triangles], gradients)
    areas = jacobians[:, 0, 0] * jacobians[:, 1, 1] - jacobians[:, 0, 1] * jacobians[:, 1, 0]
    if (areas <= 0).any():
        return np.inf
    return float((weights * (jacobians**2).sum(axis=(1, 2)) * (1 + 1 / areas**2)).sum())
