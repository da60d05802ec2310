"""The nearest places of a mesh."""

from __future__ import annotations

import numpy as np

from dgtalker_engine.capture import face_model
from dgtalker_engine.capture.face_model.closest import closest_on_mesh


def nearest_of_many_samples(point: np.ndarray, corners: np.ndarray) -> float:
    """The slow way: the distance to the nearest of a fine grid of places on each triangle."""
    n = 60
    grid = np.array([(i / n, j / n, 1 - (i + j) / n) for i in range(n + 1) for j in range(n + 1 - i)])
    return float(np.linalg.norm(np.einsum("gc,fci->fgi", grid, corners) - point, axis=-1).min())


def test_places_are_the_nearest_there_are():
    random = np.random.default_rng(0)
    vertices, triangles = random.normal(size=(12, 3)), random.integers(0, 12, (15, 3))
    triangles = triangles[[len(set(t)) == 3 for t in triangles.tolist()]]
    points = random.normal(0, 2, (20, 3))
    found, weights = closest_on_mesh(points, vertices, triangles, candidates=len(triangles))
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert weights.min() >= 0
    places = (vertices[triangles[found]] * weights[..., None]).sum(axis=1)
    for point, distance in zip(points, np.linalg.norm(places - points, axis=1), strict=True):
        exact = nearest_of_many_samples(point, vertices[triangles])
        assert exact - 0.05 < distance < exact + 1e-9


def test_on_a_face_the_nearest_triangles_are_enough():
    model = face_model.load()
    vertices, triangles = model.neutral.double().numpy(), model.faces.numpy()
    random = np.random.default_rng(1)
    points = vertices[random.choice(len(vertices), 40)] + random.normal(0, 0.002, (40, 3))
    fast, exact = (
        (vertices[triangles[found]] * weights[..., None]).sum(axis=1)
        for found, weights in (
            closest_on_mesh(points, vertices, triangles),
            closest_on_mesh(points, vertices, triangles, candidates=len(triangles)),
        )
    )
    distance = [np.linalg.norm(places - points, axis=1) for places in (fast, exact)]
    np.testing.assert_allclose(*distance, atol=1e-5)
