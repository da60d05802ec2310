"""Writes the file that the engine ships, and its figures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open

from ...capture.face_model import FaceModel, read, to_bytes
from ...errors import DGTalkerError
from ...files import write_whole
from .config import FaceModelConfig
from .figures import reconstruction
from .source import Source


def export(path: Path, learned: FaceModel, source: Source, config: FaceModelConfig) -> dict[str, dict[str, float]]:
    """Writes the model in half precision, with the licence of its source, and measures what was written.

    Returns:
        `figures.reconstruction` of the file's model.

    Raises:
        DGTalkerError: the file cannot be written.
    """
    details = {"notice": source.notice, "config": json.dumps(config.to_json())}
    _write(path, to_bytes(learned, details))
    return reconstruction(read(path), source, config)


def export_landmark_bias(path: Path, bias: np.ndarray) -> None:
    """Writes the file again with another `FaceModel.landmark_bias`, all else as it is.

    Raises:
        DGTalkerError: the file is no face model, or cannot be written.
    """
    model = read(path)
    with safe_open(path, "pt") as file:
        details = dict(file.metadata())
    _write(path, to_bytes(replace(model, landmark_bias=torch.from_numpy(bias.astype(np.float32))), details))


def _write(path: Path, data: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, data)
    except OSError as error:
        raise DGTalkerError(f"The face model {path} cannot be written: {error}.", "Give another place.") from error
