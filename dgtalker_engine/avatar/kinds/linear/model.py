"""Linear Gaussian blendshapes: a cloud, what controls and correctives add to it, and joints that turn it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from ....gaussians.cloud import Gaussians
from ....rig import Rig
from ...base import Metadata, ProxyMesh, checked_weights, corrective_indices
from ...joints import proxy_shapes
from ...latents import VANISHED
from ...refiner import Refiner
from ...sparse import SparseDeltas
from .joints import turn
from .posing import Blendshapes, blendshapes, pose
from .tensors import TensorBlendshapes

MIN_SCALE = 1e-6
LIMITS = {"scales": (MIN_SCALE, math.inf), "opacities": (0.0, 1.0)}


@dataclass(frozen=True, kw_only=True)
class LinearAvatar:
    """`attribute(weights) = base + Σ weight · delta`, correctives weighted by the product of their controls' weights,
    latents by what follows from all weights (`avatar.latents`); then quaternions are made unit length, scales and
    opacities brought within their limits, and joints turn it all.

    Attributes:
        metadata: the document.
        base: float32 arrays by attribute, the cloud where every weight is 0.
        deltas: by attribute, of the controls, the correctives, the latents; attributes that none changes are absent.
            Those of `sh` are 3 K wide, or 3 where they change degree 0 only.
        sculpted: the mesh as the file has it, without what the joints do.
        joint_weights: uint8 (J, N), how much of each joint's turn every Gaussian takes, in 255ths.
        proxy_joint_weights: uint8 (J, V), and every vertex.
        refiner: what corrects the colours of final pictures; None: nothing.
    """

    metadata: Metadata
    base: Mapping[str, np.ndarray]
    deltas: Mapping[str, SparseDeltas]
    sculpted: ProxyMesh
    joint_weights: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.uint8))
    proxy_joint_weights: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.uint8))
    refiner: Refiner | None = None

    @property
    def rig(self) -> Rig:
        return self.metadata.rig

    @property
    def proxy(self) -> ProxyMesh:
        """The mesh, with what the joints do to it as shapes."""
        return self._proxy

    @cached_property
    def _proxy(self) -> ProxyMesh:
        mesh = self.sculpted
        correctives, deltas = proxy_shapes(
            self.metadata.joints,
            self.rig,
            correctives=self.metadata.correctives,
            vertices=mesh.vertices,
            joint_weights=self.proxy_joint_weights / np.float32(255),
            deltas=mesh.deltas,
        )
        return replace(mesh, deltas=deltas, correctives=correctives)

    @property
    def nbytes(self) -> int:
        """See `Avatar.nbytes`: what the file holds, and what `proxy` and `pose` keep after they were first used."""
        held: list[Any] = [*self.base.values(), self.joint_weights, self.proxy_joint_weights]
        meshes = [self.sculpted, *([self._proxy] if "_proxy" in vars(self) else [])]
        for record in (*self.deltas.values(), *meshes):
            held += [getattr(record, each.name) for each in fields(record)]
        for shapes in self._shapes.values() if "_shapes" in vars(self) else ():
            held += shapes
        arrays = [array for array in held if isinstance(array, np.ndarray)]
        once = {array.__array_interface__["data"][0]: array.nbytes for array in arrays}
        refiner = 0 if self.refiner is None else self.refiner.nbytes
        return sum(once.values()) + sum(tensors.nbytes for tensors in self._on_devices.values()) + refiner

    def pose(self, weights: np.ndarray | torch.Tensor) -> Gaussians:
        """See `Avatar.pose`.

        Arrays, and tensors on the processor that require no gradient, go through Numba and give tensors there; other
        tensors through PyTorch, on their device and in their precision.
        """
        checked = checked_weights(weights, self.rig)
        if isinstance(weights, torch.Tensor) and (weights.device.type != "cpu" or weights.requires_grad):
            return self._on(weights.device, weights.dtype).pose(weights)
        posed = pose(list(self._shapes.values()), self.block_weights(checked))
        # What no control changes is copied: tensors cannot be read-only, and whoever gets these may write into them.
        arrays = {name: base.copy() for name, base in self.base.items() if name not in self._shapes}
        for name, array in zip(self._shapes, posed, strict=True):
            base = self.base[name]
            if array.size < base.size:  # degree 0 of several
                array, constant = base.copy(), array
                array[:, 0] = constant
            arrays[name] = array.reshape(base.shape)
        vectors = np.tensordot(checked.astype(np.float64), self._turns, 1)
        turn(arrays["means"], arrays["quats"], self._pivots, self.joint_weights, vectors)
        return Gaussians(**{name: torch.from_numpy(array) for name, array in arrays.items()})

    def _on(self, device: torch.device, dtype: torch.dtype) -> TensorBlendshapes:
        if (device, dtype) not in self._on_devices:
            self._on_devices[device, dtype] = TensorBlendshapes(
                base=self.base,
                deltas=self.deltas,
                limits=LIMITS,
                factors=self._factors,
                latents=self.metadata.latents,
                turns=self._turns,
                pivots=self._pivots,
                joint_weights=self.joint_weights,
                device=device,
                dtype=dtype,
            )
        return self._on_devices[device, dtype]

    @cached_property
    def _on_devices(self) -> dict[tuple[torch.device, torch.dtype], TensorBlendshapes]:
        return {}

    def block_weights(self, weights: np.ndarray) -> np.ndarray:
        """float32 (blocks,): the weights of the controls, of the correctives and of the latents."""
        each = [weights, np.append(weights, np.float32(1))[self._factors].prod(axis=1)]
        if self.metadata.latents is not None:
            each.append(self.metadata.latents.at(torch.from_numpy(weights)).numpy())
        return np.concatenate(each)

    @cached_property
    def _factors(self) -> np.ndarray:
        """int32 (K, most): the controls of each corrective, filled up with an index where there is always a 1."""
        controls = corrective_indices(self.metadata.correctives, self.rig)
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
    every = np.concatenate([weights, products, _latents_reference(avatar, weights)])
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
    for joint, weight in zip(avatar.metadata.joints, avatar.joint_weights, strict=True):
        turns = Rotation.from_rotvec(weight[:, None] / 255 * (weights @ joint.vectors(avatar.rig)))
        posed["means"] = joint.pivot + turns.apply(posed["means"] - joint.pivot)
        quats = turns * Rotation.from_quat(posed["quats"], scalar_first=True)
        posed["quats"] = quats.as_quat(scalar_first=True)
    return Gaussians(**{name: torch.from_numpy(array.astype(np.float32)) for name, array in posed.items()})


def _latents_reference(avatar: LinearAvatar, weights: np.ndarray) -> list[float]:
    latents = avatar.metadata.latents
    if latents is None:
        return []
    z = [offset + weights @ column for offset, column in zip(latents.offset, np.array(latents.linear).T, strict=True)]
    far = sum(each**2 for each in z) / latents.reach**2
    t = min(max((VANISHED**2 - far) / (VANISHED**2 - 1), 0.0), 1.0)
    return [latents.bound * math.tanh(each / latents.bound) * t * t * (3 - 2 * t) for each in z]
