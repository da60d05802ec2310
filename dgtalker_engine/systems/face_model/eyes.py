"""Eyeballs of our own: round about their axis, with a cornea, following the source's eyes in place and size."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .source import LEFT_EYE, LEFT_IRIS, RIGHT_EYE, Source

_PUPIL, _MID_IRIS = 8.0, 15.0
_BEHIND = (32.0, 42.0, 54.0, 68.0, 84.0, 104.0, 128.0, 154.0)
"""Rings between the iris and the back, degrees from the axis."""
_AXIS = np.array([0.0, -1.0, 0.0])
_SEEN = 60.0
"""Degrees about the axis: what lids show, which must lie right."""
_HIDDEN_WEIGHT = 0.1
_IRIS_DEPTH = 0.9
"""Vertices of the source's iris that lie further forward than that share of its furthest one are on its disc."""


@dataclass(frozen=True, kw_only=True)
class Eyeballs:
    """Left, then right: E vertices each.

    Attributes:
        vertices: (2 E, 3), metres.
        triangles: (…, 3).
        identity: offsets per standard deviation (100, 2 E, 3).
        centres: (2, 3).
        segments: vertices of a ring; the third ring from the front is the iris's edge.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    identity: np.ndarray
    centres: np.ndarray
    segments: int

    @property
    def apexes(self) -> tuple[int, int]:
        """The middle of each iris."""
        return 0, len(self.vertices) // 2

    def iris_edge(self, eye: int) -> np.ndarray:
        """Vertices of an eye's iris, counter-clockwise as the viewer sees them, from the image's right."""
        return eye * (len(self.vertices) // 2) + 1 + 2 * self.segments + np.arange(self.segments)


def make_eyeballs(source: Source, segments: int) -> Eyeballs:
    """The right eye is the left one's mirror image, with the source's own changes of its side."""
    surface = source.vertices[LEFT_EYE]
    centre = _sphere_centre(surface)
    from_centre = surface - centre
    apex = from_centre[np.linalg.norm(from_centre, axis=1).argmax()]
    angle = _angles(from_centre, apex)
    order = np.argsort(angle)
    radius = np.linalg.norm(from_centre, axis=1)[order]
    iris = source.vertices[LEFT_IRIS] - centre
    on_disc = iris @ apex / np.linalg.norm(apex) > _IRIS_DEPTH * (iris @ apex / np.linalg.norm(apex)).max()
    edge = np.degrees(np.percentile(_angles(iris[on_disc], apex), 95))
    degrees = np.array([_PUPIL, _MID_IRIS, edge, *_BEHIND])
    # The source's eyes look outward a little; ours look straight ahead, along the head's −Y.
    around = 2 * np.pi * np.arange(segments) / segments
    points = [_AXIS * np.linalg.norm(apex)]
    for theta, r in zip(np.radians(degrees), np.interp(np.radians(degrees), angle[order], radius), strict=True):
        ring = [np.sin(theta) * np.cos(around), np.full(segments, -np.cos(theta)), np.sin(theta) * np.sin(around)]
        points.extend(r * np.stack(ring, axis=1))
    points.append(-_AXIS * radius[-1])
    left = np.array(points)
    triangles = _sphere_triangles(len(degrees), segments)
    right_centre = centre * [-1, 1, 1]
    identity = [_follow(source, centre, left, LEFT_EYE), _follow(source, right_centre, left, RIGHT_EYE)]
    return Eyeballs(
        vertices=np.concatenate([centre + left, right_centre + left]),
        triangles=np.concatenate([triangles, triangles + len(left)]),
        identity=np.concatenate(identity, axis=1),
        centres=np.stack([centre, right_centre]),
        segments=segments,
    )


def _sphere_centre(points: np.ndarray) -> np.ndarray:
    """Of the sphere of least squares through what is behind the cornea."""
    behind = points[points[:, 1] > np.percentile(points[:, 1], 30)]
    system = np.concatenate([2 * behind, np.ones((len(behind), 1))], axis=1)
    return np.linalg.lstsq(system, (behind**2).sum(axis=1), rcond=None)[0][:3]


def _angles(points: np.ndarray, axis: np.ndarray) -> np.ndarray:
    cosine = points @ axis / (np.linalg.norm(points, axis=1) * np.linalg.norm(axis))
    return np.arccos(np.clip(cosine, -1, 1))


def _follow(source: Source, centre: np.ndarray, own: np.ndarray, eye: slice) -> np.ndarray:
    """How an eyeball's vertices (E, 3) about its centre move with identity (100, E, 3): shift and size alone.

    The eyeball stays round, so that it can turn; shift and size are those of least squares where lids show it.
    """
    about = source.vertices[eye] - centre
    weight = np.where(_angles(about, _AXIS) < np.radians(_SEEN), 1.0, _HIDDEN_WEIGHT)
    system = np.zeros((len(about), 3, 4))
    system[:, :, :3] = np.eye(3)
    system[:, :, 3] = about
    root = np.sqrt(weight)[:, None, None]
    moves = source.identity[:, eye]
    wanted = (moves * root[:, :, 0]).reshape(len(moves), -1).T
    solution = np.linalg.lstsq((system * root).reshape(-1, 4), wanted, rcond=None)[0]
    return solution[:3].T[:, None, :] + solution[3][:, None, None] * own


def _sphere_triangles(rings: int, segments: int) -> np.ndarray:
    """Front vertex, rings, back vertex; counter-clockwise from outside."""
    here = np.arange(segments)
    following = (here + 1) % segments
    last = 1 + rings * segments
    triangles = [np.stack([np.zeros(segments, int), 1 + here, 1 + following], axis=1)]
    for ring in range(rings - 1):
        inner, outer = 1 + ring * segments, 1 + (ring + 1) * segments
        triangles.append(np.stack([inner + here, outer + here, outer + following], axis=1))
        triangles.append(np.stack([inner + here, outer + following, inner + following], axis=1))
    edge = 1 + (rings - 1) * segments
    triangles.append(np.stack([edge + here, np.full(segments, last), edge + following], axis=1))
    return np.concatenate(triangles)
