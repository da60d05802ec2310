"""Colours of what frames do not show of a head, borrowed from what they show."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from ...capture.face_model import Region

_HAIR, _NECK, _FACE = range(3)
_EARS = 0.015  # the z above which unseen skin is under hair, metres
_ALIKE = 10  # as many colours of hair and skin are compared
_BACKWARDS = 0.3  # how much less far a way along the head is than one across it
_SMOOTH = 48  # neighbours that have the smooth colour of hair
_SECTORS, _OUTLINE = 24, 0.9  # of the outline, and the quantile of the angles from the front that is it
_STRANDS = 0.15  # of sRGB
_BAND = 0.5  # radians before the outline that go on behind it


def borrowed(
    points: np.ndarray, values: np.ndarray, known: np.ndarray, regions: np.ndarray, over_scalp: np.ndarray
) -> np.ndarray:
    """For each Gaussian what the known ones near it and near its mirror image have: the nearer counts more.

    Args:
        points: at rest, metres (N, 3).
        values: of the known ones (N, C).
        known: bool (N,).
        regions: each of `kinds` borrows from its own (N,).
        over_scalp: which lie over the face model's scalp, bool (N,).
    """
    result = values.copy()
    ears = _ears(points, values, known, regions)
    under_hair = ~known & (regions == Region.SKIN) & (points[:, 2] > _EARS)
    kind = kinds(np.where(under_hair, Region.SCALP, regions))
    for each in np.unique(kind):
        # Below the jaw a neck is as the face is; the face is nowhere as a collar is.
        lenders = kind != _HAIR if each == _NECK else kind == each
        source = np.flatnonzero(lenders & known)
        wanted = np.flatnonzero((kind == each) & ~known)
        if not len(source) or not len(wanted):
            continue
        # What is seen of hair goes on straight backwards: an ear does not go up, nor the hair above it down.
        places = points * (1, _BACKWARDS if each == _HAIR else 1, 1)
        _, which = KDTree(places[source]).query(places[wanted])
        # An ear's colour does not go on over hair.
        behind_ear = ears[source[which]] & over_scalp[wanted]
        far = source[~ears[source]]
        for rows, sources in ((wanted[behind_ear], far), (wanted[~behind_ear], source)):
            if len(rows) and len(sources):
                result[rows] = _near_and_mirrored(places, values, rows, sources)
        if each == _HAIR and len(far) > _SMOOTH:
            result[wanted] += _strands(points, values, result[wanted], wanted, far)
    return result


def kinds(regions: np.ndarray) -> np.ndarray:
    """What has colours of its own: hair, neck with clothes, and the face, as numbers (N,)."""
    return np.select([regions == Region.SCALP, regions == Region.NECK], [_HAIR, _NECK], _FACE)


def _near_and_mirrored(points: np.ndarray, values: np.ndarray, wanted: np.ndarray, source: np.ndarray) -> np.ndarray:
    """What the sources near the wanted ones and near their mirror images have: the nearer counts more."""
    tree = KDTree(points[source])
    neighbours = min(8, len(source))
    sums, weights = np.zeros((len(wanted), values.shape[1])), np.zeros((len(wanted), 1))
    for mirror in (1, -1):
        distance, near = tree.query(points[wanted] * (mirror, 1, 1), k=neighbours)
        weight = (1 / (distance.reshape(len(wanted), -1) + 1e-3) ** 2)[..., None]
        sums += (weight * values[source[near.reshape(len(wanted), -1)]]).sum(axis=1)
        weights += weight.sum(axis=1)
    return sums / weights


def _ears(points: np.ndarray, colours: np.ndarray, known: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """Which Gaussians of the shell (N,) show ears: what is coloured as the face is rather than as the hair above."""
    hair = np.flatnonzero(known & (regions == Region.SCALP))
    skin = np.flatnonzero(known & np.isin(regions, (Region.SKIN, Region.UPPER_FACE)))
    result = np.zeros(len(points), bool)
    if min(len(hair), len(skin)) < 4 * _ALIKE:
        return result
    low = points[hair, 2] < np.median(points[hair, 2])
    above, count = hair[~low], min((~low).sum(), len(skin))
    distances = []
    for samples in (above, skin):
        evenly = samples[np.linspace(0, len(samples) - 1, count).astype(int)]
        distances.append(KDTree(colours[evenly]).query(colours[hair], k=_ALIKE)[0][:, -1])
    result[hair] = low & (distances[1] < distances[0])
    return result


def _strands(
    points: np.ndarray, values: np.ndarray, smooth: np.ndarray, wanted: np.ndarray, source: np.ndarray
) -> np.ndarray:
    """What hair has beside its smooth colour (n, C), so that it is no felt where no frame shows it.

    The hair that is seen goes on behind its outline as in a mirror, over and over: beside the outline it fits. An ear
    or a jewel in it does not: what goes on is of the same colour, and differs from it as strands do.
    """
    middle = (points[source].min(axis=0) + points[source].max(axis=0)) / 2
    directions = points - np.append(middle[:2] * (0, 1), middle[2])
    directions /= np.maximum(np.linalg.norm(directions, axis=1, keepdims=True), 1e-9)
    away = np.arccos(np.clip(-directions[:, 1], -1, 1))
    around = np.arctan2(directions[:, 2], directions[:, 0])
    sector = ((around + np.pi) / (2 * np.pi) * _SECTORS).astype(int) % _SECTORS
    outline = np.full(_SECTORS, np.quantile(away[source], _OUTLINE))
    for each in np.unique(sector[source]):
        outline[each] = np.quantile(away[source[sector[source] == each]], _OUTLINE)
    ends = outline[sector[wanted]]
    folded = ends - np.abs((away[wanted] - ends + _BAND) % (2 * _BAND) - _BAND)
    ring = np.stack([np.cos(around[wanted]), np.sin(around[wanted])], axis=1) * np.sin(folded)[:, None]
    _, which = KDTree(directions[source]).query(np.stack([ring[:, 0], -np.cos(folded), ring[:, 1]], axis=1))
    _, near = KDTree(points[source]).query(points[source[which]], k=_SMOOTH)
    there = values[source[near]].mean(axis=1)
    strands = np.clip(values[source[which]] - there, -_STRANDS, _STRANDS)
    return strands * (np.abs(there - smooth).max(axis=1, keepdims=True) < _STRANDS)
