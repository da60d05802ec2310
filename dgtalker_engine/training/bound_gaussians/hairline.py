"""Where the hair's shell ends: what frames show as skin before the face model's skin is the face model's.

The shell bridges the way from hair to the face, and lies over ears. Skin that is painted on it floats before the face:
from the side it is shreds beside the temple, and an ear is a smear.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import binary_erosion
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from ...capture.face_model import Region
from ...capture.mesh_raster import rasterize
from ...capture.regions import project
from ..clip_frames import ClipFrames
from .shell import EDGE, NEAR, OUTER, Shell

_FRAMES = 8
_SEEN = 0.25  # the share of the frames that show a triangle at least
_ALIKE = 10  # as many colours of hair and skin are compared
_LEAST = 40  # triangles of either, to know its colours
_TOLD_APART = 0.75
"""The share of hair's colours that lie nearer to the rest of hair's than to skin's, from which on colours tell the two
apart: by chance it is 0.5, of shaven heads 0.6, of dark hair on dark skin 0.87."""
_VOTES, _AROUND = 9, 0.05  # triangles around one that say what it is, and within how many metres
_ISLAND = 0.05  # of the shell: what is smaller, over skin and hangs together with nothing is no hair
UNDER_HAIR = 0.03
"""Metres beyond the face on the scalp up to which the face model has Gaussians under hair."""


def without_skin(shell: Shell, frames: ClipFrames) -> Shell:
    """The shell without the triangles that frames show in skin's colour before the face model's skin.

    Where frames show too little of hair or skin, or both look alike, all of the shell stays.
    """
    if not len(shell.faces):
        return shell
    looks = _looked_at(shell, frames)
    known = looks.seen >= _SEEN
    before = looks.before >= 0.5
    hair, skin = looks.colours[known & ~before], looks.skin
    count = min(len(hair), len(skin))
    if count < _LEAST:
        return shell
    hair, skin = (colours[np.linspace(0, len(colours) - 1, count).astype(int)] for colours in (hair, skin))
    if (_away(hair[1::2], hair[::2]) < _away(hair[1::2], skin[::2])).mean() < _TOLD_APART:
        return shell
    shown_skin = known & before & (_away(looks.colours, skin) < _away(looks.colours, hair))
    # What frames do not show before skin, an ear's hollow, is as what they show beside it.
    middles = shell.vertices[shell.faces].mean(axis=1)
    removed = np.zeros(len(shell.faces), bool)
    for asked, voters in ((known & before, known & before), (~known & looks.over_skin, known)):
        if asked.any():
            _, near = KDTree(middles[voters]).query(middles[asked], k=_VOTES, distance_upper_bound=_AROUND)
            removed[asked] = np.append(shown_skin[voters], False)[near].mean(axis=1) > 0.5
    kept = _without_scraps(shell.faces, ~removed, looks.over_skin | before)
    used, renumbered = np.unique(shell.faces[kept], return_inverse=True)
    return Shell(shell.vertices[used], renumbered.reshape(-1, 3).astype(np.int64))


def _away(colours: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How far colours (n, 3) are from the nearest of others (m, 3), of which `_ALIKE` lie no farther (n,)."""
    return KDTree(others).query(colours, k=_ALIKE)[0][:, -1]


def _without_scraps(faces: np.ndarray, kept: np.ndarray, over_skin: np.ndarray) -> np.ndarray:
    """Of the triangles (F,) that are kept those that hang together: no teeth at the edge, and no islands over skin."""
    edges = np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]), axis=1)
    _, which = np.unique(edges, axis=0, return_inverse=True)
    which = which.reshape(3, -1)
    while True:
        shared = np.bincount(which[:, kept].ravel(), minlength=which.max() + 1) > 1
        firm = kept & (shared[which].sum(axis=0) > 1)
        if (firm == kept).all():
            break
        kept = firm
    rows = np.flatnonzero(kept)
    if not len(rows):
        return kept
    touching = csr_matrix((np.ones(3 * len(rows)), (np.tile(np.arange(len(rows)), 3), which[:, rows].ravel())))
    _, part = connected_components(touching @ touching.T, directed=False)
    result = np.zeros(len(faces), bool)
    sizes = np.bincount(part)
    skin = np.bincount(part, over_skin[rows]) > 0.5 * sizes
    result[rows] = ((sizes >= _ISLAND * len(rows)) | ~skin)[part]
    return result


@dataclass(frozen=True)
class _Looks:
    """What frames show of the shell's F triangles.

    Attributes:
        seen: the share of the frames that show them (F,).
        before: the share of these in which they lie before the face model's skin (F,).
        colours: (F, 3).
        over_skin: which lie nearest to the face model's skin, bool (F,).
        skin: the colours of the face's skin (n, 3).
    """

    seen: np.ndarray
    before: np.ndarray
    colours: np.ndarray
    over_skin: np.ndarray
    skin: np.ndarray


def _looked_at(shell: Shell, frames: ClipFrames) -> _Looks:
    model = frames.face_model
    own, regions = model.faces.numpy(), model.regions.numpy()
    faces = np.concatenate([own, shell.faces + len(model.neutral)])
    is_skin = np.isin(regions, (Region.SKIN, Region.UPPER_FACE))
    middles = model.neutral.numpy()[own].mean(axis=1)
    to_face, _ = KDTree(middles[is_skin]).query(middles)
    carries_skin = is_skin | ((regions == Region.SCALP) & (to_face < UNDER_HAIR))
    seen, before = np.zeros(len(faces)), np.zeros(len(faces))
    total = np.zeros((len(faces), 3))
    chosen = frames.spread(_FRAMES)
    for index in chosen:
        camera, size = frames.camera(index), frames.size
        vertices = np.concatenate([frames.vertices(index).numpy(), shell.vertices])
        pixels, depths = project(camera, vertices)
        drawn = rasterize(pixels, depths, faces, size, size)
        face = rasterize(pixels, depths, own, size, size).triangles
        edge = max(1, round(EDGE * size))
        sure = np.asarray(binary_erosion(frames.head(index), iterations=edge, border_value=1), bool)
        places, away = project(camera, vertices[faces].mean(axis=1))
        within = ((places >= 0) & (places < size)).all(axis=1)
        column, row = np.clip(places.astype(int), 0, size - 1).T
        shown = within & sure[row, column] & (away < drawn.depth[row, column] + NEAR)
        seen += shown
        before += shown & (face[row, column] >= 0) & carries_skin[face[row, column]]
        total += shown[:, None] * frames.frame(index).numpy()[row, column] / frames.gains[index]
    colours = total / np.maximum(seen, 1)[:, None]
    skin = np.flatnonzero(is_skin & (seen[: len(own)] >= _SEEN * len(chosen)))
    count = len(own)
    outer = np.flatnonzero(np.isin(regions, OUTER))
    _, nearest = KDTree(middles[outer]).query(shell.vertices[shell.faces].mean(axis=1))
    return _Looks(
        seen=seen[count:] / len(chosen),
        before=before[count:] / np.maximum(seen[count:], 1),
        colours=colours[count:],
        over_skin=is_skin[outer[nearest]],
        skin=colours[skin],
    )
