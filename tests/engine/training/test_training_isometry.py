"""Surfaces laid flat."""

from __future__ import annotations

import numpy as np
import pytest

from dgtalker_engine.training.flattening import circle, components, flatten
from dgtalker_engine.training.isometry import nearly_isometric


def grid(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Vertices (side², 2) of a square of side 1 and its triangles, counter-clockwise."""
    y, x = np.mgrid[:side, :side] / (side - 1)
    first = (np.arange(side - 1)[:, None] * side + np.arange(side - 1)).ravel()
    triangles = [np.stack(corners, 1) for corners in (
        (first, first + 1, first + side), (first + 1, first + side + 1, first + side)
    )]  # fmt: skip
    return np.stack([x.ravel(), y.ravel()], 1), np.concatenate(triangles)


def edges(places: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    corners = places[triangles]
    return np.stack([corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]], axis=2)


def test_a_distorted_surface_gets_its_shape_back():
    true, triangles = grid(8)
    rim = (np.abs(true - 0.5) > 0.49).any(axis=1)
    start = true + 0.12 * np.sin(np.pi * true).prod(axis=1, keepdims=True)
    assert (np.linalg.det(edges(start, triangles)) > 0).all()
    found = nearly_isometric(edges(true, triangles), triangles, start, rim, np.ones(len(triangles)))
    assert np.abs(found - true).max() < 0.02
    assert np.array_equal(found[rim], true[rim])


def test_no_triangle_turns_round_where_the_room_is_too_small():
    true, triangles = grid(8)
    rim = (np.abs(true - 0.5) > 0.49).any(axis=1)
    found = nearly_isometric(3 * edges(true, triangles), triangles, true, rim, np.ones(len(triangles)))
    assert (np.linalg.det(edges(found, triangles)) > 0).all()


@pytest.mark.parametrize("density", [1.0, 8.0])
def test_what_is_denser_gets_more_room(density):
    flat, triangles = grid(9)
    vertices = np.concatenate([flat, np.zeros((len(flat), 1))], axis=1)
    number, labels = components(len(vertices), triangles)
    assert number == 1
    assert (labels == 0).all()
    middle = (np.abs(flat[triangles].mean(axis=1) - 0.5) < 0.2).all(axis=1)
    places = flatten(vertices, triangles, circle, np.where(middle, density, 1.0))
    areas = np.linalg.det(edges(places, triangles))
    assert (areas > 0).all()
    share = areas[middle].sum() / areas.sum()
    assert share < 0.2 if density == 1 else share > 0.25
