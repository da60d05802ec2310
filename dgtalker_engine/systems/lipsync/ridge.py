"""Face encoders solved for in closed form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ...speech.lipsync.encoders import SPACING, FaceEncoder
from ...speech.lipsync.spectrum import HOP

_FREE = 1e-6

_RARE = 0.03
"""What is added to each input's size: what hardly ever happens in the samples, as a rare phone, teaches little."""


def context_windows(rows: np.ndarray, times: np.ndarray, taps: int) -> np.ndarray:
    """What a face encoder sees of rows (frames, inputs) around some times: float64 (times, inputs, taps)."""
    clock = np.arange(len(rows)) * HOP
    offsets = (np.arange(taps) - taps // 2) * SPACING * HOP
    columns = [np.interp(times + offset, clock, rows[:, i]) for i in range(rows.shape[1]) for offset in offsets]
    return np.stack(columns, axis=1).reshape(len(times), rows.shape[1], taps)


def solve(
    samples: Sequence[tuple[np.ndarray, np.ndarray]], *, stiffness: float, free: Sequence[int] = ()
) -> np.ndarray:
    """The weights of least squares, with small ones preferred; each sample counts by its length.

    Args:
        samples: at least one: `context_windows` (n, inputs, taps) and what is wanted of them (n, outputs).
        stiffness: the penalty on weights, in mean squares of their inputs.
        free: inputs that are not penalised.

    Returns:
        float64 (outputs, inputs, taps).
    """
    _, inputs, taps = samples[0][0].shape
    width = inputs * taps
    gram, moment = np.zeros((width, width)), np.zeros((width, samples[0][1].shape[1]))
    moments = 0
    for windows, targets in samples:
        flat = windows.reshape(len(windows), width)
        gram += flat.T @ flat
        moment += flat.T @ targets
        moments += len(flat)
    # Every input in its own units, so that the penalty treats them alike.
    scale = 1.0 / (np.sqrt(np.diag(gram) / moments) + _RARE)
    penalty = np.full((inputs, taps), stiffness)
    penalty[list(free)] = _FREE
    weights = np.linalg.solve(
        gram * scale[:, None] * scale + moments * np.diag(penalty.ravel()), moment * scale[:, None]
    )
    return (weights * scale[:, None]).reshape(inputs, taps, -1).transpose(2, 0, 1)


def set_weights(encoder: FaceEncoder, weights: np.ndarray) -> None:
    """Replaces an encoder's weights by some (outputs, inputs, taps)."""
    with torch.no_grad():
        encoder.convolution.weight.copy_(torch.from_numpy(np.ascontiguousarray(weights)).float())
