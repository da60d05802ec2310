"""Linear Gaussian blendshapes: a cloud, what controls and correctives add to it, and joints that turn it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import torch

from ....errors import DGTalkerError
from ....gaussians.cloud import Gaussians
from ....rig import Rig
from ...base import Metadata, ProxyMesh, places
from ...joints import proxy_shapes, quaternions
from .joints import turn
from .posing import Blendshapes, blendshapes, pose
from .sparse import SparseDeltas

ATTRIBUTES = ("means", "quats", "scales", "opacities", "sh")
MIN_SCALE = 1e-6
LIMITS = {"scales": (MIN_SCALE, math.inf), "opacities": (0.0, 1.0)}


@dataclass(frozen=True)
class LinearAvatar:
    """`attribute(weights) = base + Σ weight · delta`, correctives weighted by the product of their controls' weights;
    then quaternions are made unit length, scales and opacities brought within their limits, and joints turn it all.

    Attributes:
        metadata: the document.
        base: float32 arrays by attribute, the cloud where every weight is 0.
        deltas: by attribute, of the controls and then of the correctives; attributes that none changes are absent.
            Those of `sh` are 3 K wide, or 3 where they change degree 0 only.
        sculpted: the mesh as the file has it, without what the joints do.
        joint_weights: uint8 (J, N), how much of each joint's turn every Gaussian takes, in 255ths.
        proxy_joint_weights: uint8 (J, V), and every vertex.
    """

    metadata: Metadata
    base: Mapping[str, np.ndarray]
    deltas: Mapping[str, SparseDeltas]
    sculpted: ProxyMesh
    joint_weights: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.uint8))
    proxy_joint_weights: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.uint8))

    @property
    def rig(self) -> Rig:
        return self.metadata.rig

    @property
    def proxy(self) -> ProxyMesh:
        """The mesh, with what the joints do to it as shapes."""
        return self._proxy

    @cached_property
    def _proxy(self) -> ProxyMesh:
        names, mesh = self.metadata.correctives, self.sculpted
        shares = self.proxy_joint_weights / np.float32(255)
        names, deltas = proxy_shapes(self.metadata.joints, self.rig, names, mesh.vertices, shares, mesh.deltas)
        return replace(mesh, deltas=deltas, correctives=names)

    def pose(self, weights: np.ndarray) -> Gaussians:
        """See `Avatar.pose`."""
        weights = checked_weights(weights, self.rig)
        posed = pose(list(self._shapes.values()), self.block_weights(weights))
        arrays = dict(self.base)
        for name, array in zip(self._shapes, posed, strict=True):
            base = self.base[name]
            if array.size < base.size:  # degree 0 of several
                array, constant = base.copy(), array
                array[:, 0] = constant
            arrays[name] = array.reshape(base.shape)
        vectors = np.tensordot(weights.astype(np.float64), self._turns, 1)
        if vectors.any():
            for name in ("means", "quats"):
                if arrays[name] is self.base[name]:
                    arrays[name] = arrays[name].copy()
            turn(arrays["means"], arrays["quats"], self._pivots, self.joint_weights, vectors)
        return Gaussians(**{name: torch.from_numpy(array) for name, array in arrays.items()})

    def block_weights(self, weights: np.ndarray) -> np.ndarray:
        """float32 (C + K,): the weights of the controls and of the correctives."""
        return np.concatenate([weights, np.append(weights, np.float32(1))[self._factors].prod(axis=1)])

    @cached_property
    def _factors(self) -> np.ndarray:
        """int32 (K, most): the controls of each corrective, filled up with a place where there is always a 1."""
        controls = places(self.metadata.correctives, self.rig)
        return np.where(controls < 0, len(self.rig.controls), controls)

    @cached_property
    def _turns(self) -> np.ndarray:
        """float64 (C, J, 3)."""
        vectors = [joint.vectors(self.rig) for joint in self.metadata.joints]
        return np.stack(vectors, axis=1) if vectors else np.zeros((len(self.rig.controls), 0, 3))

    @cached_property
    def _pivots(self) -> np.ndarray:
        return np.array([joint.pivot for joint in self.metadata.joints], np.float32).reshape(-1, 3)

    @cached_property
    def _shapes(self) -> dict[str, Blendshapes]:
        return {
            name: blendshapes(
                self.base[name][:, 0] if name == "sh" and deltas.values.shape[1] == 3 else self.base[name],
                deltas.offsets,
                deltas.index,
                deltas.values,
                unit=name == "quats",
                limits=LIMITS.get(name, (-math.inf, math.inf)),
            )
            for name, deltas in self.deltas.items()
        }


def pose_reference(avatar: LinearAvatar, weights: np.ndarray) -> Gaussians:
    """`LinearAvatar.pose`, slow and readable: dense deltas in float64, turns one Gaussian's rotation vector each."""
    weights = checked_weights(weights, avatar.rig).astype(np.float64)
    by_name = dict(zip(avatar.rig.names, weights, strict=True))
    products = [math.prod(by_name[name] for name in names) for names in avatar.metadata.correctives]
    every = np.concatenate([weights, products])
    posed = {}
    for name, base in avatar.base.items():
        array = base.astype(np.float64)
        if name in avatar.deltas:
            change = np.tensordot(every, avatar.deltas[name].dense(len(base)), 1)
            if name == "sh":
                array[:, : change.shape[1] // 3] += change.reshape(len(base), -1, 3)
            else:
                array = array + change.reshape(base.shape)
        if name == "quats":
            array = array / np.linalg.norm(array, axis=1, keepdims=True)
        if name in LIMITS and name in avatar.deltas:
            array = np.clip(array, *LIMITS[name])
        posed[name] = array
    for joint, share in zip(avatar.metadata.joints, avatar.joint_weights, strict=True):
        vector = weights @ joint.vectors(avatar.rig)
        turns = quaternions(share[:, None] / 255 * vector)
        arms = np.concatenate([np.zeros((len(share), 1)), posed["means"] - joint.pivot], axis=1)
        back = turns * [1.0, -1.0, -1.0, -1.0]
        posed["means"] = joint.pivot + _product(_product(turns, arms), back)[:, 1:]
        posed["quats"] = _product(turns, posed["quats"])
    return Gaussians(**{name: torch.from_numpy(array.astype(np.float32)) for name, array in posed.items()})


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Hamilton's product of wxyz quaternions (N, 4)."""
    real = a[:, :1] * b[:, :1] - (a[:, 1:] * b[:, 1:]).sum(axis=1, keepdims=True)
    return np.concatenate([real, a[:, :1] * b[:, 1:] + b[:, :1] * a[:, 1:] + np.cross(a[:, 1:], b[:, 1:])], axis=1)


def checked_weights(weights: np.ndarray, rig: Rig) -> np.ndarray:
    """float32 (C,); DGTalkerError where the count is wrong or a weight is not finite."""
    weights = np.asarray(weights, np.float32)
    if weights.shape != (len(rig.controls),):
        raise DGTalkerError(f"{weights.size} weights were given to an avatar of {len(rig.controls)} controls.")
    if not np.all(np.isfinite(weights)):
        raise DGTalkerError("A weight is not a finite number.")
    return weights
