"""FLAME from the user's own file, behind the interface of our face model.

Li, Bolkart, Black, Li and Romero, "Learning a model of facial shape and expression from 4D scans" (2017). The file is
the user's, under the licence that they accepted; the engine brings none.
"""

from __future__ import annotations

import hashlib
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ...errors import DGTalkerError
from ...files import is_file, printable
from .alignment import align
from .array_pickle import read_arrays
from .file import load, problem
from .model import LANDMARKS, FaceModel
from .mouth import with_mouth
from .transfer import with_ours

EMBEDDING = "mediapipe_landmark_embedding.npz"
"""What is published with FLAME for MediaPipe's landmarks; used where it lies beside the model."""

_PUBLISHED = "Give FLAME's file as it was published, such as generic_model.pkl or flame2023.pkl."
_IDENTITY, _EXPRESSIONS = 300, 100
_USED_IDENTITY = 100
"""Of the components, the first: a film tells no more of a face."""
_TRANSFER = "transfer 1"
"""Goes into the digest: another number where other expressions or vertices are computed from the same file."""
_JOINTS = ("neck", "jaw", "leftEye", "rightEye")
_PARENTS = (-1, 0, 0, 0)
_KINTREE = (0, 1, 1, 1)
"""The parents of FLAME's joints after its root."""
_TO_HEAD_SPACE = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""FLAME's +Y is up and its face looks along +Z."""


def load_flame(path: Path) -> FaceModel:
    """FLAME 2020 or 2023 as our face model is: 100 identity components, ARKit's 52 expressions, jaw and eyes.

    The file has neither MediaPipe's landmarks, UV, regions nor a mouth behind the lips: they are those of our model,
    laid over FLAME's mean face. Landmarks that `EMBEDDING` knows are taken from it where it lies beside the file.
    ARKit's expressions are what FLAME's components and jaw do that is the most like ours (`transfer.with_ours`).

    Args:
        path: a pickle as published, or an ``.npz`` of the same arrays.

    Raises:
        DGTalkerError: the file is missing or is not FLAME's.
    """
    flame = read_flame(path)
    ours = load()
    aligned = align(ours, flame)
    model = with_mouth(with_ours(flame, ours, aligned), ours, aligned)
    embedding = path.with_name(EMBEDDING)
    made_of = [_TRANSFER, flame.digest, ours.digest]
    if embedding.is_file():
        known, faces, weights = _published(embedding, len(model.faces))
        model.landmark_faces[known] = torch.from_numpy(faces)
        model.landmark_barycentrics[known] = _tensor(weights)
        model.landmark_bias[known] = 0  # what was measured is how ours lie
        made_of.append(hashlib.sha256(embedding.read_bytes()).hexdigest())
    return replace(model, identity=model.identity[:_USED_IDENTITY], made_of=tuple(made_of))


def read_flame(path: Path) -> FaceModel:
    """What the file says, in head space but for the origin: 300 identity and 100 expression components, four joints.

    Raises:
        DGTalkerError: the file is missing or is not FLAME's.
    """
    if not is_file(path):
        raise DGTalkerError(f"There is no file {printable(path)}.", _PUBLISHED)
    arrays = _npz(path) if path.suffix.lower() == ".npz" else read_arrays(path)
    try:
        model = _model(arrays)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise DGTalkerError(f"{path} is not FLAME: {error}.", _PUBLISHED) from error
    wrong = problem(model)
    if wrong:
        raise DGTalkerError(f"{path} is not FLAME: {wrong}.", _PUBLISHED)
    return model


def _npz(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as data:
            return {name: data[name] for name in data.files}
    except (ValueError, OSError, zipfile.BadZipFile) as error:
        raise DGTalkerError(f"{path} cannot be read: {error}.", _PUBLISHED) from error


def _model(arrays: dict[str, np.ndarray]) -> FaceModel:
    template = arrays["v_template"].astype(np.float64) @ _TO_HEAD_SPACE.T
    count = len(template)
    shapes = np.einsum("ij,vjk->kvi", _TO_HEAD_SPACE, arrays["shapedirs"].astype(np.float64))
    if len(shapes) != _IDENTITY + _EXPRESSIONS:
        raise ValueError(f"it has {len(shapes)} shapes and not {_IDENTITY + _EXPRESSIONS}")
    parents = tuple(int(parent) for parent in arrays["kintree_table"][0].astype(np.int64)[1:])
    if parents != _KINTREE:
        raise ValueError("its joints are others than FLAME's")
    # Its correctives go by the rotations' entries in its own axes.
    correctives = arrays["posedirs"].astype(np.float64).reshape(count, 3, len(_JOINTS), 3, 3)
    turn = _TO_HEAD_SPACE
    correctives = np.einsum("ix,ca,db,vxjab->jcdvi", turn, turn, turn, correctives)
    return FaceModel(
        name="flame",
        neutral=_tensor(template),
        identity=_tensor(shapes[:_IDENTITY]),
        expression=_tensor(shapes[_IDENTITY:]),
        expression_names=tuple(f"expression{i}" for i in range(_EXPRESSIONS)),
        expression_pose=torch.zeros(_EXPRESSIONS, len(_JOINTS), 3),
        faces=torch.from_numpy(arrays["f"].astype(np.int64)),
        uv=torch.zeros(count, 2),
        regions=torch.zeros(len(arrays["f"]), dtype=torch.uint8),
        joint_names=_JOINTS,
        joint_parents=_PARENTS,
        joint_regressor=_tensor(arrays["J_regressor"][1:]),
        skin_weights=_tensor(arrays["weights"][:, 1:]),
        pose_correctives=_tensor(correctives.reshape(9 * len(_JOINTS), count, 3)),
        landmark_faces=torch.full((LANDMARKS,), -1),
        landmark_barycentrics=torch.zeros(LANDMARKS, 3),
    )


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))


def _published(path: Path, faces: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers of MediaPipe's landmarks, FLAME's triangles and barycentrics."""
    arrays = _npz(path)
    try:
        numbers = arrays["landmark_indices"].astype(np.int64)
        triangles = arrays["lmk_face_idx"].astype(np.int64)
        weights = arrays["lmk_b_coords"].astype(np.float64)
    except (KeyError, ValueError) as error:
        raise DGTalkerError(f"{path} is not MediaPipe's landmarks on FLAME: {error}.", "Move it away.") from error
    fit = len(numbers) == len(triangles) and weights.shape == (len(numbers), 3)
    if not fit or not (numbers >= 0).all() or not (numbers < LANDMARKS).all() or not (triangles < faces).all():
        raise DGTalkerError(f"{path} does not fit FLAME's file beside it.", "Move it away.")
    return numbers, triangles, weights
