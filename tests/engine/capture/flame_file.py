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
from dgtalker_engine.capture.face_model import FaceModel

TO_FLAME = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
SHIFT = np.array([0.004, -0.021, 0.013])
"""FLAME's origin is not between the ears."""


def someone(seed: int = 3) -> tuple[FaceModel, np.ndarray]:
    """Our model, and a face of it that stands for FLAME's mean (V, 3), in head space."""
    ours = face_model.load()
    identity = torch.from_numpy(np.random.default_rng(seed).normal(0, 0.7, 20).astype("f4"))
    return ours, ours.vertices(identity, torch.zeros(0)).numpy().astype(np.float64)


def flame_arrays(seed: int = 3) -> dict[str, np.ndarray]:
    """The published arrays: v_template, shapedirs, posedirs, J_regressor, kintree_table, weights, f."""
    ours, vertices = someone(seed)
    random = np.random.default_rng(seed)
    count = len(vertices)
    weights = np.zeros((count, 5))
    weights[:, 3:] = ours.skin_weights.numpy()
    low = np.clip(-vertices[:, 2] / 0.1, 0, 1) * (1 - weights[:, 3:].sum(axis=1))
    weights[:, 2] = 0.5 * low
    weights[:, 1] = 0.5 * (1 - weights[:, 2:].sum(axis=1))
    weights[:, 0] = 1 - weights[:, 1:].sum(axis=1)
    regressor = np.zeros((5, count))
    regressor[3:] = ours.joint_regressor.numpy()
    regressor[:3, :3] = np.eye(3)
    shapes = random.normal(0, 1e-4, (count, 3, 400)).astype("f4")
    return {
        "v_template": vertices @ TO_FLAME.T + SHIFT,
        "shapedirs": shapes,
        "posedirs": random.normal(0, 1e-3, (count, 3, 36)),
        "J_regressor": regressor,
        "kintree_table": np.array([[4294967295, 0, 1, 1, 1], [0, 1, 2, 3, 4]]),
        "weights": weights,
        "f": ours.faces.numpy().astype("u4"),
    }


def write_pickle(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """As FLAME 2020 is published: its regressor sparse, its shapes chumpy's, an old protocol."""
    chumpy = types.ModuleType("chumpy.ch")

    class Ch:
        def __init__(self, x: np.ndarray) -> None:
            self.x = x

    Ch.__module__, Ch.__qualname__ = "chumpy.ch", "Ch"
    chumpy.Ch = Ch
    sys.modules["chumpy"] = sys.modules["chumpy.ch"] = chumpy
    try:
        published = {**arrays, "J_regressor": sparse.csc_matrix(arrays["J_regressor"]), "bs_style": "lbs"}
        published["shapedirs"] = Ch(arrays["shapedirs"])
        path.write_bytes(pickle.dumps(published, protocol=2))
    finally:
        del sys.modules["chumpy"], sys.modules["chumpy.ch"]
