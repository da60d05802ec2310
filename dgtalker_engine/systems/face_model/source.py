"""ICT-FaceKit as it is learned from: head space, triangles, ARKit's names. Nothing of it ships."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial import KDTree

from ...errors import DGTalkerError
from ...rig import ARKIT_NAMES

_FILES = ("ict_facekit.npz", "mediapipe468_to_ict.npy", "LICENSE.ict-facekit")
_EARS = (0, 16)
_UNKNOWN = ("tongueOut",)
_MIRROR_TOLERANCE = 5e-4
"""Metres; the two sides differ by up to 0.3 mm."""

# Ranges of vertices, as ICT-FaceKit's own documentation lists them.
FACE = slice(0, 9409)
BACK = slice(9409, 11248)
MOUTH_SOCKET = slice(11248, 13294)
EYE_SOCKETS = slice(13294, 14062)
SKIN = slice(0, 14062)
GUMS_AND_TONGUE = slice(14062, 17039)
TEETH = slice(17039, 21451)
LOWER_TEETH = slice(19247, 21451)
LEFT_EYE = slice(21451, 22221)
LEFT_IRIS = slice(22221, 23021)
RIGHT_EYE = slice(23021, 23791)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A sculpted head with its shapes. N vertices, in head space, metres.

    Attributes:
        vertices: float64 (N, 3).
        triangles: int64 (M, 3), counter-clockwise from outside.
        identity: offsets per standard deviation (100, N, 3).
        expression: offsets of ARKit's blendshapes (52, N, 3); 0 of those that the source lacks.
        mirror: the vertex on the other side, int64 (N,); −1 for eyes and what is not used.
        landmarks: the vertex of each of MediaPipe's 468 landmarks, int64 (468,).
        notice: its licence.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    identity: np.ndarray
    expression: np.ndarray
    mirror: np.ndarray
    landmarks: np.ndarray
    notice: str


def read_source(folder: Path) -> Source:
    """Raises DGTalkerError when a file is missing or is not of ICT-FaceKit's layout."""
    for name in _FILES:
        if not (folder / name).is_file():
            raise DGTalkerError(f"{folder} has no {name}.", "Give the folder with ICT-FaceKit.")
    try:
        data = np.load(folder / "ict_facekit.npz", allow_pickle=False)
        vertices = _to_head_space(data["vertices"].astype(np.float64))
        pivot = vertices[data["landmarks68"][list(_EARS)]].mean(axis=0)
        vertices = vertices - pivot
        return Source(
            vertices=vertices,
            triangles=_triangles(data["quads"].astype(np.int64)),
            identity=_to_head_space(data["identity_deltas"].astype(np.float64)),
            expression=_arkit([str(n) for n in data["expression_names"]], data["expression_deltas"]),
            mirror=_mirror(vertices),
            landmarks=np.load(folder / "mediapipe468_to_ict.npy", allow_pickle=False).astype(np.int64),
            notice=(folder / "LICENSE.ict-facekit").read_text(encoding="utf-8"),
        )
    except (KeyError, ValueError, OSError) as error:
        raise DGTalkerError(f"{folder} is not ICT-FaceKit: {error}.", "Give the folder with ICT-FaceKit.") from error


def _to_head_space(centimetres: np.ndarray) -> np.ndarray:
    """ICT's centimetres, +Y up, the face towards +Z."""
    x, y, z = np.moveaxis(centimetres, -1, 0)
    return 0.01 * np.stack([x, -z, y], axis=-1)


def _triangles(quads: np.ndarray) -> np.ndarray:
    """Quads (n, 4), −1 in the last place of triangles; split from their first corner."""
    return np.concatenate([quads[:, :3], quads[quads[:, 3] >= 0][:, [0, 2, 3]]])


def _arkit(names: list[str], deltas: np.ndarray) -> np.ndarray:
    """The source's shapes under ARKit's names: what it splits into two sides and ARKit does not is added up."""
    known = {name: _to_head_space(delta.astype(np.float64)) for name, delta in zip(names, deltas, strict=True)}
    shapes = np.zeros((len(ARKIT_NAMES), *deltas.shape[1:]))
    for shape, name in zip(shapes, ARKIT_NAMES, strict=True):
        stem = name.removesuffix("Left").removesuffix("Right")
        side = name[len(stem) : len(stem) + 1]
        if name in known:
            shape += known[name]
        elif side:
            shape += known[f"{stem}_{side}"]
        elif name not in _UNKNOWN:
            shape += known[f"{name}_L"] + known[f"{name}_R"]
    return shapes


def _mirror(vertices: np.ndarray) -> np.ndarray:
    mirror = np.full(len(vertices), -1)
    for part in (FACE, BACK, MOUTH_SOCKET, EYE_SOCKETS, GUMS_AND_TONGUE, TEETH):
        points = vertices[part]
        distances, others = (np.asarray(a) for a in KDTree(points).query(points * [-1, 1, 1], k=4))
        # Some vertices nearly coincide: the nearest pairs come first, and each vertex is in one pair.
        order = np.argsort(distances, axis=None, kind="stable")
        for vertex, place in zip(*np.unravel_index(order, distances.shape), strict=True):
            one, other = vertex + part.start, others[vertex, place] + part.start
            if mirror[one] < 0 and mirror[other] < 0 and distances[vertex, place] < _MIRROR_TOLERANCE:
                mirror[one], mirror[other] = other, one
        if (mirror[part] < 0).any():
            raise ValueError("its sides are not alike")
    return mirror
