"""Where MediaPipe's landmarks lie on a face: as the source has them, or as clips of people show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file
from scipy.spatial import KDTree

from ...capture.face_model import LANDMARKS, FaceModel
from ...errors import DGTalkerError
from .source import Source

_PAIRED = 0.006
"""How far a landmark may be from its twin's mirror image, metres."""


def places_of_source(source: Source) -> np.ndarray:
    """The 468 landmarks of the face on the mean face at rest, metres (468, 3)."""
    return _symmetric(source.vertices[source.landmarks])


def places_of_clips(folder: Path, fitted: FaceModel) -> np.ndarray:
    """The same, corrected by the people in clips.

    Fitting a clip finds where its face's landmarks lie beside the model's. What all faces have in common there, besides
    the model's `landmark_bias`, is no trait of theirs: it is the model's landmarks that lie wrong.

    Args:
        folder: of clips that `capture` made, one or more a person.
        fitted: the model that they were fitted with.

    Raises:
        DGTalkerError: there are no clips, or one cannot be read.
    """
    tracks = sorted(folder.glob("*/tracks.safetensors"))
    if not tracks:
        raise DGTalkerError(
            f"There are no clips in {folder}.", "Make some: python -m dgtalker_engine capture VIDEO -o CLIP"
        )
    offsets = []
    for path in tracks:
        try:
            found = load_file(path)["landmark_offsets"]
        except (SafetensorError, KeyError, OSError) as error:
            raise DGTalkerError(f"{path} cannot be read: {error}.", "Capture its video again.") from error
        if found.shape != (LANDMARKS, 3) or not np.isfinite(found).all():
            raise DGTalkerError(f"{path} has no landmarks' offsets.", "Capture its video again.")
        offsets.append(found.astype(np.float64))
    common = np.mean(offsets, axis=0) - fitted.landmark_bias.double().numpy()
    places = fitted.landmarks(fitted.neutral).double().numpy() + common
    return _symmetric(places[: LANDMARKS - 10])


def _symmetric(places: np.ndarray) -> np.ndarray:
    """The mean of both sides, where a landmark and another are each other's mirror image."""
    flip = np.array([-1.0, 1.0, 1.0])
    distance, twin = (np.asarray(found) for found in KDTree(places).query(places * flip))
    paired = (twin[twin] == np.arange(len(twin))) & (distance < _PAIRED)
    return np.where(paired[:, None], (places + places[twin] * flip) / 2, places)
