"""Hair styles: the volumes that strands lie on, and the directions in which strands run. Millimetres."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from .sdf import capsule, ellipsoid, rope, spline
from .surfels import smooth, unit

Strands = tuple[np.ndarray, np.ndarray, np.ndarray]
STEPS = 24  # points of a curve that strands follow


@dataclass(frozen=True, kw_only=True)
class HairStyle:
    """One way to wear hair.

    Attributes:
        form: rows of `sdf`.
        strands: for places (N, 3): the direction of the strands (N, 3), a shade (N,) from -1 to 1 that is constant
            along them and changes across, and how far along its strand each place is (N,), 0 to 1.
        mirrored: whether left and right are mirror images.
        spacing: of the discs, mm.
        wisps: share of discs that carry a single hair standing off, away from the hairline.
        curl: how far those hairs bend, 0 for straight ones.
        scalp: how many rows of the form lie on the scalp; the others make a ball of hair on either side.
        ball: the left ball's middle.
        tie: where a ribbon goes round hair of both sides: the left one's middle and axis.
    """

    form: np.ndarray
    strands: Callable[[np.ndarray], Strands]
    mirrored: bool
    spacing: float
    wisps: float
    curl: float
    scalp: int | None = None
    ball: np.ndarray | None = None
    tie: tuple[np.ndarray, np.ndarray] | None = None

    def tied(self, position: np.ndarray) -> np.ndarray:
        """(N,) 1 on the ribbon, 0 on the hair, for places (N, 3)."""
        if self.tie is None:
            return np.zeros(len(position))
        across, out = self._about_tie(position)[:2]
        middle, thick = TIE
        return smooth(1.5, 0.5, np.hypot(across, out - middle) - thick)

    def along_tie(self, position: np.ndarray) -> np.ndarray:
        """Round the ribbon's axis, (N, 3), at places (N, 3)."""
        return self._about_tie(position)[2]

    def _about_tie(self, position: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Distances (N,) along the ribbon's axis and from it, and the direction round it (N, 3)."""
        assert self.tie is not None
        flip = np.where(position[:, :1] < 0, [-1.0, 1.0, 1.0], 1.0)
        away = position * flip - self.tie[0]
        round_ = np.cross(self.tie[1], away)
        return np.abs(away @ self.tie[1]), np.linalg.norm(round_, axis=1), unit(round_) * flip


# Locks of hair: paths from root to tip and the radii there. Not mirrored; the parting is on her right.
LOCKS: tuple[tuple[tuple[tuple[float, float, float], ...], tuple[float, ...]], ...] = (
    (((-36, -56, 102), (-14, -84, 112), (20, -96, 98), (48, -90, 72)), (10, 15, 15, 2.5)),
    (((-32, -44, 114), (2, -74, 122), (42, -82, 100), (70, -62, 58)), (12, 17, 16, 3)),
    (((-26, -28, 123), (16, -54, 126), (56, -56, 102), (80, -32, 46)), (12, 18, 16, 3)),
    (((-22, -4, 126), (24, -22, 128), (64, -26, 100), (85, -12, 44)), (12, 18, 16, 4)),
    (((-18, 24, 126), (28, 12, 126), (66, 10, 98), (83, 16, 40)), (12, 18, 16, 5)),
    (((-10, 40, 122), (32, 42, 114), (66, 40, 80), (75, 42, 26)), (13, 17, 16, 6)),
    (((-38, -52, 102), (-58, -58, 86), (-72, -48, 60), (-78, -30, 28)), (8, 12, 11, 3)),
    (((-36, -36, 112), (-62, -36, 94), (-78, -24, 62), (-83, -14, 22)), (10, 14, 12, 3)),
    (((-32, -10, 120), (-62, -8, 102), (-80, 0, 70), (-84, 10, 30)), (10, 15, 13, 5)),
    (((-24, 20, 124), (-58, 28, 104), (-78, 32, 68), (-80, 40, 20)), (12, 16, 14, 5)),
    (((0, 44, 122), (22, 62, 106), (48, 70, 70), (54, 66, 8)), (14, 17, 16, 7)),
    (((-6, 44, 122), (-34, 66, 102), (-52, 76, 58), (-54, 70, -4)), (14, 17, 16, 7)),
    (((0, 46, 122), (14, 78, 96), (28, 90, 52), (34, 80, -18)), (14, 17, 16, 6)),
    (((-2, 46, 122), (-6, 80, 96), (-14, 96, 50), (-16, 84, -24)), (14, 17, 16, 6)),
    (((72, 46, 30), (70, 48, 8), (58, 52, -22), (46, 56, -48)), (10, 11, 10, 4)),
    (((-72, 46, 30), (-70, 48, 8), (-58, 52, -22), (-46, 56, -48)), (10, 11, 10, 4)),
    (((-40, 72, 20), (-36, 76, -6), (-26, 74, -34), (-20, 66, -62)), (12, 12, 11, 4)),
    (((36, 74, 20), (30, 78, -6), (18, 76, -36), (8, 66, -64)), (12, 12, 11, 4)),
    (((-6, 84, 20), (-4, 84, -10), (-6, 76, -38), (-8, 66, -66)), (12, 12, 11, 4)),
    (((76, -8, 64), (79, 0, 48), (77, 6, 34), (75, 8, 25)), (9, 10, 6, 3)),
    (((-76, -8, 64), (-79, 0, 48), (-77, 6, 34), (-75, 8, 25)), (9, 10, 6, 3)),
    (((78, -16, 50), (77, -17, 26), (75.5, -15, 8), (74, -13, -10)), (7, 7, 6, 1.5)),
    (((-78, -16, 50), (-77, -17, 26), (-75.5, -15, 8), (-74, -13, -10)), (7, 7, 6, 1.5)),
)
# Neighbours between which a further lock grows, shorter and a little lower.
BETWEEN = (
    (0, 1),
    (1, 2),
    (2, 3),
    (3, 4),
    (4, 5),
    (5, 10),
    (6, 7),
    (7, 8),
    (8, 9),
    (9, 11),
    (10, 12),
    (11, 13),
    (12, 13),
    (14, 17),
    (15, 16),
    (17, 18),
    (16, 18),
)


def swept() -> HairStyle:
    """Short hair with a parting, swept to the side; robin's."""
    paths = [(np.array(path, float), np.array(radii, float)) for path, radii in LOCKS]
    for turn, (a, b) in enumerate(BETWEEN):
        share = 0.5 + 0.08 * np.sin(2.4 * turn)
        path = paths[a][0] * share + paths[b][0] * (1 - share)
        outwards = path - [0, 10, 20]
        path = path + outwards / np.linalg.norm(outwards, axis=1, keepdims=True) * (1.5 + 1.5 * np.cos(3.1 * turn))
        path[3] += 0.16 * (path[2] - path[3]) * (1 + np.sin(5.0 * turn))
        paths.append((path, 0.86 * (paths[a][1] + paths[b][1]) / 2))
    rows = [
        ellipsoid((0, 18, 48), (80, 82, 82), asymmetric=True),
        ellipsoid((0, 44, 6), (66, 46, 44), 20, asymmetric=True),
    ]
    locks = [rope(*spline(*lock, 8), 6.0, asymmetric=True) for lock in paths]
    form = np.concatenate([np.stack(rows), *locks])
    return HairStyle(
        form=form,
        strands=along_curves([spline(*lock, STEPS)[0] for lock in paths]),
        mirrored=False,
        spacing=2.52,
        wisps=0.16,
        curl=0.0,
    )


def sides() -> HairStyle:
    """A bald crown, and hair at the sides and the back that is combed backwards and stands off a little; heron's."""
    paths = [(np.array(path, float), np.array(radii, float)) for path, radii in SIDE_LOCKS]
    for a, b in SIDE_BETWEEN:
        path = (paths[a][0] + paths[b][0]) / 2
        paths.append((path + 2.0 * unit(path - [0, 20, 20]), 0.92 * (paths[a][1] + paths[b][1]) / 2))
    base = ellipsoid((0, 31, 4), (80, 71, 44))[None]
    form = np.concatenate([base, *(rope(*spline(*lock, 7), 5.0) for lock in paths)])
    lines = [spline(*lock, STEPS)[0] for lock in paths]
    return HairStyle(
        form=form,
        strands=along_curves([*lines, *(line * [-1.0, 1.0, 1.0] for line in lines)]),
        mirrored=True,
        spacing=2.5,
        wisps=0.34,
        curl=0.5,
    )


SIDE_LOCKS: tuple[tuple[tuple[tuple[float, float, float], ...], tuple[float, ...]], ...] = (
    (((72, -26, 46), (83, -4, 50), (91, 26, 46), (86, 56, 40)), (3, 8, 10, 2)),
    (((75, -22, 34), (85, -2, 40), (92, 30, 32), (84, 62, 24)), (4, 8, 11, 2)),
    (((77, -17, 28), (77.5, -17, 12), (76, -16, -4), (74, -14, -16)), (5, 5.5, 5, 1.5)),
    (((76, 26, 40), (87, 40, 22), (86, 56, 2), (78, 70, -16)), (6, 10, 10, 2)),
    (((70, 38, 56), (80, 52, 40), (78, 70, 16), (66, 84, -8)), (5, 10, 11, 2)),
    (((56, 58, 62), (64, 72, 42), (60, 88, 14), (48, 98, -12)), (5, 10, 11, 2)),
    (((38, 74, 62), (43, 88, 40), (38, 100, 12), (28, 106, -16)), (5, 10, 11, 2)),
    (((14, 82, 62), (16, 97, 38), (13, 106, 10), (8, 108, -18)), (6, 10, 11, 2)),
    (((78, 34, 14), (78, 44, -8), (68, 56, -34), (56, 62, -54)), (6, 9, 9, 2)),
    (((66, 62, 14), (64, 70, -12), (54, 72, -38), (42, 72, -60)), (8, 11, 10, 2)),
    (((44, 80, 10), (42, 85, -14), (34, 82, -40), (26, 78, -64)), (8, 11, 10, 2)),
    (((16, 90, 8), (15, 91, -16), (11, 86, -42), (7, 80, -68)), (9, 11, 10, 3)),
    (((0, 93, 6), (0, 92, -18), (0, 86, -44), (0, 80, -66)), (9, 11, 10, 3)),
    (((0, 86, 58), (0, 99, 34), (0, 107, 8), (0, 109, -18)), (6, 9, 10, 3)),
)

SIDE_BETWEEN = ((3, 4), (4, 5), (5, 6), (6, 7), (8, 9), (9, 10), (10, 11), (5, 9), (6, 10), (7, 11))

PUFF = np.array([71.0, 36.0, 127.0])  # centre of the left puff
PUFF_RADIUS = 35.0
TUFTS = 84  # round tufts of a puff
TUFT = 8.6
TIE = (16.0, 6.5)  # radii of the ring of the ribbon, and of the ribbon itself
SCALP_ROWS = 8  # of the form, before the puffs'
SCALP_CENTRE = np.array([0.0, 4.0, 30.0])


def puffs() -> HairStyle:
    """Hair parted in the middle and drawn tight into two curly puffs; wren's."""
    knot = _knot()
    tufts = _tufts()
    form = np.stack(
        [
            ellipsoid((0, 9, 39), (80, 91, 84.5)),
            ellipsoid((0, -20, 48), (69.5, 70, 60.5), 30),
            ellipsoid((0, 40, 0), (60, 44, 46), 24),
            ellipsoid((0, -112, 6), (116, 92, 89), 5, carve=True),
            ellipsoid((68, -62, -6), (40, 46, 50), 5, carve=True),
            ellipsoid((86, 14, -2), (22, 26, 31), 6, carve=True),
            ellipsoid((0, 30, -92), (110, 90, 60), 6, carve=True),
            capsule(tuple(knot - 8 * unit(PUFF - knot)), tuple(knot + 6 * unit(PUFF - knot)), 15, 13, 6),
            ellipsoid(PUFF, (PUFF_RADIUS - 6,) * 3, 3),
            *(ellipsoid(tuple(tuft), (TUFT,) * 3, 2.5) for tuft in tufts),
        ]
    )
    axis = unit(PUFF - knot)
    middle = knot + 2.0 * axis
    turn = np.linspace(0, 2 * np.pi, 15)[:, None]
    round_ = np.concatenate([np.cos(turn), np.sin(turn)], axis=1) @ _sides(axis).T
    ribbon = rope(middle + TIE[0] * round_, np.full(len(round_), TIE[1]), 0.5)
    return HairStyle(
        form=np.concatenate([form, ribbon]),
        strands=_puff_strands,
        mirrored=True,
        spacing=2.6,
        wisps=0.25,
        curl=0.6,
        scalp=SCALP_ROWS,
        ball=PUFF,
        tie=(middle, axis),
    )


def _knot() -> np.ndarray:
    """Where the left puff is tied to the scalp."""
    return PUFF - unit(PUFF - SCALP_CENTRE) * (PUFF_RADIUS + 4.5)


def _tufts() -> np.ndarray:
    """Centres (T, 3) of the left puff's tufts, evenly spread."""
    i = np.arange(TUFTS) + 0.5
    z = 1 - 2 * i / TUFTS
    turn = np.pi * (1 + 5**0.5) * i
    ball = np.stack([np.sqrt(1 - z * z) * np.cos(turn), np.sqrt(1 - z * z) * np.sin(turn), z], axis=1)
    far = (PUFF_RADIUS - 4.5) * (1 + 0.06 * np.sin(5.1 * i))
    tufts = PUFF + ball * far[:, None]
    return tufts[np.linalg.norm(tufts - _knot(), axis=1) > 19]


def _puff_strands(position: np.ndarray) -> Strands:
    """On the scalp from the hairline to the knot, as combed; on the puffs round and round each tuft."""
    left = position * np.where(position[:, :1] < 0, [-1.0, 1.0, 1.0], 1.0)
    knot, tufts = _knot(), _tufts()
    axis = unit(knot - SCALP_CENTRE)
    away = left - knot
    combed = unit(-away)
    sideways = unit(np.cross(axis, [0.0, 0.0, 1.0]))
    angle = np.arctan2(away @ np.cross(axis, sideways), away @ sideways)
    reach = np.linalg.norm(away, axis=1)
    combs = 0.6 * np.sin(angle * 34) + 0.4 * np.sin(angle * 71 + 1.0)
    _, nearest = (np.asarray(found) for found in KDTree(tufts).query(left))
    centre = tufts[nearest]
    out = unit(centre - PUFF)
    round_ = unit(np.cross(out, left - centre)) + 0.35 * out
    tilt = np.arccos(np.clip((unit(left - centre) * out).sum(axis=1), -1, 1))
    turn = np.arctan2(*((left - centre) @ _sides(out[0])).T)
    curls = np.sin(tilt * 6 + turn + 1.9 * nearest)
    puff = (np.linalg.norm(left - PUFF, axis=1) < PUFF_RADIUS + 9) & (reach > 10)
    flow = np.where(puff[:, None], round_, combed) * np.where(position[:, :1] < 0, [-1.0, 1.0, 1.0], 1.0)
    run = np.where(puff, 0.45 + 0.5 * smooth(2.0, 0.4, tilt), 0.25 + 0.2 * smooth(120, 20, reach))
    parting = np.exp(-((position[:, 0] / 1.4) ** 2)) * (position[:, 2] > 60)
    return unit(flow), np.where(puff, 0.8 * curls, 0.8 * combs * (1 - parting) - parting), run


def _sides(axis: np.ndarray) -> np.ndarray:
    """Two directions (3, 2) across an axis."""
    first = unit(np.cross(axis, [0.3, 0.1, 1.0]))
    return np.stack([first, np.cross(axis, first)], axis=1)


def along_curves(curves: list[np.ndarray]) -> Callable[[np.ndarray], Strands]:
    """Strands that follow the nearest of some curves (`STEPS`, 3)."""
    tree = KDTree(np.concatenate(curves))
    directions = np.concatenate([unit(np.gradient(line, axis=0)) for line in curves])
    lock = np.repeat(np.arange(len(curves)), STEPS)
    along = np.tile(np.linspace(0, 1, STEPS), len(curves))

    def strands(position: np.ndarray) -> Strands:
        distance, index = (np.asarray(found) for found in tree.query(position, k=10))
        weight = 1 / (distance + 2.0) ** 3
        weight /= weight.sum(axis=1, keepdims=True)
        flow = unit((directions[index] * weight[:, :, None]).sum(axis=1))
        nearest = index[:, 0]
        outwards = unit(position - tree.data[nearest] + 1e-6)
        u = (position * np.cross(outwards, flow)).sum(axis=1)
        shade = 0.55 * np.sin(u * 1.9 + lock[nearest] * 1.7) + 0.45 * np.sin(u * 4.3 + lock[nearest] * 2.9)
        return flow, shade, (along[index] * weight).sum(axis=1)

    return strands


STYLES: dict[str, Callable[[], HairStyle]] = {"swept": swept, "puffs": puffs, "sides": sides}
