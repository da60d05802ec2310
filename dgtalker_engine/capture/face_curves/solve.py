"""All curves of a face, from what was seen of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import DGTalkerError
from ...rig import ARKIT_NAMES, HEAD_NAMES
from . import filters, gaps
from .brows import brows
from .gaze import gaze
from .head import head_turns
from .lids import lids
from .measures import measure
from .mouth import mouth
from .scores import calibrated

NAMES = ARKIT_NAMES + HEAD_NAMES

_LEAST_SEEN = 5
_SQUINT_SECONDS = 0.15


@dataclass(frozen=True, kw_only=True)
class ObservedFace:
    """One person's face in T pictures at a steady rate; NaN in the rows of pictures that do not show it.

    Attributes:
        fps: pictures per second.
        landmarks: float (T, 478, 3) px, as `faces.Face` has them.
        scores: MediaPipe's, float (T, 52).
        rotations: of the head, `faces.Face.rotation` (T, 3, 3).
    """

    fps: float
    landmarks: np.ndarray
    scores: np.ndarray
    rotations: np.ndarray

    @property
    def seen(self) -> np.ndarray:
        """Which pictures show the face (T,) bool."""
        return np.isfinite(self.landmarks[:, 0, 0])


@dataclass(frozen=True, kw_only=True)
class FaceCurves:
    """What a face does.

    Attributes:
        weights: of `NAMES`, float32 (T, 55).
        blinks: the pictures with the middles of blinks (n,).
        contact: how far the lips touch, 0 to 1 (T,).
    """

    weights: np.ndarray
    blinks: np.ndarray
    contact: np.ndarray


def solve(face: ObservedFace) -> FaceCurves:
    """The curves of a face.

    Raises:
        DGTalkerError: hardly any picture shows it.
    """
    seen, fps = face.seen, face.fps
    if seen.sum() < _LEAST_SEEN:
        raise DGTalkerError(
            f"Only {int(seen.sum())} pictures show the face.", "Give a video that shows it from the front."
        )
    measures = measure(gaps.filled(face.landmarks.astype(np.float64), seen))
    scores = calibrated(gaps.filled(face.scores.astype(np.float64), seen), fps)
    eyes = lids(measures.lids, scores, fps)
    lips = mouth(measures, scores, fps)
    squints = [name for name in ARKIT_NAMES if "Squint" in name]
    curves = {
        **scores,
        # A blink looks like a squint to the landmarker.
        **{name: filters.blurred(gaps.filled(scores[name], ~eyes.shut), _SQUINT_SECONDS * fps) for name in squints},
        **brows(measures, scores, fps),
        **gaze(measures.iris, eyes.shut | ~seen, scores, fps),
        **{name: curve for name, curve in lips.curves.items() if name not in squints},
        "eyeBlinkLeft": eyes.blink[:, 0],
        "eyeBlinkRight": eyes.blink[:, 1],
        "eyeWideLeft": eyes.wide[:, 0],
        "eyeWideRight": eyes.wide[:, 1],
    }
    turns = head_turns(gaps.filled(face.rotations.astype(np.float64), seen), fps)
    shapes = np.clip(np.stack([curves[name] for name in ARKIT_NAMES], axis=1), 0.0, 1.0)
    weights = gaps.bridged(np.concatenate([shapes, turns], axis=1), seen, fps)
    return FaceCurves(
        weights=weights.astype(np.float32), blinks=eyes.blinks[seen[eyes.blinks]], contact=lips.contact * seen
    )
