"""The face model that a user chose."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from .file import load, read
from .flame import load_flame
from .model import FaceModel

_OWN_FORMAT = ".safetensors"


def open_model(path: Path | None) -> FaceModel:
    """The model in a file: FLAME, or one of `to_bytes` by its ending; ours where none is given.

    Raises:
        DGTalkerError: the file is missing or holds something else.
    """
    if path is None:
        return load()
    model = read(path) if path.suffix.lower() == _OWN_FORMAT else load_flame(path)
    return replace(model, file=str(path.absolute()))
