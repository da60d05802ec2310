"""Figures of curves against tracked lips: how well sound opens and widens a mouth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ....capture.face_model import FaceModel
from ....rig import ARKIT_NAMES
from ....training.metrics import closed_auc
from .dataset import Sample
from .model import MOTION_NAMES

_UPPER, _LOWER, _RIGHT, _LEFT = 13, 14, 61, 291


@dataclass(frozen=True)
class LipFigures:
    """On the moments of a clip in speech.

    Attributes:
        r_open, r_width: correlations with the tracked lips' opening and width.
        auc: the chance that a moment with closed lips is predicted less open than one with open lips.
    """

    r_open: float
    r_width: float
    auc: float


class LipMeter:
    """How far curves open the lips and widen the mouth of a face model, linear."""

    def __init__(self, face: FaceModel) -> None:
        rest = face.landmarks(face.neutral)
        moved = face.landmarks(face.neutral + face.displacements()) - rest
        columns = [ARKIT_NAMES.index(name) for name in MOTION_NAMES]
        # Head space: z is up, x the subject's left.
        self._opens = (moved[columns, _UPPER, 2] - moved[columns, _LOWER, 2]).numpy()
        self._widens = (moved[columns, _LEFT, 0] - moved[columns, _RIGHT, 0]).numpy()

    def opening(self, curves: np.ndarray) -> np.ndarray:
        """Metres beyond the rest (T,), of `MOTION_NAMES` (T, N)."""
        return curves @ self._opens

    def width(self, curves: np.ndarray) -> np.ndarray:
        """Metres beyond the rest (T,)."""
        return curves @ self._widens

    def judge(self, curves: np.ndarray, sample: Sample) -> LipFigures:
        """Predicted curves (T, N) against those tracked in a sample, where somebody speaks."""
        rows = (sample.weight > 0) & sample.heard.speaking
        opening = self.opening(sample.curves[rows])
        predicted = self.opening(curves[rows])
        width = correlation(self.width(sample.curves[rows]), self.width(curves[rows]))
        return LipFigures(correlation(opening, predicted), width, closed_auc(opening, predicted))


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    """Pearson's r; 0 where one of the two does not move."""
    if len(a) < 3 or a.std() < 1e-9 or b.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])
