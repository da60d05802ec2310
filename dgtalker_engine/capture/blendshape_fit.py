"""Faces fitted to tracked landmarks: how far brows, lids and cheeks move in ARKit's blendshapes.

The rest of each clip's face is its median, since nobody is seen without expression; what is fitted are differences
from it, in least squares over the landmarks above the mouth, with the small ones preferred.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ..errors import DGTalkerError
from .similarity import fit_similarity

_DEPTH_TRUST = 0.3
_DAMPING = 0.02


class FaceFit:
    """ICT-FaceKit's expressions at mediapipe's landmarks.

    Args:
        head: a folder with ``ict_facekit.npz`` and ``mediapipe468_to_ict.npy``.
        names: of ARKit's blendshapes; without a side for both sides at once.

    Raises:
        DGTalkerError: one of the files is missing.
    """

    def __init__(self, head: Path, names: Sequence[str]) -> None:
        for name in ("ict_facekit.npz", "mediapipe468_to_ict.npy"):
            if not (head / name).is_file():
                raise DGTalkerError(f"{head} has no {name}.", "Give the folder with ICT-FaceKit.")
        data = np.load(head / "ict_facekit.npz")
        vertices = np.load(head / "mediapipe468_to_ict.npy")
        self._names = list(names)
        rest = data["vertices"][vertices].astype(np.float64)
        shapes = dict(zip((str(name) for name in data["expression_names"]), data["expression_deltas"], strict=True))
        deltas = []
        for name in self._names:
            wanted = {f"{name}{side}".lower() for side in ("", "L", "R", "Left", "Right")}
            sides = [key for key in shapes if key.replace("_", "").lower() in wanted]
            deltas.append(sum(shapes[side][vertices].astype(np.float64) for side in sides))
        # Pictures have their y downwards and look along −z.
        turn = np.array([1.0, -1.0, -1.0])
        self._rest, self._deltas = rest * turn, np.stack(deltas) * turn
        moved = np.linalg.norm(self._deltas, axis=2).max(axis=0)
        self._used = moved > 0.1 * moved.max()

    def fit(self, landmarks: np.ndarray) -> dict[str, np.ndarray]:
        """Weights about the clip's usual face by name (frames,).

        Args:
            landmarks: `TrackedClip.landmarks`, without the head's motion (frames, 478, 3).
        """
        points = landmarks[:, :468]
        usual = np.median(points, axis=0)
        onto = fit_similarity(self._rest, usual)
        trust = np.array([1.0, 1.0, _DEPTH_TRUST])
        basis = (self._deltas @ (onto.scale * onto.rotation).T * trust)[:, self._used].reshape(len(self._names), -1)
        moves = ((points - usual) * trust)[:, self._used].reshape(len(points), -1)
        gram = basis @ basis.T
        gram += _DAMPING * np.eye(len(gram)) * np.trace(gram) / len(gram)
        weights = np.linalg.solve(gram, basis @ moves.T)
        return dict(zip(self._names, weights, strict=True))
