"""Signed distances of the sculpted head, in millimetres; mirrored about x = 0 but for asymmetric primitives.

A form is an array of rows, one per primitive, blended in their order with a smooth minimum (Quilez). Row layout: kind,
operation (+1 joins, -1 carves), blend radius, then 11 numbers of the kind, then 1 if it goes on
with the next row as one primitive, then 1 if it is asymmetric. An APART row ends a form: what follows neither blends
with it nor carves it.
"""

from __future__ import annotations

import numba
import numpy as np

ELLIPSOID, CAPSULE, LIP, BOUND, APART = 0.0, 1.0, 2.0, 3.0, 4.0
ROW = 16


def ellipsoid(centre, radii, blend=0.0, *, carve=False, asymmetric=False) -> np.ndarray:
    """An ellipsoid with axes along those of head space."""
    return _row(ELLIPSOID, carve, blend, [*centre, *radii], asymmetric)


def capsule(start, end, start_radius, end_radius, blend=0.0, *, carve=False) -> np.ndarray:
    """A rod with round ends, its radius changing from one end to the other."""
    return _row(CAPSULE, carve, blend, [*start, *end, start_radius, end_radius])


def rope(points, radii, blend=0.0, *, asymmetric=False) -> np.ndarray:
    """Rods along a path, joined without bulges and blended as one; before them a sphere that holds them all."""
    points, radii = np.asarray(points, float), np.asarray(radii, float)
    rods = zip(points[:-1], points[1:], radii[:-1], radii[1:], strict=True)
    rows = np.stack([_row(CAPSULE, False, blend, [*a, *b, ra, rb], asymmetric) for a, b, ra, rb in rods])
    rows[:-1, 14] = 1
    middle = 0.5 * (points.min(axis=0) + points.max(axis=0))
    reach = (np.linalg.norm(points - middle, axis=1) + radii).max()
    bound = _row(BOUND, False, blend, [*middle, reach, len(rows)], asymmetric)
    return np.concatenate([bound[None], rows])


def spline(path: np.ndarray, radii: np.ndarray, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """A Catmull-Rom spline (steps, 3) through a path, and the radii along it (steps,)."""
    knots = np.concatenate([[2 * path[0] - path[1]], path, [2 * path[-1] - path[-2]]])
    t = np.linspace(0, len(path) - 1, steps)
    i = np.minimum(t.astype(int), len(path) - 2)
    u = (t - i)[:, None]
    a, b, c, d = knots[i], knots[i + 1], knots[i + 2], knots[i + 3]
    line = 0.5 * (2 * b + (c - a) * u + (2 * a - 5 * b + 4 * c - d) * u**2 + (3 * b - a - 3 * c + d) * u**3)
    return line, np.interp(t, np.arange(len(radii)), radii)


def lip(half_width, y, z, radius, height, blend=0.0) -> np.ndarray:
    """A tube across the face. `y`, `z`, `radius`: coefficients of t⁰, t², t⁴ with t = |x| / half_width; `height` is its
    extent along z over that along y."""
    return _row(LIP, False, blend, [half_width, *y, *z, *radius, height])


def union(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Both forms, each with its own blends and carvings."""
    return np.concatenate([first, _row(APART, False, 0.0, [])[None], second])


def _row(kind: float, carve: bool, blend: float, numbers: list[float], asymmetric: bool = False) -> np.ndarray:
    row = np.zeros(ROW)
    row[:3] = kind, -1.0 if carve else 1.0, blend
    row[3 : 3 + len(numbers)] = numbers
    row[15] = float(asymmetric)
    return row


@numba.njit(cache=True, error_model="numpy")
def distance(form, px, py, pz):
    """Signed distance at one point; negative inside."""
    sided = px
    total, rope_distance, other = 1e9, 1e9, 1e9
    i = -1
    while i + 1 < form.shape[0]:
        i += 1
        f = form[i]
        px = sided if f[15] > 0.0 else abs(sided)
        if f[0] == 4.0:
            other = min(other, total)
            total = 1e9
            continue
        if f[0] == 3.0:
            x, y, z = px - f[3], py - f[4], pz - f[5]
            room = total + f[2] + f[6]
            if room > 0.0 and x * x + y * y + z * z > room * room:
                i += int(f[7])
            continue
        if f[0] == 0.0:
            x, y, z = px - f[3], py - f[4], pz - f[5]
            a, b, c = x / f[6], y / f[7], z / f[8]
            k0 = np.sqrt(a * a + b * b + c * c)
            a, b, c = a / f[6], b / f[7], c / f[8]
            k1 = np.sqrt(a * a + b * b + c * c)
            d = k0 * (k0 - 1.0) / k1 if k1 > 1e-9 else -min(f[6], f[7], f[8])
        elif f[0] == 1.0:
            bx, by, bz = f[6] - f[3], f[7] - f[4], f[8] - f[5]
            x, y, z = px - f[3], py - f[4], pz - f[5]
            h = min(max((x * bx + y * by + z * bz) / (bx * bx + by * by + bz * bz), 0.0), 1.0)
            x, y, z = x - bx * h, y - by * h, z - bz * h
            d = np.sqrt(x * x + y * y + z * z) - (f[9] + (f[10] - f[9]) * h)
        else:
            over = max(px - f[3], 0.0)
            t = min(px / f[3], 1.0) ** 2
            y = py - (f[4] + f[5] * t + f[6] * t * t)
            z = (pz - (f[7] + f[8] * t + f[9] * t * t)) / f[13]
            d = np.sqrt(over * over + y * y + z * z) - (f[10] + f[11] * t + f[12] * t * t)
        d = min(d, rope_distance)
        if f[14] > 0.0:
            rope_distance = d
            continue
        rope_distance = 1e9
        k = max(f[2], 1e-6)
        if f[1] > 0.0:
            h = max(k - abs(total - d), 0.0) / k
            total = min(total, d) - h * h * k * 0.25
        else:
            h = max(k - abs(total + d), 0.0) / k
            total = max(total, -d) + h * h * k * 0.25
    return min(total, other)


@numba.njit(cache=True, parallel=True, error_model="numpy")
def distances(form, points):
    """float64 (N,) at `points` (N, 3)."""
    out = np.empty(len(points))
    for i in numba.prange(len(points)):
        out[i] = distance(form, points[i, 0], points[i, 1], points[i, 2])
    return out


@numba.njit(cache=True, parallel=True, error_model="numpy")
def normals(form, points):
    """Unit outward normals (N, 3) at `points` (N, 3)."""
    out = np.empty((len(points), 3))
    e = 0.05
    for i in numba.prange(len(points)):
        x, y, z = points[i]
        a = distance(form, x + e, y, z) - distance(form, x - e, y, z)
        b = distance(form, x, y + e, z) - distance(form, x, y - e, z)
        c = distance(form, x, y, z + e) - distance(form, x, y, z - e)
        length = np.sqrt(a * a + b * b + c * c) + 1e-12
        out[i, 0], out[i, 1], out[i, 2] = a / length, b / length, c / length
    return out


@numba.njit(cache=True, parallel=True, error_model="numpy")
def cast(form, origins, directions, start):
    """Marches from origin + start · direction back towards the origin: the outermost hit (N, 3)."""
    out = np.empty((len(origins), 3))
    for i in numba.prange(len(origins)):
        t = start
        for _ in range(200):
            d = distance(
                form,
                origins[i, 0] + t * directions[i, 0],
                origins[i, 1] + t * directions[i, 1],
                origins[i, 2] + t * directions[i, 2],
            )
            if d < 0.002 or t <= 0:
                break
            t -= d * 0.8
        for j in range(3):
            out[i, j] = origins[i, j] + t * directions[i, j]
    return out


@numba.njit(cache=True, parallel=True, error_model="numpy")
def occlusion(form, points, normal, reach):
    """Ambient light (N,), 1 in the open, towards 0 in clefts: how far the surface keeps away along the normal."""
    out = np.empty(len(points))
    for i in numba.prange(len(points)):
        total, weight = 0.0, 0.0
        for step in range(1, 7):
            h = reach * step / 6.0
            w = 1.0 / step
            d = distance(
                form,
                points[i, 0] + h * normal[i, 0],
                points[i, 1] + h * normal[i, 1],
                points[i, 2] + h * normal[i, 2],
            )
            total += w * min(max(d / h, 0.0), 1.0)
            weight += w
        out[i] = total / weight
    return out


@numba.njit(cache=True, parallel=True, error_model="numpy")
def shadow(form, points, normal, light, softness):
    """Light (N,) that reaches `points` from the direction `light`, with a soft edge (Quilez)."""
    out = np.empty(len(points))
    for i in numba.prange(len(points)):
        lit = 1.0
        t = 3.0
        for _ in range(48):
            d = distance(
                form,
                points[i, 0] + 1.5 * normal[i, 0] + t * light[0],
                points[i, 1] + 1.5 * normal[i, 1] + t * light[1],
                points[i, 2] + 1.5 * normal[i, 2] + t * light[2],
            )
            lit = min(lit, softness * d / t)
            if lit < 0.0 or t > 220.0:
                break
            t += max(d, 1.0)
        lit = max(lit, 0.0)
        out[i] = lit * lit * (3.0 - 2.0 * lit)
    return out
