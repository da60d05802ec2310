"""The hair's shell: a surface around the head that carries what the face model lacks.

Frames show hair from the front alone. Its outline says how far it reaches up and to the sides; behind, the shell is
round. Star-shaped about the head's middle, it is one distance for each of the directions of an icosphere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_dilation
from scipy.spatial import KDTree

from ...capture.face_model import Region
from ...capture.regions import NOTHING, PERSON, project
from ...gaussians import Camera
from ..clip_frames import ClipFrames

_SUBDIVISIONS = 4  # 2562 directions
_FRAMES = 8
OUTER = (Region.SKIN, Region.UPPER_FACE, Region.LIPS, Region.SCALP, Region.NECK)
_PROUD = 0.002  # metres by which hair stands out of the face model's surface
_SHARPNESS = 8  # how much more a direction across the view counts than one along it
_LOWEST = -0.75  # the z of directions below which there is no hair
_GAP = 4  # rings of directions, about 4° each, up to which a gap in the hair is closed from each side
_DIVE = 0.002  # metres
EDGE = 0.012
"""Of the picture's side: so near their edge masks may show what is behind."""
NEAR = 0.004
"""Metres behind what is seen of the mesh, within which a point is seen."""
_CARVE, _MOST_CARVED = 0.001, 40  # metres, and how often
THROUGH = 0.3
"""The share of the frames that see what is behind a place from which on it is no part of the person."""


@dataclass(frozen=True)
class Shell:
    """A surface in head space: vertices (V, 3), metres, and triangles (F, 3), counter-clockwise from outside."""

    vertices: np.ndarray
    faces: np.ndarray


def fit_shell(frames: ClipFrames) -> Shell:
    """The shell of the head that the training frames show; without triangles where the face model is all of it."""
    model = frames.face_model
    neutral, faces, regions = model.neutral.numpy(), model.faces.numpy(), model.regions.numpy()
    outer = np.unique(faces[np.isin(regions, OUTER)])
    scalp = np.unique(faces[regions == Region.SCALP])
    centre = _centre(neutral, faces, regions)
    directions, triangles = icosphere(_SUBDIVISIONS)

    offsets = neutral[outer] - centre
    distances = np.linalg.norm(offsets, axis=1)
    _, near = KDTree(offsets / distances[:, None]).query(directions, k=4)
    surface = distances[near].mean(axis=1)
    on_scalp = np.isin(outer, scalp)[near].mean(axis=1) > 0.5

    chosen = frames.spread(_FRAMES)
    radius, depth = _inflated(frames, chosen, centre, directions, surface)
    radius = np.where(on_scalp, np.maximum(radius, surface), radius)
    radius = _smoothed(radius, triangles)
    proud = radius > surface + _PROUD
    # Before the face, and below the jaw, the face model is right and the round shell is not.
    points = centre + np.maximum(radius, surface)[:, None] * directions
    beside, before = _beside_face(frames, chosen, points)
    high = directions[:, 2] > _LOWEST
    kept = high & (on_scalp | (proud & ((depth > 0.1) | beside)))
    # Ears under hair are gaps: closed, unless the face is seen there.
    gaps = ~_grown(~_grown(kept, triangles, _GAP), triangles, _GAP) & high & ~(before & (depth < 0))
    kept = kept | gaps
    carved = _carved(frames, chosen, centre, directions, np.maximum(radius, surface))
    # Its edge dives under the face's skin, so that nobody looks in between. Below it goes on, since masks may reach
    # lower, but not out to neck and shoulders.
    edge = _grown(kept, triangles, 2) & ~kept
    distance = np.where(edge, np.where(before & (depth < 0.1), surface - _DIVE, np.minimum(carved, radius)), carved)
    kept_or_edge = kept | edge
    covered = triangles[kept_or_edge[triangles].all(axis=1) & kept[triangles].any(axis=1)]
    used, renumbered = np.unique(covered, return_inverse=True)
    vertices = centre + distance[used, None] * directions[used]
    return Shell(vertices.astype(np.float32), renumbered.reshape(-1, 3).astype(np.int64))


def _centre(neutral: np.ndarray, faces: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """The middle of the skull: of the box around what lies above the mouth."""
    lips = neutral[faces[regions == Region.LIPS]].reshape(-1, 3)[:, 2].max()
    points = neutral[np.unique(faces[np.isin(regions, OUTER)])]
    points = points[points[:, 2] > lips]
    return (points.min(axis=0) + points.max(axis=0)) / 2 * np.array([0, 1, 1])


def _inflated(
    frames: ClipFrames, chosen: list[int], centre: np.ndarray, directions: np.ndarray, surface: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Distances of an ellipsoid-like body with the outlines of the frames' heads, and how far directions point away."""
    total, weight, depth = np.zeros(len(directions)), np.zeros(len(directions)), np.zeros(len(directions))
    for index in chosen:
        camera = frames.camera(index)
        turned = directions @ camera.world_to_camera[:3, :3].T
        (x, y), away = project(camera, centre)
        outline = _outline(frames.head(index), x, y) * away / camera.K[0, 0]
        angle = np.arctan2(turned[:, 1], turned[:, 0])
        across = np.linalg.norm(turned[:, :2], axis=1)
        reach = np.interp(angle, np.linspace(-np.pi, np.pi, len(outline)), outline)
        back = np.median(surface[turned[:, 2] > 0.8]) + 0.25 * np.maximum(0, reach - surface)
        inflated = 1 / np.sqrt((across / reach) ** 2 + (turned[:, 2] / back) ** 2)
        sure = across**_SHARPNESS + 1e-3
        total += sure * inflated
        weight += sure
        depth += turned[:, 2] / len(chosen)
    return total / weight, depth


def _carved(
    frames: ClipFrames, chosen: list[int], centre: np.ndarray, directions: np.ndarray, radius: np.ndarray
) -> np.ndarray:
    """Distances drawn in as far as frames see what is behind the person."""
    radius = radius.copy()
    persons = [around_person(frames, index) for index in chosen]
    wrong = np.ones(len(directions), bool)
    for _ in range(_MOST_CARVED):
        points = centre + radius[wrong, None] * directions[wrong]
        through = [seen_through(frames.camera(i), points, mask) for i, mask in zip(chosen, persons, strict=True)]
        wrong[wrong] = np.mean(through, axis=0) > THROUGH
        radius[wrong] -= _CARVE
    return radius


def around_person(frames: ClipFrames, index: int) -> np.ndarray:
    """Where a frame shows the person, or may, since masks' edges are not sure to some pixels, bool (size, size)."""
    edge = max(1, round(EDGE * frames.size))
    return binary_dilation(frames.clip.mask(index) >= PERSON, iterations=edge)


def seen_through(camera: Camera, points: np.ndarray, person: np.ndarray) -> np.ndarray:
    """Which points in head space (N, 3) lie where a frame shows what is behind the person (N,).

    Args:
        camera: of the frame.
        points: metres.
        person: `around_person` of the frame.
    """
    pixels, _ = project(camera, points)
    column, row = np.floor(pixels).astype(int).T
    within = (column >= 0) & (row >= 0) & (column < person.shape[1]) & (row < person.shape[0])
    return within & ~person[row.clip(0, person.shape[0] - 1), column.clip(0, person.shape[1] - 1)]


def _outline(head: np.ndarray, x: float, y: float) -> np.ndarray:
    """How far the mask reaches from (x, y) in each direction, from −π to π, pixels (361,)."""
    angles = np.linspace(-np.pi, np.pi, 361)
    steps = np.arange(1, int(1.5 * len(head)))
    xs = np.clip((x + np.cos(angles)[:, None] * steps).astype(int), 0, head.shape[1] - 1)
    ys = np.clip((y + np.sin(angles)[:, None] * steps).astype(int), 0, head.shape[0] - 1)
    outside = ~head[ys, xs]
    inside_frame = (
        (x + np.cos(angles)[:, None] * steps >= 0)
        & (x + np.cos(angles)[:, None] * steps < head.shape[1])
        & (y + np.sin(angles)[:, None] * steps >= 0)
        & (y + np.sin(angles)[:, None] * steps < head.shape[0])
    )
    ends = outside | ~inside_frame
    reach = np.where(ends.any(axis=1), steps[ends.argmax(axis=1)], steps[-1]).astype(float)
    # Hair that the picture's edge cuts goes on as around the cut.
    cut = ~inside_frame[np.arange(len(angles)), ends.argmax(axis=1)]
    if cut.any() and not cut.all():
        reach[cut] = np.maximum(reach[cut], np.interp(angles[cut], angles[~cut], reach[~cut], period=2 * np.pi))
    return np.maximum(reach, 1)


def _beside_face(frames: ClipFrames, chosen: list[int], points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of points in head space, which lie in most frames in the head's mask beside the face, and which on the face."""
    beside, before = np.zeros(len(points)), np.zeros(len(points))
    for index in chosen:
        pixels, _ = project(frames.camera(index), points)
        column, row = np.clip(pixels.astype(int), 0, frames.size - 1).T
        labels = frames.labels(index)
        no_face = np.isin(labels[row, column], (NOTHING, Region.SCALP))
        beside += frames.head(index)[row, column] & no_face
        before += ~no_face
    return beside >= len(chosen) / 2, before >= len(chosen) / 2


def _grown(mask: np.ndarray, triangles: np.ndarray, rings: int) -> np.ndarray:
    """A set of vertices (V,) with the neighbours of its own, some times over."""
    for _ in range(rings):
        touched = triangles[mask[triangles].any(axis=1)]
        mask = mask.copy()
        mask[touched] = True
    return mask


def _smoothed(values: np.ndarray, triangles: np.ndarray, rounds: int = 4) -> np.ndarray:
    """Each value half its own and half the mean of its neighbours', some times over."""
    pairs = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    count = np.bincount(pairs[:, 0], minlength=len(values))
    for _ in range(rounds):
        mean = np.bincount(pairs[:, 0], values[pairs[:, 1]], minlength=len(values)) / count
        values = 0.5 * values + 0.5 * mean
    return values


def icosphere(subdivisions: int) -> tuple[np.ndarray, np.ndarray]:
    """Directions (V, 3) of length 1 and triangles (F, 3), counter-clockwise from outside."""
    golden = (1 + 5**0.5) / 2
    ring = [(s, t * golden) for s in (-1, 1) for t in (-1, 1)]
    points = np.array([(0, a, b) for a, b in ring] + [(a, b, 0) for a, b in ring] + [(b, 0, a) for a, b in ring])
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    near = np.linalg.norm(points[:, None] - points, axis=-1) < 1.1
    triangles = np.array([
        (i, j, k) for i in range(12) for j in range(i) for k in range(j) if near[i, j] and near[j, k] and near[i, k]
    ])  # fmt: skip
    inward = np.linalg.det(points[triangles]) < 0
    triangles[inward] = triangles[inward][:, [0, 2, 1]]
    for _ in range(subdivisions):
        edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
        edges, which = np.unique(edges, axis=0, return_inverse=True)
        ab, bc, ca = len(points) + which.reshape(3, -1)
        middles = points[edges].sum(axis=1)
        points = np.concatenate([points, middles / np.linalg.norm(middles, axis=1, keepdims=True)])
        a, b, c = triangles.T
        triangles = np.concatenate([
            np.stack(corners, axis=1) for corners in ((a, ab, ca), (b, bc, ab), (c, ca, bc), (ab, bc, ca))
        ])  # fmt: skip
    return points, triangles
