"""Linear Gaussian blendshapes: a cloud, and what one unit of each control adds to it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from ..errors import DGTalkerError
from ..gaussians.cloud import Gaussians
from ..gaussians.cpu.posing import Blendshapes, blendshapes, pose
from ..rig import Rig
from . import dgt
from .base import Metadata, ProxyMesh

ATTRIBUTES = ("means", "quats", "scales", "opacities", "sh")
MIN_SCALE = 1e-6
LIMITS = {"scales": (MIN_SCALE, math.inf), "opacities": (0.0, 1.0)}


@dataclass(frozen=True)
class SparseDeltas:
    """What each control adds to some rows of an array.

    Attributes:
        offsets: int64 (C + 1,), control c owns the entries offsets[c] to offsets[c + 1].
        index: int64 (M,), rows.
        values: float32 (M, D), added per unit of weight.
    """

    offsets: np.ndarray
    index: np.ndarray
    values: np.ndarray

    @classmethod
    def from_dense(cls, dense: np.ndarray, threshold: float) -> SparseDeltas:
        """From float (C, N, D), leaving out rows in which no number exceeds `threshold`."""
        kept = np.abs(dense).max(axis=2) > threshold
        control, row = np.nonzero(kept)
        offsets = np.concatenate([[0], np.cumsum(kept.sum(axis=1))])
        return cls(offsets, row, dense[control, row].astype(np.float32))

    def dense(self, rows: int) -> np.ndarray:
        """float32 (C, rows, D)."""
        dense = np.zeros((len(self.offsets) - 1, rows, self.values.shape[1]), np.float32)
        control = np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))
        dense[control, self.index] = self.values
        return dense


@dataclass(frozen=True)
class LinearAvatar:
    """`attribute(weights) = base + Σ weight · delta`; then quaternions are made unit length, scales and opacities
    brought within their limits.

    Attributes:
        metadata: the document.
        base: float32 arrays by attribute, the cloud where every weight is 0.
        deltas: by attribute; attributes that no control changes are absent.
        proxy: the mesh.
    """

    metadata: Metadata
    base: Mapping[str, np.ndarray]
    deltas: Mapping[str, SparseDeltas]
    proxy: ProxyMesh

    @property
    def rig(self) -> Rig:
        return self.metadata.rig

    def pose(self, weights: np.ndarray) -> Gaussians:
        """See `Avatar.pose`."""
        posed = pose(list(self._shapes.values()), checked_weights(weights, self.rig))
        arrays = dict(self.base)
        for name, array in zip(self._shapes, posed, strict=True):
            arrays[name] = array.reshape(self.base[name].shape)
        return Gaussians(**{name: torch.from_numpy(array) for name, array in arrays.items()})

    @cached_property
    def _shapes(self) -> dict[str, Blendshapes]:
        return {
            name: blendshapes(
                self.base[name],
                deltas.offsets,
                deltas.index,
                deltas.values,
                unit=name == "quats",
                limits=LIMITS.get(name, (-math.inf, math.inf)),
            )
            for name, deltas in self.deltas.items()
        }


def pose_reference(avatar: LinearAvatar, weights: np.ndarray) -> Gaussians:
    """`LinearAvatar.pose`, slow and readable: dense deltas in float64."""
    weights = checked_weights(weights, avatar.rig).astype(np.float64)
    posed = {}
    for name, base in avatar.base.items():
        array = base.astype(np.float64)
        if name in avatar.deltas:
            array = array + np.tensordot(weights, avatar.deltas[name].dense(len(base)), 1).reshape(base.shape)
        if name == "quats":
            array = array / np.linalg.norm(array, axis=1, keepdims=True)
        if name in LIMITS and name in avatar.deltas:
            array = np.clip(array, *LIMITS[name])
        posed[name] = torch.from_numpy(array.astype(np.float32))
    return Gaussians(**posed)


def checked_weights(weights: np.ndarray, rig: Rig) -> np.ndarray:
    """float32 (C,); DGTalkerError where the count is wrong or a weight is not finite."""
    weights = np.asarray(weights, np.float32)
    if weights.shape != (len(rig.controls),):
        raise DGTalkerError(f"{weights.size} weights were given to an avatar of {len(rig.controls)} controls.")
    if not np.all(np.isfinite(weights)):
        raise DGTalkerError("A weight is not a finite number.")
    return weights


def pack(avatar: LinearAvatar) -> bytes:
    """The .dgt file of an avatar: half precision where it is enough, sparse deltas."""
    tensors: dict[str, np.ndarray] = {}
    for name in ATTRIBUTES:
        tensors[name] = avatar.base[name].astype(np.float32 if name == "means" else np.float16)
    rows = len(avatar.base["means"])
    for name, deltas in avatar.deltas.items():
        tensors |= _pack_deltas(f"delta.{name}", deltas, rows)
    proxy = avatar.proxy
    tensors["proxy.vertices"] = proxy.vertices.astype(np.float32)
    tensors["proxy.faces"] = proxy.faces.astype(np.int32)
    tensors["proxy.uv"] = proxy.uv.astype(np.float16)
    tensors["proxy.colours"] = proxy.colours.astype(np.float16)
    tensors |= _pack_deltas("proxy.delta", SparseDeltas.from_dense(proxy.deltas, 2e-5), len(proxy.vertices))
    return dgt.dump(avatar.metadata.to_json(), tensors)


def _pack_deltas(prefix: str, deltas: SparseDeltas, rows: int) -> dict[str, np.ndarray]:
    return {
        f"{prefix}.offsets": deltas.offsets.astype(np.uint32),
        f"{prefix}.index": deltas.index.astype(np.uint16 if rows <= 1 << 16 else np.uint32),
        f"{prefix}.value": deltas.values.astype(np.float16),
    }


def _check(metadata: Metadata, specs: dgt.Specs) -> None:
    controls = len(metadata.rig.controls)
    count = dgt.limited("Gaussians", dgt.expect(specs, "means", "F16 F32", (None, 3)).shape[0], dgt.MAX_GAUSSIANS)
    dgt.expect(specs, "quats", "F16 F32", (count, 4))
    dgt.expect(specs, "scales", "F16 F32", (count, 3))
    dgt.expect(specs, "opacities", "F16 F32", (count,))
    coefficients = dgt.expect(specs, "sh", "F16 F32", (count, None, 3)).shape[1]
    if coefficients not in (1, 4, 9, 16):
        raise DGTalkerError(f"The avatar has {coefficients} spherical harmonics; 1, 4, 9 or 16 are possible.")
    widths = {"means": 3, "quats": 4, "scales": 3, "opacities": 1, "sh": 3 * coefficients}
    for name, width in widths.items():
        if f"delta.{name}.offsets" in specs:
            _check_deltas(specs, f"delta.{name}", controls, width)
    vertices = dgt.expect(specs, "proxy.vertices", "F32", (None, 3)).shape[0]
    dgt.limited("vertices", vertices, dgt.MAX_PROXY_VERTICES)
    dgt.limited("shape key points", vertices * controls, dgt.MAX_PROXY_DELTAS)
    dgt.expect(specs, "proxy.faces", "I32", (None, 4))
    dgt.expect(specs, "proxy.uv", "F16 F32", (vertices, 2))
    dgt.expect(specs, "proxy.colours", "F16 F32", (vertices, 4))
    _check_deltas(specs, "proxy.delta", controls, 3)


def _check_deltas(specs: dgt.Specs, prefix: str, controls: int, width: int) -> None:
    dgt.expect(specs, f"{prefix}.offsets", "U32", (controls + 1,))
    entries = dgt.expect(specs, f"{prefix}.index", "U16 U32", (None,)).shape[0]
    dgt.expect(specs, f"{prefix}.value", "F16 F32", (entries, width))


def _load(metadata: Metadata, tensors: dgt.Tensors) -> LinearAvatar:
    base = {name: tensors[name].astype(np.float32) for name in ATTRIBUTES}
    lengths = np.linalg.norm(base["quats"], axis=1, keepdims=True)
    if lengths.min() < 0.5 or base["scales"].min() < 0 or base["opacities"].min() < 0 or base["opacities"].max() > 1:
        raise DGTalkerError(
            "The avatar has Gaussians with a zero rotation, a negative scale, or an opacity outside 0 to 1.",
            dgt.DAMAGED,
        )
    base["quats"] /= lengths
    base["scales"] = np.maximum(base["scales"], np.float32(MIN_SCALE))
    rows = len(base["means"])
    deltas = {
        name: _read_deltas(tensors, f"delta.{name}", rows) for name in ATTRIBUTES if f"delta.{name}.offsets" in tensors
    }
    vertices, faces = tensors["proxy.vertices"], tensors["proxy.faces"]
    if len(faces) and (faces[:, :3].min() < 0 or faces[:, 3].min() < -1 or faces.max() >= len(vertices)):
        raise DGTalkerError("The avatar's proxy mesh has faces with vertices that do not exist.", dgt.DAMAGED)
    proxy = ProxyMesh(
        vertices,
        faces,
        tensors["proxy.uv"].astype(np.float32),
        tensors["proxy.colours"].astype(np.float32),
        _read_deltas(tensors, "proxy.delta", len(vertices)).dense(len(vertices)),
    )
    return LinearAvatar(metadata, base, deltas, proxy)


def _read_deltas(tensors: dgt.Tensors, prefix: str, rows: int) -> SparseDeltas:
    offsets = tensors[f"{prefix}.offsets"].astype(np.int64)
    index = tensors[f"{prefix}.index"].astype(np.int64)
    if offsets[0] != 0 or offsets[-1] != len(index) or np.any(np.diff(offsets) < 0):
        raise DGTalkerError(f"The avatar's {prefix}.offsets do not fit its entries.", dgt.DAMAGED)
    if len(index) and index.max() >= rows:
        raise DGTalkerError(f"The avatar's {prefix}.index points at row {index.max()} of {rows}.", dgt.DAMAGED)
    return SparseDeltas(offsets, index, tensors[f"{prefix}.value"].astype(np.float32))


KIND = dgt.Kind(_check, _load)
