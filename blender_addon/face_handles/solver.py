"""Which sliders bring a point of the face to where it is dragged. Needs no Blender.

A bounded least squares problem with what an animator expects as its penalties: the point follows in the direction of
the drag, few sliders move and no further than they must, those that are up go down before opposed ones come up, and
none is raised only to cancel what another one does sideways.
"""

from __future__ import annotations

import numpy as np

_ACROSS = 0.06
"""What an error across the drag counts, of one along it."""
_AWAY, _BACK = 0.006, 0.0006
"""Penalty of a slider that moves away from its rest, and back to it: of the square of how far it moves the point."""
_FEW = 0.004
"""Penalty of each slider that moves away from its rest, linear: the fewest that do it are moved."""
_AGAINST = 300.0
"""How many times more what works against a better slider costs."""
_OPPOSED = 40.0
"""How many times more what comes up costs, where one that is up could go down instead."""
_BEYOND = 1.05
"""Of how far sliders can bring a point along a drag: what it is dragged by at most, enough for them to get there."""
_LEAST = 0.01
"""Of a slider's range: what moves less stays as it was, and gets no key."""
_LIKE = 0.3
"""The least cosine between a drag and what a slider does for the drag to be as long as the slider can go."""


def solve(
    jacobian: np.ndarray,
    move: np.ndarray,
    start: np.ndarray,
    rest: np.ndarray,
    limits: tuple[np.ndarray, np.ndarray],
    reach: np.ndarray,
    bend: np.ndarray | None = None,
) -> np.ndarray:
    """The sliders with which a point is moved from where it was.

    Args:
        jacobian: (D, n), what each slider moves the point by, in the plane of the view (D = 2) or in space (3).
        move: (D,), where the point should be, from where it was with `start`.
        start: (n,), the sliders before the drag; they stay within the limits, wherever they are.
        rest: (n,), their values at rest.
        limits: lowest and highest values, (n,) each.
        reach: (n,), how far each slider moves the point in space. It sets the scale of the penalties, so that one that
            moves it mostly towards the viewer is not turned up for little.
        bend: (D,), how far the point is off what `jacobian` says, for the values that it was last tried with.

    Returns:
        (n,), within the limits; `start` exactly where nothing has to move.
    """
    distance = float(np.linalg.norm(move))
    idle = reach <= 1e-3 * reach.max(initial=0.0)
    low = np.where(idle, start, np.minimum(limits[0], start))
    high = np.where(idle, start, np.maximum(limits[1], start))
    if distance <= 1e-9:
        return start.copy()
    slider, sign, room, back = _ways(start, rest, low, high)
    if not len(slider):
        return start.copy()
    ways = jacobian[:, slider] * sign
    seen = np.maximum(np.linalg.norm(ways, axis=0), 0.01 * reach[slider])
    scale = np.maximum(reach[slider], 0.05 * reach.max()) ** 2 * (reach[slider] / seen) ** 2
    along = move / distance
    cosine = along @ ways / seen
    # a point that is dragged much farther than it can go would turn up all that helps a little
    move = along * min(distance, _BEYOND * float((room * (along @ ways))[cosine > _LIKE].sum()))
    metric = _ACROSS**0.5 * np.eye(len(move)) + (1 - _ACROSS**0.5) * np.outer(along, along)
    weighted = metric @ ways
    target = metric @ (move if bend is None else move - bend)
    curve = np.where(back, _BACK, _AWAY * _reluctance(ways / seen, cosine, back, slider)) * scale
    hessian = weighted.T @ weighted + np.diag(curve)
    linear = weighted.T @ target - np.where(back, 0.0, _FEW * scale / 2)
    values = start.copy()
    np.add.at(values, slider, sign * bounded_least_squares(hessian, linear, room))
    values = np.clip(values, low, high)
    return np.where(np.abs(values - start) <= _LEAST * (high - low), start, values)


def _ways(
    start: np.ndarray, rest: np.ndarray, low: np.ndarray, high: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Each slider's ways: up and down from where it is, cut at its rest; which slider, sign, length, whether back."""
    ways: list[tuple[int, float, float, bool]] = []
    for i in range(len(start)):
        for sign, end in ((1.0, high[i]), (-1.0, low[i])):
            total, to_rest = sign * (end - start[i]), sign * (rest[i] - start[i])
            back = min(max(to_rest, 0.0), total)
            ways += [(i, sign, back, True)] if back > 1e-9 else []
            ways += [(i, sign, total - back, False)] if total - back > 1e-9 else []
    slider, sign, room, back = (np.array(column) for column in zip(*ways, strict=True)) if ways else [np.zeros(0)] * 4
    return slider.astype(int), sign, room, back.astype(bool)


def _reluctance(directions: np.ndarray, cosine: np.ndarray, back: np.ndarray, slider: np.ndarray) -> np.ndarray:
    """How much more each way costs, 1 or more: where it fights one that goes more along the drag, or where one that
    leads back does the same."""
    alike = directions.T @ directions
    fights = np.maximum(-alike, 0.0) * (cosine[None, :] > cosine[:, None])
    against = fights.max(axis=1) * (1 - np.maximum(cosine, 0.0)) ** 4
    others = back & (cosine > _LIKE) & (slider[None, :] != slider[:, None])
    opposed = (np.maximum(alike, 0.0) * others).max(axis=1)
    return 1 + _AGAINST * against + _OPPOSED * opposed


def bounded_least_squares(hessian: np.ndarray, linear: np.ndarray, room: np.ndarray) -> np.ndarray:
    """The x within 0 and `room` with the least x·H·x / 2 − x·linear, for a positive definite H.

    The active set method of C. L. Lawson, R. J. Hanson, *Solving Least Squares Problems*, 1974, chapter 23 (NNLS), with
    upper bounds.
    """
    x = np.zeros(len(linear))
    at_low = np.ones(len(linear), bool)
    at_high = np.zeros(len(linear), bool)
    tolerance = 1e-9 * max(float(np.abs(linear).max()), 1e-30)
    for _ in range(8 * len(linear)):
        pull = linear - hessian @ x
        gain = np.where(at_low, pull, np.where(at_high, -pull, 0.0))
        best = int(gain.argmax())
        if gain[best] <= tolerance:
            break
        at_low[best] = at_high[best] = False
        while True:
            free = ~(at_low | at_high)
            wanted = x.copy()
            fixed = hessian[np.ix_(free, ~free)] @ x[~free]
            wanted[free] = np.linalg.solve(hessian[np.ix_(free, free)], linear[free] - fixed)
            step = wanted - x
            limit = np.where(step > 0, room - x, x)
            share = np.where(np.abs(step) > limit, limit / np.maximum(np.abs(step), 1e-30), 1.0)
            share[~free] = 1.0
            first = int(share.argmin())
            x = x + float(share[first]) * step
            if share[first] >= 1.0:
                break
            at_high[first], at_low[first] = step[first] > 0, step[first] <= 0
            x[first] = room[first] if step[first] > 0 else 0.0
            if not (~(at_low | at_high)).any():
                break
    return np.clip(x, 0.0, room)
