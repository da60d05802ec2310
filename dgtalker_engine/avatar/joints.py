"""Joints: controls that turn Gaussians about a point, on top of what the blendshapes do.

A sum of differences can neither turn a head and keep its size, nor take an open mouth along. So a joint turns what the
blendshapes have posed, by the sum of its controls' rotation vectors (no order, no gimbal lock), scaled for every
Gaussian by how much that goes with the joint.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import DGTalkerError
from ..rig import Rig
from .document import plain

LARGE = 0.012  # m: shapes that move this far are turned with the proxy, too
MOST_LARGE = 4
MAX_TURNS = 16
"""Controls of one joint."""
SMALL = 3e-4  # m: shapes of the proxy that move less are left out
Names = tuple[str, ...]


@dataclass(frozen=True)
class Joint:
    """One joint.

    Attributes:
        pivot: head space, metres.
        turns: by control, the rotation vector (axis times angle in radians) at weight 1.
    """

    pivot: tuple[float, float, float]
    turns: Mapping[str, tuple[float, float, float]]

    def to_json(self) -> dict[str, Any]:
        return {"pivot": list(self.pivot), "turns": {name: list(vector) for name, vector in self.turns.items()}}

    @classmethod
    def from_json(cls, data: Mapping[str, Any], rig: Rig) -> Joint:
        """Raises DGTalkerError, ValueError, TypeError or KeyError when `data` is not what `to_json` makes."""
        turns = {str(name): _vector(vector) for name, vector in dict(data["turns"]).items()}
        if len(turns) > MAX_TURNS:
            raise DGTalkerError(f"A joint of the avatar has {len(turns)} controls; at most {MAX_TURNS} are possible.")
        unknown = set(turns) - set(rig.names)
        if unknown:
            raise DGTalkerError(f"A joint of the avatar is turned by {min(unknown)!r}, which is no control.")
        return cls(_vector(data["pivot"]), turns)

    def vectors(self, rig: Rig) -> np.ndarray:
        """float64 (C, 3), the rotation vector of every control."""
        return np.array([self.turns.get(name, (0.0, 0.0, 0.0)) for name in rig.names], float)


def _vector(data: Sequence[Any]) -> tuple[float, float, float]:
    x, y, z = plain(data)
    return x, y, z


def proxy_shapes(
    joints: Sequence[Joint],
    rig: Rig,
    *,
    correctives: Sequence[Names],
    vertices: np.ndarray,
    joint_weights: np.ndarray,
    deltas: np.ndarray,
) -> tuple[tuple[Names, ...], np.ndarray]:
    """What a mesh that has shape keys only does in the joints' place: their turns as sums, exact at 1, right to the
    second order between and together; and the turning of shapes that move far.

    Args:
        joints, rig: of the avatar.
        correctives: of the avatar.
        vertices: (V, 3).
        joint_weights: (J, V), 0 to 1.
        deltas: float32 (controls + correctives, V, 3).

    Returns:
        The correctives, more of them, and float32 (controls + those, V, 3).
    """
    order: dict[Names, int] = {names: i for i, names in enumerate([*((name,) for name in rig.names), *correctives])}
    reach = [float(np.abs(delta).max(initial=0)) for delta in deltas]
    far = [names for names, i in order.items() if reach[i] > LARGE]
    far = sorted(far, key=lambda names: -reach[order[names]])[:MOST_LARGE]
    groups = {control.name: control.group for control in rig.controls}
    made: list[tuple[Names, np.ndarray, np.ndarray]] = []
    for joint, weight in zip(joints, joint_weights, strict=True):
        rows = np.flatnonzero(weight)
        amount = weight[rows, None].astype(np.float32)
        arm = vertices[rows] - np.array(joint.pivot, np.float32)
        turns = {name: np.array(joint.turns[name]) for name in rig.names if any(joint.turns.get(name, ()))}
        for name, vector in turns.items():
            angle = np.linalg.norm(vector)
            axis = (vector / angle).astype(np.float32)
            # Rodrigues' formula term by term: each becomes a shape, and scipy's rotations know only their sum.
            across = _cross(axis, arm)
            sine = np.sin(amount * np.float32(angle))
            made.append(((name,), rows, sine * across))
            made.append(((name, name), rows, (1 - np.cos(amount * np.float32(angle))) * _cross(axis, across)))
            made += [((*names, name), rows, sine * _cross(axis, deltas[order[names]][rows])) for names in far]
        for first, second in itertools.combinations(turns, 2):
            a, b = (turns[name].astype(np.float32) for name in (first, second))
            if groups[first] == groups[second] and np.linalg.norm(np.cross(a, b)) > 1e-6:
                both = _cross(a, _cross(b, arm)) + _cross(b, _cross(a, arm))
                made.append(((first, second), rows, amount**2 * both / 2))
    for names, _, delta in made:
        if names not in order and np.abs(delta).max(initial=0) > SMALL:
            order[names] = len(order)
    shapes = np.zeros((len(order), *vertices.shape), np.float32)
    shapes[: len(deltas)] = deltas
    for names, rows, delta in made:
        if names in order:
            shapes[order[names], rows] += delta
    return tuple(list(order)[len(rig.names) :]), shapes


def most_shapes(joints: Sequence[Joint]) -> int:
    """How many shapes `proxy_shapes` adds at most."""
    return sum(count * (2 + MOST_LARGE) + count**2 for count in (len(joint.turns) for joint in joints))


def _cross(vector: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The cross product of a vector (3,) with every one of `rows` (R, 3)."""
    x, y, z = vector
    matrix = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]], rows.dtype)
    return rows @ matrix.T
