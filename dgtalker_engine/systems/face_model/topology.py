"""The mesh of the face model: parts of the source simplified on one side and mirrored, and eyeballs of its own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from ...rig import ARKIT_NAMES
from .config import FaceModelConfig
from .decimation import decimate
from .landmark_loops import BROWS, INNER_LIPS, LIDS, OUTER_LIPS
from .source import BACK, EYE_SOCKETS, GUMS_AND_TONGUE, LOWER_TEETH, MOUTH_SOCKET, SKIN, TEETH, Source

_MOTIONS = ("jawOpen", "eyeBlinkLeft", "mouthSmileLeft", "mouthPucker", "mouthRollLower", "browInnerUp")
"""What folds the left half, in which it must look right too."""
_SPACINGS = ((LIDS, 0.0017), (OUTER_LIPS, 0.0022), (INNER_LIPS, 0.002), (BROWS, 0.0036))
"""How far apart vertices are wanted near landmarks, metres."""
_GROWTH = 0.14
"""How fast that grows with the distance from them, metres a metre."""
_FACE_SPACING = 0.0085
_BACK_SPACING = 0.014
_HIDDEN_SPACING = 0.008
_CROWN = 0.014
"""How much of a tooth is there, from the row's edge."""
_FRONT_TEETH_SPACING, _BACK_TEETH_SPACING = 0.0018, 0.004


@dataclass(frozen=True, kw_only=True)
class Part:
    """A part whose vertices are vertices of the source.

    Attributes:
        vertices: of the source, by number (V,).
        triangles: of positions in that list (F, 3).
    """

    vertices: np.ndarray
    triangles: np.ndarray


def make_parts(config: FaceModelConfig, source: Source) -> tuple[Part, Part, Part]:
    """The skin with its sockets, gums and tongue, and the teeth."""
    lids_and_lips = source.landmarks[[*LIDS, *INNER_LIPS, *OUTER_LIPS]]
    fixed = np.zeros(len(source.vertices), bool)
    fixed[lids_and_lips] = True
    fixed[source.mirror[lids_and_lips]] = True
    spacing = _spacing(source)
    return (
        _mirrored_part(config, source, SKIN, config.skin_vertices, spacing, fixed),
        _mirrored_part(config, source, GUMS_AND_TONGUE, config.gum_vertices, spacing, fixed),
        _mirrored_part(config, source, TEETH, config.teeth_vertices, spacing, fixed),
    )


def _spacing(source: Source) -> np.ndarray:
    """How far apart vertices are wanted, by vertex of the source (N,), metres."""
    spacing = np.full(len(source.vertices), _FACE_SPACING)
    spacing[BACK] = _BACK_SPACING
    for landmarks, least in _SPACINGS:
        distance, _ = KDTree(source.vertices[source.landmarks[list(landmarks)]]).query(source.vertices)
        spacing = np.minimum(spacing, least + _GROWTH * distance)
    for part in (MOUTH_SOCKET, EYE_SOCKETS):
        spacing[part] = _HIDDEN_SPACING
    front, back = source.vertices[TEETH, 1].min(), source.vertices[TEETH, 1].max()
    behind = (source.vertices[:, 1] - front) / (back - front)
    for part in (TEETH, GUMS_AND_TONGUE):
        spacing[part] = _FRONT_TEETH_SPACING + np.clip(behind[part], 0, 1) * (
            _BACK_TEETH_SPACING - _FRONT_TEETH_SPACING
        )
    return spacing


def _mirrored_part(
    config: FaceModelConfig, source: Source, part: slice, target: int, spacing: np.ndarray, fixed: np.ndarray
) -> Part:
    inside = np.zeros(len(source.vertices), bool)
    inside[part] = True
    seam = source.mirror == np.arange(len(source.mirror))
    half = inside & ((source.vertices[:, 0] > 0) | seam)
    used = np.flatnonzero(half)
    index = np.full(len(half), -1)
    index[used] = np.arange(len(used))
    own = source.triangles[half[source.triangles].all(axis=1)]
    triangles = index[own[~_in_gums(source, own)]]
    used, triangles = used[np.unique(triangles)], np.unique(triangles, return_inverse=True)[1].reshape(-1, 3)
    motions = [ARKIT_NAMES.index(name) for name in _MOTIONS]
    rest = source.vertices[used]
    shapes = np.concatenate([rest[None], rest + source.expression[motions][:, used]])
    mesh = decimate(
        shapes,
        triangles,
        # vertices of the seam, about a fortieth, are there once
        target=round(target * 0.51),
        spacing=spacing[used],
        fixed=fixed[used],
        evenness=config.evenness,
    )
    left = used[mesh.kept]
    other = left[~seam[left]]
    vertices = np.concatenate([left, source.mirror[other]])
    position = {int(vertex): i for i, vertex in enumerate(vertices)}
    mirror = np.array([position[int(source.mirror[vertex])] for vertex in left])
    return Part(vertices=vertices, triangles=np.concatenate([mesh.triangles, mirror[mesh.triangles][:, ::-1]]))


def _in_gums(source: Source, triangles: np.ndarray) -> np.ndarray:
    """Whether triangles (F, 3) are of teeth's roots, which are never seen (F,)."""
    height = source.vertices[triangles, 2]
    upper = (triangles[:, 0] >= TEETH.start) & (triangles[:, 0] < LOWER_TEETH.start)
    lower = (triangles[:, 0] >= LOWER_TEETH.start) & (triangles[:, 0] < TEETH.stop)
    upper_edge = source.vertices[TEETH.start : LOWER_TEETH.start, 2].min()
    lower_edge = source.vertices[LOWER_TEETH, 2].max()
    return (upper & (height > upper_edge + _CROWN).all(axis=1)) | (lower & (height < lower_edge - _CROWN).all(axis=1))
