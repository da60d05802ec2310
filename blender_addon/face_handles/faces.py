"""The handles of heads in Blender: which a head has, and where they are on this frame."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import bpy
import numpy as np

from ..head import model
from . import anchors
from .handles import Handle, offered


@dataclass(frozen=True)
class Face:
    """What is known of a head's handles, whatever its pose.

    Attributes:
        handles: those that the head has.
        vertices: (N,), those of the mesh that handles hang on.
        weights: (H, N), each handle's point as a combination of these.
        outward: (H, 3), the direction in which the face looks there, head space.
        count: of the mesh's vertices.
        moves: (H, 3) for each slider, what it moves the points by, metres in head space.
    """

    handles: tuple[Handle, ...]
    vertices: np.ndarray
    weights: np.ndarray
    outward: np.ndarray
    count: int
    moves: dict[str, np.ndarray]

    def number(self, handle: Handle) -> int:
        return self.handles.index(handle)


def face_of(ob: bpy.types.Object) -> Face:
    """The handles of a head; worked out once while its sliders stay the same ones.

    Raises:
        DGTalkerError: as `model.rig_of`.
    """
    key = model.key_of(ob)
    if key is None:
        return _nothing()
    controls = set(model.rig_of(ob).names)
    present = frozenset(block.name for block in key.key_blocks if block.name in controls)
    training = model.training_of(ob)
    movable = present - (training.unsupported if training else frozenset())
    return _face(key.session_uid, len(model.mesh_of(ob).vertices), present, movable)


def forget() -> None:
    """Shapes may have been edited: they are read again."""
    _face.cache_clear()


def _nothing() -> Face:
    return Face((), np.zeros(0, int), np.zeros((0, 0)), np.zeros((0, 3)), 0, {})


@lru_cache(maxsize=16)
def _face(uid: int, count: int, present: frozenset[str], movable: frozenset[str]) -> Face:
    key = next(key for key in bpy.data.shape_keys if key.session_uid == uid)
    rest = _shape(key.reference_key, count)
    handles = offered(present, movable)
    needed = {name for handle in handles for name in (*handle.sliders, *handle.found_by) if name in present}
    deltas = {name: _shape(key.key_blocks[name], count) - rest for name in needed}
    points = [(handle, anchors.anchor(handle, rest, deltas)) for handle in handles]
    found = [(handle, point) for handle, point in points if point is not None]
    if not found:
        return _nothing()
    weights = np.stack([point for _, point in found])
    vertices = np.flatnonzero(weights.any(axis=0))
    weights = weights[:, vertices].astype(np.float32)
    outward = weights @ rest[vertices]
    outward[:, 2] *= 0.5  # the middle of a head is between its ears, and long
    moves = {name: weights @ delta[vertices] for name, delta in deltas.items() if name in movable}
    return Face(tuple(handle for handle, _ in found), vertices, weights, outward, count, moves)


def _shape(block: bpy.types.ShapeKey, count: int) -> np.ndarray:
    flat = np.empty(count * 3, np.float32)
    block.points.foreach_get("co", flat)
    return flat.reshape(-1, 3)


def points(ob: bpy.types.Object, face: Face, depsgraph: bpy.types.Depsgraph) -> np.ndarray | None:
    """Where the handles are now, (H, 3) metres in the world; None where a modifier has changed the mesh's vertices."""
    evaluated = ob.evaluated_get(depsgraph)
    mesh = model.mesh_of(evaluated)
    if len(mesh.vertices) != face.count or not face.handles:
        return None
    flat = np.empty(face.count * 3, np.float32)
    position: Any = mesh.attributes["position"]
    position.data.foreach_get("vector", flat)
    local = face.weights @ flat.reshape(-1, 3)[face.vertices]
    matrix = np.array(evaluated.matrix_world)
    return local @ matrix[:3, :3].T + matrix[:3, 3]
