"""Files of FLAME's layout, made of our own face model: FLAME itself is its users'."""

from __future__ import annotations

import pickle
import sys
import types
from pathlib import Path

import numpy as np
import torch
from scipy import sparse

from dgtalker_engine.capture import face_model
from dgtalker_engine.capture.face_model import FaceModel, Region
from dgtalker_engine.rig import ARKIT_NAMES

TO_FLAME = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
SHIFT = np.array([0.004, -0.021, 0.013])
"""FLAME's origin is not between the ears."""
JAW_TURN, JAW = 0.3, np.array([0.0, 0.01, -0.03])
"""Radians of an open jaw, and about where it turns."""
LIDS = 0.3
"""How much of a blink its expressions can do."""

_LACKS = (Region.TEETH, Region.MOUTH_INSIDE)
_BY_JAW = ("jawOpen", "jawLeft", "jawRight", "tongueOut")


def someone(seed: int = 3) -> tuple[FaceModel, np.ndarray, np.ndarray]:
    """Our model, a face of it that stands for FLAME's mean (V, 3), in head space, and which vertices FLAME has."""
    ours = face_model.load()
    identity = torch.from_numpy(np.random.default_rng(seed).normal(0, 0.7, 20).astype("f4"))
    vertices = ours.vertices(identity, torch.zeros(0)).numpy().astype(np.float64)
    kept = np.unique(ours.faces.numpy()[~np.isin(ours.regions.numpy(), _LACKS)])
    return ours, vertices, kept


def flame_arrays(seed: int = 3) -> dict[str, np.ndarray]:
    """The published arrays: v_template, shapedirs, posedirs, J_regressor, kintree_table, weights, f.

    No teeth and no mouth; an open jaw is a joint's turn and its correctives, the other expressions are mixed into
    components, and blinks are weak.
    """
    ours, vertices, kept = someone(seed)
    random = np.random.default_rng(seed)
    vertices, count = vertices[kept], len(kept)
    expression = dict(zip(ARKIT_NAMES, ours.expression.numpy()[:, kept].astype(np.float64), strict=True))
    turn = rotation_about_x(JAW_TURN)
    swung = (vertices - JAW) @ turn.T + JAW - vertices
    opened = expression["jawOpen"]
    weights = np.zeros((count, 5))
    weights[:, 3:] = ours.skin_weights.numpy()[kept]
    free = 1 - weights[:, 3:].sum(axis=1)
    weights[:, 2] = free * np.clip((opened * swung).sum(axis=1) / np.maximum((swung**2).sum(axis=1), 1e-12), 0, 1)
    weights[:, 0] = np.clip(-vertices[:, 2] / 0.06 - 2, 0, 1) * (free - weights[:, 2])
    weights[:, 1] = free - weights[:, 2] - weights[:, 0]
    blended = np.eye(3) + weights[:, 2, None, None] * (turn - np.eye(3))
    left = np.linalg.solve(blended, (opened - weights[:, 2:3] * swung)[..., None])[..., 0]
    bent = turn - np.eye(3)
    correctives = np.zeros((count, 3, 4, 3, 3))
    correctives[:, :, 1] = left[:, :, None, None] * bent / (bent**2).sum()
    correctives[:, :, 0] = random.normal(0, 1e-4, (count, 3, 3, 3))
    shapes = np.zeros((400, count, 3))
    shapes[:60] = ours.identity.numpy()[:, kept]
    shapes[60:300] = random.normal(0, 1e-6, (240, count, 3))
    own = [(LIDS if "Blink" in name else 1.0) * shape for name, shape in expression.items() if name not in _BY_JAW]
    acted = random.normal(0, 0.3, (200, len(own)))
    _, spread, modes = np.linalg.svd(acted @ np.reshape(own, (len(own), -1)), full_matrices=False)
    shapes[300 : 300 + len(own)] = (modes * spread[:, None])[: len(own)].reshape(-1, count, 3) / np.sqrt(len(acted))
    shapes[300 + len(own) :] = random.normal(0, 1e-6, (100 - len(own), count, 3))
    regressor = np.zeros((5, count))
    regressor[3:] = ours.joint_regressor.numpy()[:, kept]
    for joint, place in enumerate(([0, 0.03, -0.13], [0, 0.02, -0.09], JAW)):
        near = np.linalg.norm(vertices - place, axis=1).argsort()[:50]
        points = np.column_stack([vertices[near], np.ones(50)])
        regressor[joint, near] = np.linalg.pinv(points.T) @ [*place, 1.0]
    number = np.full(len(ours.neutral), -1)
    number[kept] = np.arange(count)
    faces = number[ours.faces.numpy()]
    return {
        "v_template": vertices @ TO_FLAME.T + SHIFT,
        "shapedirs": (shapes @ TO_FLAME.T).transpose(1, 2, 0).astype("f4"),
        "posedirs": np.einsum("xi,ac,bd,vijcd->vxjab", *[TO_FLAME] * 3, correctives).reshape(count, 3, 36),
        "J_regressor": regressor,
        "kintree_table": np.array([[4294967295, 0, 1, 1, 1], [0, 1, 2, 3, 4]]),
        "weights": weights,
        "f": faces[(faces >= 0).all(axis=1)].astype("u4"),
    }


def rotation_about_x(angle: float) -> np.ndarray:
    return np.array(
        [[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]],
    )


def write_pickle(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """As FLAME 2020 is published: its regressor sparse, its shapes chumpy's, an old protocol."""
    chumpy = types.ModuleType("chumpy.ch")

    class Ch:
        def __init__(self, x: np.ndarray) -> None:
            self.x, self._dirty_vars, self._itr, self._depends_on_deps = x, set(), None, {}

    Ch.__module__, Ch.__qualname__ = "chumpy.ch", "Ch"
    chumpy.Ch = Ch
    sys.modules["chumpy"] = sys.modules["chumpy.ch"] = chumpy
    try:
        published = {**arrays, "J_regressor": sparse.csc_matrix(arrays["J_regressor"]), "bs_style": "lbs"}
        published["shapedirs"] = Ch(arrays["shapedirs"])
        path.write_bytes(pickle.dumps(published, protocol=2))
    finally:
        del sys.modules["chumpy"], sys.modules["chumpy.ch"]
