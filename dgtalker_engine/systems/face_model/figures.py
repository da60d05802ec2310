"""How far the face model is from heads of the source that it has not seen."""

from __future__ import annotations

import numpy as np

from ...capture.face_model import FaceModel, Region
from ...capture.face_model.closest import closest_on_mesh
from .config import FaceModelConfig
from .expressions import arkit_expressions
from .source import FACE, Source

_EVERY = 7
"""Which of the source's vertices are looked at."""
_EXPRESSIONS = 4
"""At once, each at a random weight."""
_RIDGE = 1e-9
"""Square metres."""


def reconstruction(model: FaceModel, source: Source, config: FaceModelConfig) -> dict[str, dict[str, float]]:
    """Distances between the face of sampled heads and the model fitted to them, in millimetres.

    Places of the source's face are compared with the places of our surface that lie nearest to them at rest: what
    identity's components leave out, and what the coarser mesh does.

    Returns:
        ``mean`` and ``p95`` of ``neutral faces`` and of the same ``with expressions``.
    """
    random = np.random.default_rng(config.seed)
    places = np.arange(FACE.start, FACE.stop, _EVERY)
    neutral = model.neutral.double().numpy()
    skin = model.regions.numpy() <= Region.LIPS
    skin |= np.isin(model.regions.numpy(), (Region.SCALP, Region.NECK))
    faces = model.faces.numpy()[skin]
    triangles, weights = closest_on_mesh(source.vertices[places], neutral, faces)
    corners = faces[triangles]
    identity = _at(model.identity.double().numpy(), corners, weights)
    expression = _at(model.expression.double().numpy(), corners, weights)
    rest = _at(neutral[None], corners, weights)[0]
    system = identity.reshape(len(identity), -1)
    gram = system @ system.T + _RIDGE * np.eye(len(system))
    true_expression = arkit_expressions(source)[:, places]
    distances: dict[str, list[np.ndarray]] = {"neutral faces": [], "with expressions": []}
    for _ in range(config.unseen_samples):
        drawn = random.standard_normal(len(source.identity))
        true = source.vertices[places] + np.tensordot(drawn, source.identity[:, places], 1)
        found = np.linalg.solve(gram, system @ (true - rest).ravel())
        fitted = rest + np.tensordot(found, identity, 1)
        distances["neutral faces"].append(np.linalg.norm(fitted - true, axis=1))
        acted = np.zeros(len(expression))
        acted[random.choice(len(acted), _EXPRESSIONS, replace=False)] = random.random(_EXPRESSIONS)
        moved = np.tensordot(acted, expression - true_expression, 1)
        distances["with expressions"].append(np.linalg.norm(fitted - true + moved, axis=1))
    return {
        name: {"mean": 1000 * float(np.mean(values)), "p95": 1000 * float(np.percentile(values, 95))}
        for name, values in distances.items()
    }


def _at(offsets: np.ndarray, corners: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Offsets (K, V, 3) at places of the mesh: corners (n, 3), barycentrics (n, 3) → (K, n, 3)."""
    return np.einsum("knci,nc->kni", offsets[:, corners], weights)
