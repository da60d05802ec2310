"""From the space of the sculpture to that of a character: a smooth map that keeps eyeballs round and teeth rigid.

It is mirror-symmetric. The rig works in the sculpture's space; a point `p` that a control moves by `δ` there moves by
`W(p + δ) - W(p)` here.
"""

from __future__ import annotations

import numba
import numpy as np

from .anatomy import EYE, LID_RADIUS
from .character import Bell, Shape
from .surfels import Part, Surfels, unit

# Within the first only the eye's own map holds, beyond the others none: the second towards the nose, which keeps its
# own shape, the third elsewhere, or a ridge would ring the eye.
EYE_REACH = (LID_RADIUS + 4.0, LID_RADIUS + 21.0, LID_RADIUS + 36.0)
MOUTH = np.array([0.0, -75.0, -65.0])  # middle of what is rigid in the mouth
MOUTH_PARTS = (Part.UPPER_TEETH, Part.LOWER_TEETH, Part.TONGUE, Part.CAVITY)
STAYS_ROUND = 1.25
STEP = 0.05  # mm, for differences


class Warp:
    """The map of one character."""

    def __init__(self, shape: Shape) -> None:
        self._bells = np.array([row for bell in shape.bells for row in _rows(bell)], float).reshape(-1, 12)
        self._eye = np.array([*EYE, shape.eyes - 1.0, *EYE_REACH, 0.0, 0.0, 0.0])
        self._eye[7:] = self._bent(EYE) + shape.eye_shift
        self._mouth_shift = self._bent(MOUTH)

    def move(self, position: np.ndarray, part: np.ndarray | None = None) -> np.ndarray:
        """Where points (N, 3) of parts (N,) come to lie; skin where no part is given."""
        moved = _moved(self._bells, self._eye, np.ascontiguousarray(position, float))
        if part is not None:
            inside = np.isin(part, MOUTH_PARTS)
            moved[inside] = position[inside] + self._mouth_shift
        return moved

    def turn(self, position: np.ndarray, vectors: np.ndarray, part: np.ndarray | None = None) -> np.ndarray:
        """What the map makes of small vectors (N, 3) at points (N, 3)."""
        step = STEP * unit(vectors)
        change = (self.move(position + step, part) - self.move(position - step, part)) / (2 * STEP)
        return change * np.linalg.norm(vectors, axis=1, keepdims=True)

    def surfels(self, surfels: Surfels) -> Surfels:
        """The same surfels in the character's space; their anchors stay in the sculpture's."""
        along = self.turn(surfels.position, surfels.along, surfels.part)
        across = self.turn(surfels.position, np.cross(surfels.normal, surfels.along), surfels.part)
        first = np.linalg.norm(along, axis=1)
        second = np.linalg.norm(np.cross(along, across), axis=1) / first
        moved = surfels.select(np.arange(len(surfels)))
        moved.position = self.move(surfels.position, surfels.part)
        moved.along = unit(along)
        moved.normal = unit(np.cross(along, across))
        stretch = np.stack([first, second], axis=1)
        # discs that stay nearly round stay round: they need not turn about their normals
        even = (surfels.size[:, 0] == surfels.size[:, 1]) & (stretch.max(axis=1) < STAYS_ROUND * stretch.min(axis=1))
        stretch[even] = np.sqrt(first * second)[even, None]
        moved.size = surfels.size * stretch
        return moved

    def _bent(self, place: np.ndarray) -> np.ndarray:
        """What the bells alone add at one place (3,)."""
        return np.array(_bend(self._bells, *place))


def _rows(bell: Bell) -> list[list[float]]:
    row = [*bell.centre, *bell.radius, *(scale - 1.0 for scale in bell.scale), *bell.shift]
    if bell.centre[0] == 0.0:
        return [row]
    mirrored = [*row]
    mirrored[0], mirrored[9] = -row[0], -row[9]
    return [row, mirrored]


@numba.njit(cache=True, error_model="numpy")
def _bend(bells, px, py, pz):
    """What the bells add at a point."""
    x, y, z = 0.0, 0.0, 0.0
    for i in range(len(bells)):
        b = bells[i]
        u, v, w = px - b[0], py - b[1], pz - b[2]
        far = (u / b[3]) ** 2 + (v / b[4]) ** 2 + (w / b[5]) ** 2
        if far < 20.0:
            weight = np.exp(-far)
            x += weight * (b[6] * u + b[9])
            y += weight * (b[7] * v + b[10])
            z += weight * (b[8] * w + b[11])
    return x, y, z


@numba.njit(cache=True, parallel=True, error_model="numpy")
def _moved(bells, eye, points):
    out = np.empty_like(points)
    for i in numba.prange(len(points)):
        px, py, pz = points[i]
        x, y, z = _bend(bells, px, py, pz)
        near = np.empty(2)
        for j in range(2):
            u, v, w = px - (2 * j - 1) * eye[0], py - eye[1], pz - eye[2]
            away = np.sqrt(u * u + v * v + w * w)
            t = ((2 * j - 1) * u / max(away, 1e-9) + 0.75) / 0.65
            t = min(max(t, 0.0), 1.0)
            reach = eye[5] + (eye[6] - eye[5]) * t * t * (3.0 - 2.0 * t)
            t = (away - eye[4]) / (reach - eye[4])
            t = min(max(t, 0.0), 1.0)
            near[j] = 1.0 - t * t * t * (t * (6.0 * t - 15.0) + 10.0)
        free = (1.0 - near[0]) * (1.0 - near[1])
        ex, ey, ez = 0.0, 0.0, 0.0
        for j in range(2):
            side = 2.0 * j - 1.0
            share = near[j] * (1.0 - 0.5 * near[1 - j])  # where both eyes reach, the shares still sum to 1
            ex += share * (eye[3] * (px - side * eye[0]) + side * eye[7])
            ey += share * (eye[3] * (py - eye[1]) + eye[8])
            ez += share * (eye[3] * (pz - eye[2]) + eye[9])
        out[i, 0] = px + free * x + ex
        out[i, 1] = py + free * y + ey
        out[i, 2] = pz + free * z + ez
    return out
