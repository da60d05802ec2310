"""Gauss–Newton: one person over frames that know nothing of each other, and frames that follow one another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
from scipy.spatial.transform import Rotation

from .frames import POSE, Equations, Frames, Person, Problem
from .smoothing import Smoothness, cut, smoothness, solve_smooth
from .weights import Priors

Check = Callable[[], None]
"""Called between iterations; raises `Cancelled` to stop."""

_IDENTITY_HELD = 20.0  # squared pixels a frame, times the squared standard deviations
_FOCAL_HELD = 100.0  # times the squared logarithm of the focal length over what is usual
_OFFSETS_HELD = 2e5  # times the squared distance, metres
_JOINTS_HELD = 300.0  # times the squared angle, radians
_USUAL_FOCAL = 2.2  # of the picture's side
_TURN_SMOOTH, _MOVE_SMOOTH = 7e4, 4e5  # squared second differences at 25 frames a second, radians and metres
_MOST_TURN, _MOST_MOVE, _MOST_EXPRESSION = 0.2, 0.1, 0.5  # of one step
_TOGETHER = 256  # frames solved at once

_SMALL = 2e-3  # a step after which no other is needed

USUAL_SECONDS = 0.04


def fit_person(
    problem: Problem, person: Person, frames: Frames, seen: np.ndarray, held: Priors, check: Check
) -> Person:
    """One identity, focal length and set of offsets for all frames, which do not know of each other.

    Each iteration eliminates the frames' own variables (Schur's complement), so that what frames could explain
    together with the person is solved for exactly.

    Args:
        frames: where to begin.
        seen: MediaPipe's expression (T, E); NaN where it says nothing.
    """
    n, people = problem.variables, len(person.identity)
    for iteration in range(14):
        check()
        equations = problem.equations(person, frames, shared=True)
        hessian, gradient, fixed = _with_priors(equations, frames, seen, held, n)
        if iteration < 3:
            fixed[:, POSE:] = True  # the pose and the person's shape first
        hessian[:, n:, n:] += np.diag(np.r_[np.full(people, _IDENTITY_HELD), _FOCAL_HELD])
        gradient[:, n:-1] += _IDENTITY_HELD * person.identity
        gradient[:, -1] += _FOCAL_HELD * np.log(person.focal / (_USUAL_FOCAL * problem.size))
        step, shared = _bounded(partial(_solve_shared, hessian, gradient), frames.expression, held, fixed)
        frames = _stepped(problem, frames, step, held)
        person = replace(
            person,
            identity=person.identity + shared[:-1].clip(-1, 1),
            focal=person.focal * float(np.exp(shared[-1].clip(-0.2, 0.2))),
        )
        if iteration >= 5:
            person = problem.offsets(person, frames, _OFFSETS_HELD)
    return person


def fit_frames(
    problem: Problem,
    person: Person,
    frames: Frames,
    seen: np.ndarray,
    times: np.ndarray,
    held: Priors,
    progress: Callable[[float], None],
) -> Frames:
    """Pose and expression of frames that follow one another, the person given.

    Poses are held to move evenly, expressions to change slowly; a gap of time loosens both.

    Args:
        times: seconds (T,).
        progress: told how much is done, 0 to 1; raises `Cancelled` to stop.
    """
    done: list[Frames] = []
    before: Frames | None = None
    count = len(times)
    for first in range(0, count, _TOGETHER):
        part = slice(first, min(first + _TOGETHER, count))
        context = times[max(first - 2, 0) : part.stop]
        piece = _fit_batch(
            problem.of(part), person, frames[part], before, seen[part], context, held,
            lambda share, part=part: progress((part.start + share * (part.stop - part.start)) / count),
        )  # fmt: skip
        done.append(piece)
        before = piece[-2:]
    return _joined(done)


def _fit_batch(
    problem: Problem,
    person: Person,
    frames: Frames,
    before: Frames | None,
    seen: np.ndarray,
    times: np.ndarray,
    held: Priors,
    progress: Callable[[float], None],
) -> Frames:
    """Frames that are solved at once; `before` are two frames, or fewer, that they go on from; `times` are of both."""
    n, iterations = problem.variables, 10
    gaps = np.diff(times) / USUAL_SECONDS
    first = gaps[:, None] ** -2.0 * np.r_[np.zeros(POSE), held.slow, np.full(n - POSE - len(held.slow), 1000.0)]
    second = np.zeros((max(len(times) - 2, 0), n))
    if len(second):
        loose = np.maximum(gaps[1:], gaps[:-1])[:, None] ** -4.0
        second[:, :POSE] = loose.clip(0, 16) * np.repeat([_TURN_SMOOTH, _MOVE_SMOOTH], 3)
    known = len(times) - len(seen)
    for iteration in range(iterations):
        progress(iteration / iterations)
        equations = problem.equations(person, frames, shared=False)
        hessian, gradient, fixed = _with_priors(equations, frames, seen, held, n)
        whole = frames if before is None else _joined([before, frames])
        smooth = smoothness(_relative(whole, problem), first, second, known)
        (step,) = _bounded(partial(_solve_frames, hessian, gradient, smooth), frames.expression, held, fixed)
        frames = _stepped(problem, frames, step, held)
        if np.abs(step).max() < _SMALL:
            break
    return frames


def _with_priors(
    equations: Equations, frames: Frames, seen: np.ndarray, held: Priors, n: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Hessian and gradient with the frames' priors, and which variables are held at their bounds (T, n)."""
    hessian, gradient = equations.hessian, equations.gradient
    expression = frames.expression
    end = POSE + expression.shape[1]
    towards = np.where(np.isnan(seen), 0, held.towards)
    gradient[:, POSE:end] += held.sparse + towards * (expression - np.nan_to_num(seen))
    diagonal = np.einsum("tii->ti", hessian)
    diagonal[:, :n] += 1e-3 * diagonal[:, :n].clip(1)
    diagonal[:, POSE:end] += towards
    diagonal[:, end:n] += _JOINTS_HELD
    free = np.any(np.isfinite(frames.joints), axis=(0, 2)) if end < n else None
    if free is not None:
        used = frames.joints.reshape(len(expression), -1)
        gradient[:, end:n] += _JOINTS_HELD * used[:, : n - end]
    fixed = np.zeros((len(expression), n), bool)
    down, up = gradient[:, POSE:end] > 0, gradient[:, POSE:end] < 0
    fixed[:, POSE:end] = ((expression <= held.lowest) & down) | ((expression >= held.highest) & up)
    return hessian, gradient, fixed


def _bounded(solve: Callable[..., tuple], expression: np.ndarray, held: Priors, fixed: np.ndarray) -> tuple:
    """What `solve(fixed, values)` finds with expressions kept within their bounds.

    Its first result is the step (T, n). Components that would leave their bounds are fixed where they meet them, and
    the others solved for again.
    """
    values = np.zeros(fixed.shape)
    part = slice(POSE, POSE + expression.shape[1])
    for _ in range(6):
        result = solve(fixed, values)
        there = expression + result[0][:, part]
        out = (there < held.lowest - 1e-6) | (there > held.highest + 1e-6)
        if not out.any():
            break
        values[:, part][out] = (there.clip(held.lowest, held.highest) - expression)[out]
        fixed = fixed.copy()
        fixed[:, part] |= out
    return result


def _solve_shared(
    hessian: np.ndarray, gradient: np.ndarray, fixed: np.ndarray, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The step of the frames (T, n), some of it fixed to values, and that of what all of them share."""
    n = fixed.shape[1]
    gradient = gradient + np.einsum("tij,tj->ti", hessian[:, :, :n], np.where(fixed, values, 0))
    right, between = gradient[:, :n].copy(), hessian[:, :n, n:].copy()
    right[fixed], between[fixed] = -values[fixed], 0
    solved = np.linalg.solve(cut(hessian[:, :n, :n], fixed), np.concatenate([between, right[..., None]], -1))
    reduced = hessian[:, n:, n:].sum(0) - np.einsum("tns,tnr->sr", between, solved[..., :-1])
    rest = gradient[:, n:].sum(0) - np.einsum("tns,tn->s", between, solved[..., -1])
    shared = -np.linalg.solve(reduced, rest)
    return -(solved[..., -1] + solved[..., :-1] @ shared), shared


def _solve_frames(
    hessian: np.ndarray, gradient: np.ndarray, smooth: Smoothness, fixed: np.ndarray, values: np.ndarray
) -> tuple[np.ndarray]:
    """`solve_smooth` as `_bounded` wants it."""
    return (solve_smooth(hessian, gradient, smooth, fixed, values),)


def _relative(frames: Frames, problem: Problem) -> np.ndarray:
    """Coordinates in which a step of `Frames.stepped` adds, near enough for differences of neighbours (T, n)."""
    turns = Rotation.from_matrix(frames.rotation @ frames.rotation[0].T).as_rotvec()
    joints = frames.joints[:, problem.free].reshape(len(turns), -1)
    return np.concatenate([turns, frames.translation, frames.expression, joints], axis=1)


def _stepped(problem: Problem, frames: Frames, step: np.ndarray, held: Priors) -> Frames:
    most = np.full(step.shape[1], _MOST_EXPRESSION)
    most[:3], most[3:6] = _MOST_TURN, _MOST_MOVE
    moved = frames.stepped(step.clip(-most, most), problem.free)
    return replace(moved, expression=moved.expression.clip(held.lowest, held.highest))


def _joined(pieces: list[Frames]) -> Frames:
    names = ("rotation", "translation", "expression", "joints")
    return Frames(*(np.concatenate([getattr(piece, name) for piece in pieces]) for name in names))
