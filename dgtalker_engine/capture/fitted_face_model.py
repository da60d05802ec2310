"""The face model that a clip was fitted with, found again."""

from __future__ import annotations

from pathlib import Path

from ..errors import DGTalkerError
from ..files import is_file
from .clip import ClipInfo
from .face_model import FaceModel, open_model


def fitted_face_model(info: ClipInfo, path: Path | None = None) -> FaceModel:
    """Opens the face model of a clip.

    Args:
        info: of the clip.
        path: of the model's file, where it is no longer where it was.

    Raises:
        DGTalkerError: the file is gone, is no face model, or is another one.
    """
    given = path or (Path(info.face_model_file) if info.face_model_file else None)
    if given is not None and not is_file(given):
        raise DGTalkerError(
            f"There is no file {given}, the face model that the clip was fitted with.",
            "Put it back, or say where it is: --face-model FILE.",
        )
    model = open_model(given)
    if model.digest != info.face_model_hash:
        raise DGTalkerError(
            f"The clip was fitted with another face model than {given or 'the one that this engine brings'}.",
            "Give the file that it was fitted with, --face-model FILE, with the same mediapipe_landmark_embedding.npz "
            "beside it, or none; or capture the video again.",
        )
    return model
