"""Kind `linear` in a .dgt file: writing it, checking what a file announces, reading it. docs/dgt.md has the tensors."""

from __future__ import annotations

import numpy as np

from ....errors import DGTalkerError
from ....gaussians.cloud import FIELDS
from ... import dgt, numbers, proxy, sparse
from ...base import Metadata
from ...joints import most_shapes
from ...refiner import file as refiners
from .model import MIN_SCALE, LinearAvatar

STORED = {"means": "I16", "quats": "I8", "scales": "F16", "opacities": "F16", "sh": "I8"}


def _save(avatar: LinearAvatar) -> dict[str, np.ndarray]:
    """The tensors of an avatar: small integers where they are enough, sparse deltas, and only those rows of the
    higher spherical harmonics that depend on the direction of view."""
    tensors: dict[str, np.ndarray] = {}
    rows = len(avatar.base["means"])
    for name in FIELDS:
        array = avatar.base[name]
        if name == "sh" and array.shape[1] > 1:
            index = np.flatnonzero(np.any(array[:, 1:] != 0, axis=(1, 2)))
            tensors["sh.rest.index"] = _indices(index, rows)
            tensors |= numbers.write("sh.rest.value", array[index, 1:], STORED[name])
            array = array[:, :1]
        tensors |= numbers.write(name, array, STORED[name])
    for name, deltas in avatar.deltas.items():
        tensors |= sparse.write(f"delta.{name}", deltas, rows)
    tensors |= proxy.write(avatar.sculpted)
    if avatar.metadata.joints:
        tensors["joint.weights"] = avatar.joint_weights
        tensors["proxy.joint.weights"] = avatar.proxy_joint_weights
    if avatar.refiner is not None:
        tensors |= refiners.write(avatar.refiner)
    return tensors


def _indices(index: np.ndarray, rows: int) -> np.ndarray:
    return index.astype(np.uint16 if rows <= 1 << 16 else np.uint32)


def _check(metadata: Metadata, specs: dgt.Specs) -> None:
    shapes = len(metadata.rig.controls) + len(metadata.correctives)
    blocks = shapes + len(metadata.latents or ())
    count = dgt.limited("Gaussians", numbers.expect(specs, "means", (None, 3)).shape[0], dgt.MAX_GAUSSIANS)
    numbers.expect(specs, "quats", (count, 4))
    numbers.expect(specs, "scales", (count, 3))
    numbers.expect(specs, "opacities", (count,))
    coefficients = numbers.expect(specs, "sh", (count, None, 3)).shape[1]
    if "sh.rest.index" in specs and coefficients == 1:
        rows = dgt.expect(specs, "sh.rest.index", "U16 U32", (None,)).shape[0]
        coefficients += numbers.expect(specs, "sh.rest.value", (rows, None, 3)).shape[1]
    if coefficients not in (1, 4, 9, 16):
        raise DGTalkerError(f"The avatar has {coefficients} spherical harmonics; 1, 4, 9 or 16 are possible.")
    widths = {"means": (3,), "quats": (4,), "scales": (3,), "opacities": (1,), "sh": (3 * coefficients, 3)}
    for name in FIELDS:
        if f"delta.{name}.offsets" in specs:
            sparse.check(specs, f"delta.{name}", blocks, widths[name])
    vertices = proxy.check(specs, shapes, most_shapes(metadata.joints))
    if metadata.joints:
        dgt.expect(specs, "joint.weights", "U8", (len(metadata.joints), count))
        dgt.expect(specs, "proxy.joint.weights", "U8", (len(metadata.joints), vertices))
    refiners.check(specs)


def _load(metadata: Metadata, tensors: dgt.Tensors) -> LinearAvatar:
    base = {name: numbers.read(tensors, name) for name in FIELDS}
    lengths = np.linalg.norm(base["quats"], axis=1, keepdims=True)
    if lengths.min() < 0.5 or base["scales"].min() < 0 or base["opacities"].min() < 0 or base["opacities"].max() > 1:
        raise DGTalkerError(
            "The avatar has Gaussians with a zero rotation, a negative scale, or an opacity outside 0 to 1.",
            dgt.DAMAGED,
        )
    base["quats"] /= lengths
    base["scales"] = np.maximum(base["scales"], np.float32(MIN_SCALE))
    rows = len(base["means"])
    if "sh.rest.index" in tensors and base["sh"].shape[1] == 1:
        base["sh"] = _with_rest(base["sh"], tensors["sh.rest.index"], numbers.read(tensors, "sh.rest.value"))
    deltas = {
        name: sparse.read(tensors, f"delta.{name}", rows) for name in FIELDS if f"delta.{name}.offsets" in tensors
    }
    joints: dict[str, np.ndarray] = {}
    if metadata.joints:
        joints = {"joint_weights": tensors["joint.weights"], "proxy_joint_weights": tensors["proxy.joint.weights"]}
    sculpted = proxy.read(tensors, metadata.correctives)
    refiner = refiners.read(tensors)
    return LinearAvatar(metadata=metadata, base=base, deltas=deltas, sculpted=sculpted, refiner=refiner, **joints)


def _with_rest(constant: np.ndarray, index: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """float32 (N, K, 3) of degree 0 of all rows, and the higher degrees of some."""
    if len(index) and index.max() >= len(constant):
        raise DGTalkerError(f"The avatar's sh.rest.index points at row {index.max()} of {len(constant)}.", dgt.DAMAGED)
    sh = np.zeros((len(constant), 1 + rest.shape[1], 3), np.float32)
    sh[:, 0] = constant[:, 0]
    sh[index, 1:] = rest
    return sh


KIND = dgt.Kind(_check, _load, _save)
