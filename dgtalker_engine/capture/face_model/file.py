"""A face model as a file: safetensors, its offsets in half precision."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from ... import model_files
from ...errors import DGTalkerError
from .model import LANDMARKS, FaceModel

SHIPPED = Path(__file__).parents[1] / "assets" / "face_model.safetensors"

_FORMAT = "dgtalker face model 1"
_AGAIN = "Install the engine again, or make the file with: python build.py train face-model."
_STORED = {
    "neutral": torch.float32,
    "identity": torch.float16,
    "expression": torch.float16,
    "expression_pose": torch.float32,
    "faces": torch.int32,
    "uv": torch.float32,
    "regions": torch.uint8,
    "joint_regressor": torch.float32,
    "skin_weights": torch.float32,
    "pose_correctives": torch.float16,
    "landmark_faces": torch.int32,
    "landmark_barycentrics": torch.float32,
    "landmark_bias": torch.float32,
}
_OPTIONAL = ("pose_correctives", "landmark_bias")
_LISTS = ("expression_names", "joint_names", "joint_parents")


@cache
def load() -> FaceModel:
    """The model that comes with the engine, read once."""
    return read(SHIPPED)


def to_bytes(model: FaceModel, details: Mapping[str, str]) -> bytes:
    """A file that `read` reads.

    Args:
        model: any.
        details: what else stands in the file: the licence of what the model was learned from, how it was learned.
    """
    tensors: dict[str, Tensor] = {}
    for name, kind in _STORED.items():
        tensor = getattr(model, name)
        if tensor is not None:
            tensors[name] = tensor.detach().cpu().to(kind).contiguous()
    about = {name: getattr(model, name) for name in ("name", *_LISTS)}
    return save(tensors, {**details, "format": _FORMAT, "model": json.dumps(about)})


def read(path: Path) -> FaceModel:
    """Raises DGTalkerError for a file that is missing, damaged, or not one of `to_bytes`."""
    with model_files.opened(path, "face model", _FORMAT, _AGAIN) as (metadata, tensors):
        about = json.loads(metadata["model"])
        tensors = {name: _widened(tensor) for name, tensor in tensors.items()}
        model = FaceModel(
            name=str(about["name"]),
            expression_names=tuple(str(name) for name in about["expression_names"]),
            joint_names=tuple(str(name) for name in about["joint_names"]),
            joint_parents=tuple(int(parent) for parent in about["joint_parents"]),
            made_of=(),
            file="",
            pose_correctives=tensors.get("pose_correctives"),
            landmark_bias=tensors.get("landmark_bias", torch.zeros(LANDMARKS, 3)),
            **{name: tensors[name] for name in _STORED if name not in _OPTIONAL},
        )
    wrong = problem(model)
    if wrong:
        raise DGTalkerError(f"The face model {path} cannot be used: {wrong}.", _AGAIN)
    return model


def _widened(tensor: Tensor) -> Tensor:
    if tensor.dtype == torch.uint8:
        return tensor
    return tensor.float() if tensor.is_floating_point() else tensor.long()


def problem(model: FaceModel) -> str | None:
    """What is wrong with a model, or None: shapes, indices and numbers that cannot be."""
    v, f = len(model.neutral), len(model.faces)
    i, e, j = len(model.identity), len(model.expression_names), len(model.joint_names)
    shapes = {
        "neutral": (v, 3),
        "identity": (i, v, 3),
        "expression": (e, v, 3),
        "expression_pose": (e, j, 3),
        "faces": (f, 3),
        "uv": (v, 2),
        "regions": (f,),
        "joint_regressor": (j, v),
        "skin_weights": (v, j),
        "pose_correctives": (9 * j, v, 3),
        "landmark_faces": (LANDMARKS,),
        "landmark_barycentrics": (LANDMARKS, 3),
        "landmark_bias": (LANDMARKS, 3),
    }
    for name, shape in shapes.items():
        tensor = getattr(model, name)
        if tensor is not None and tuple(tensor.shape) != shape:
            return f"{name} has the shape {tuple(tensor.shape)} and not {shape}"
        if tensor is not None and tensor.is_floating_point() and not bool(tensor.isfinite().all()):
            return f"{name} is not finite"
    if len(model.joint_parents) != j or any(not -1 <= p < joint for joint, p in enumerate(model.joint_parents)):
        return "its joints do not form a tree"
    if f == 0 or not _within(model.faces, 0, v) or not _within(model.landmark_faces, -1, f):
        return "its triangles or landmarks point outside"
    return None


def _within(indices: Tensor, low: int, high: int) -> bool:
    return bool(((indices >= low) & (indices < high)).all())
