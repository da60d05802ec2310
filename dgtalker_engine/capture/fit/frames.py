"""Normal equations of frames: how the landmarks' errors in the picture depend on what is fitted."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from .landmark_model import LandmarkModel
from .weights import CLOSURES, FACE_HEIGHT, landmark_weights

_ROBUST = 4.0  # pixels, beyond which an error counts linearly
_CLOSURE = 3.0
_CLOSED = 3.0  # pixels of opening, below which a closure counts up to 4 times
_IRIS_HELD = 100.0  # as much as the other offsets
_BATCH = 24  # frames whose derivatives fit a processor's cache

POSE = 6


@dataclass(frozen=True)
class Person:
    """What is the same in all frames.

    Attributes:
        identity: (I,).
        focal: pixels.
        offsets: where the landmarks lie beside the model's (P, 3), metres.
    """

    identity: np.ndarray
    focal: float
    offsets: np.ndarray


@dataclass(frozen=True)
class Frames:
    """What differs between T frames.

    Attributes:
        rotation: head space to the camera (T, 3, 3).
        translation: (T, 3), metres.
        expression: (T, E).
        joints: rotations of the model's joints that no expression turns (T, J, 3).
    """

    rotation: np.ndarray
    translation: np.ndarray
    expression: np.ndarray
    joints: np.ndarray

    def __getitem__(self, part: slice | np.ndarray) -> Frames:
        return Frames(self.rotation[part], self.translation[part], self.expression[part], self.joints[part])

    def stepped(self, step: np.ndarray, free: np.ndarray) -> Frames:
        """After a step (T, 6 + E + 3 · free joints): a turn in the camera's axes, a move, expression, joints."""
        expressions = self.expression.shape[1]
        joints = self.joints.copy()
        joints[:, free] += step[:, POSE + expressions :].reshape(len(step), -1, 3)
        return Frames(
            Rotation.from_rotvec(step[:, :3]).as_matrix() @ self.rotation,
            self.translation + step[:, 3:6],
            self.expression + step[:, POSE : POSE + expressions],
            joints,
        )


class Equations(NamedTuple):
    """Gauss–Newton's normal equations of T frames, H x = −g, in squared pixels of a face of usual height.

    Attributes:
        hessian: (T, n, n), n variables of a frame, then those of the person where they were asked for.
        gradient: (T, n).
        cost: (T,).
    """

    hessian: np.ndarray
    gradient: np.ndarray
    cost: np.ndarray


class Problem:
    """Landmarks of T frames, and the model that is fitted to them.

    Args:
        model: the face at its landmarks.
        landmarks: pixels (T, 478, 2 or more), y down.
        size: of the square picture, pixels; its middle is the principal point.
    """

    def __init__(self, model: LandmarkModel, landmarks: np.ndarray, size: int) -> None:
        self.model, self.size = model, size
        self.wanted = landmarks[:, model.indices, :2].astype(np.float64)
        self.weights = landmark_weights()[model.indices]
        height = np.linalg.norm(landmarks[:, 10, :2] - landmarks[:, 152, :2], axis=1)
        self.unit = float(np.median(height)) / FACE_HEIGHT
        position = {int(index): place for place, index in enumerate(model.indices)}
        self.pairs = np.array([[position[a], position[b]] for a, b in CLOSURES if a in position and b in position])
        self.free = ~np.any(model.turns, axis=(0, 2))
        self.variables = POSE + len(model.expression) + 3 * int(self.free.sum())

    def of(self, part: slice | np.ndarray) -> Problem:
        """The same of some of the frames."""
        problem = object.__new__(Problem)
        problem.__dict__.update(self.__dict__)
        problem.wanted = self.wanted[part]
        return problem

    def project(self, person: Person, frames: Frames) -> np.ndarray:
        """Where the landmarks lie in the pictures (T, P, 2), pixels."""
        rest, joints = self.model.shape(person.identity)
        points = self.model.place(rest + person.offsets, joints, frames.expression, frames.joints, derivatives=False)
        there = points.points @ frames.rotation.transpose(0, 2, 1) + frames.translation[:, None]
        return person.focal * there[..., :2] / there[..., 2:] + self.size / 2

    def equations(self, person: Person, frames: Frames, *, shared: bool) -> Equations:
        """Of all frames; with `shared`, identity and the logarithm of the focal length are variables too."""
        parts = [slice(first, first + _BATCH) for first in range(0, len(self.wanted), _BATCH)]
        pieces = [self.of(part)._equations(person, frames[part], shared) for part in parts]
        return Equations(*(np.concatenate(arrays) for arrays in zip(*pieces, strict=True)))

    def offsets(self, person: Person, frames: Frames, held: float) -> Person:
        """The person with the offsets that explain what is left on average.

        They are held to the model's bias by `held` per squared metre.
        """
        count, landmarks, _ = self.wanted.shape
        hessian, gradient = np.zeros((landmarks, 3, 3)), np.zeros((landmarks, 3))
        for first in range(0, count, _BATCH):
            part = slice(first, first + _BATCH)
            piece = self.of(part)
            error, by_point, *_ = piece._errors(person, frames[part])
            by_point = by_point @ frames.rotation[part][:, None]
            weights = piece._robust(error)
            hessian += np.einsum("tp,tpki,tpkj->pij", weights, by_point, by_point)
            gradient += np.einsum("tp,tpki,tpk->pi", weights, by_point, error)
        hessian, gradient = hessian / count, gradient / count
        # An iris beside its place means a look, not a person.
        each = held * np.where(self.model.indices < 468, 1.0, _IRIS_HELD)[:, None]
        beside = person.offsets - self.model.bias
        step = np.linalg.solve(hessian + each[..., None] * np.eye(3), (gradient + each * beside)[..., None])
        step = step[..., 0]
        return replace(person, offsets=person.offsets - step)

    def _errors(self, person: Person, frames: Frames) -> tuple:
        """Errors (T, P, 2) in units, their derivatives by points in the camera (T, P, 2, 3), and what was placed."""
        rest, joints = self.model.shape(person.identity)
        placed = self.model.place(rest + person.offsets, joints, frames.expression, frames.joints)
        turned = placed.points @ frames.rotation.transpose(0, 2, 1)
        there = turned + frames.translation[:, None]
        scale = person.focal / there[..., 2] / self.unit
        flat = there[..., :2] / there[..., 2:]
        by_point = np.zeros((*there.shape[:2], 2, 3))
        by_point[..., 0, 0] = by_point[..., 1, 1] = scale
        by_point[..., 2] = -scale[..., None] * flat
        error = flat * (person.focal / self.unit) + (self.size / 2 - self.wanted) / self.unit
        return error, by_point, placed, turned, flat

    def _robust(self, error: np.ndarray) -> np.ndarray:
        return self.weights / np.sqrt(1 + (error**2).sum(-1) / _ROBUST**2)

    def _equations(self, person: Person, frames: Frames, shared: bool) -> Equations:
        error, by_point, placed, turned, flat = self._errors(person, frames)
        count, landmarks, _ = error.shape
        total = self.variables + (len(person.identity) + 1 if shared else 0)
        jacobian = np.empty((count, landmarks, 2, total), np.float32)
        expressions = len(self.model.expression)
        x, y, z = np.moveaxis(turned, -1, 0)
        zero = np.zeros_like(x)
        cross = np.stack([zero, z, -y, -z, zero, x, y, -x, zero], -1).reshape(count, landmarks, 3, 3)
        jacobian[..., :3] = by_point @ cross
        jacobian[..., 3:6] = by_point
        by_head = (by_point @ frames.rotation[:, None]).astype(np.float32)
        jacobian[..., POSE : POSE + expressions] = _product(by_head, placed.by_expression)
        free = np.repeat(self.free, 3)
        jacobian[..., POSE + expressions : self.variables] = _product(by_head, placed.by_pose[..., free])
        if shared:
            people = len(person.identity)
            by_identity = self.model.identity[:people].transpose(1, 2, 0).astype(np.float32)
            jacobian[..., self.variables : -1] = _product(by_head, by_identity)
            jacobian[..., -1] = flat * (person.focal / self.unit)
        weights = self._robust(error)
        hessian, gradient, cost = _normal(jacobian, error, weights)
        upper, lower = self.pairs.T
        difference = error[:, upper] - error[:, lower]
        opening = np.linalg.norm(self.wanted[:, upper] - self.wanted[:, lower], axis=-1) / self.unit
        weights = _CLOSURE * (1 + 3 * np.exp(-((opening / _CLOSED) ** 2)))
        more = _normal(jacobian[:, upper] - jacobian[:, lower], difference, weights)
        return Equations(hessian + more.hessian, gradient + more.gradient, cost + more.cost)


def _product(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """first @ second by torch, whose number of threads is known: NumPy's small products would wake all there are."""
    return torch.matmul(torch.from_numpy(first), torch.from_numpy(second)).numpy()


def _normal(jacobian: np.ndarray, error: np.ndarray, weights: np.ndarray) -> Equations:
    """½ Σ w e² of errors (T, P, 2) with weights (T, P)."""
    count, _, _, total = jacobian.shape
    weights = np.repeat(weights, 2, axis=1)
    flat, error = jacobian.reshape(count, -1, total), error.reshape(count, -1)
    weighted = flat * weights[..., None].astype(np.float32)
    weighted = weighted.transpose(0, 2, 1)
    hessian = _product(weighted, flat).astype(np.float64)
    gradient = _product(weighted, error[..., None].astype(np.float32))[..., 0].astype(np.float64)
    return Equations(hessian, gradient, 0.5 * (weights * error**2).sum(1))
