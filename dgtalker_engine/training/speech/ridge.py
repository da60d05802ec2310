"""Face encoders solved for in closed form."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from ...speech.learned.encoders import SPACING, TAPS, FaceEncoder
from ...speech.learned.spectrum import HOP


def seen(rows: np.ndarray, times: np.ndarray) -> np.ndarray:
    """What a face encoder sees of rows (frames, inputs) at some times: float64 (times, inputs, taps)."""
    clock = np.arange(len(rows)) * HOP
    offsets = (np.arange(TAPS) - TAPS // 2) * SPACING * HOP
    columns = [np.interp(times + offset, clock, rows[:, i]) for i in range(rows.shape[1]) for offset in offsets]
    return np.stack(columns, axis=1).reshape(len(times), rows.shape[1], TAPS)


def solve(
    encoder: FaceEncoder,
    examples: Sequence[tuple[np.ndarray, np.ndarray]],
    *,
    stiffness: float,
    taps: Sequence[float] = (1.0,) * TAPS,
) -> None:
    """Gives an encoder the weights of least squares, with small ones preferred; each example counts alike.

    Args:
        encoder: whose weights are replaced.
        examples: `seen` (n, inputs, taps) and what is to be said of it (n, outputs).
        stiffness: the penalty on weights, in mean squares of their inputs.
        taps: how readily each tap is used.
    """
    width = examples[0][0].shape[1] * TAPS
    ease = np.tile(np.asarray(taps, float), examples[0][0].shape[1])
    gram, answer = np.zeros((width, width)), np.zeros((width, examples[0][1].shape[1]))
    for inputs, outputs in examples:
        flat = inputs.reshape(len(inputs), width)
        gram += flat.T @ flat / len(flat)
        answer += flat.T @ outputs / len(flat)
    # Every input in its own units, so that the penalty treats them alike.
    size = np.sqrt(np.diag(gram) / len(examples)) + 1e-6
    scale = ease / size
    gram = gram * scale[:, None] * scale
    weights = np.linalg.solve(gram + stiffness * len(examples) * np.eye(width), answer * scale[:, None])
    shaped = (weights * scale[:, None]).reshape(-1, TAPS, answer.shape[1]).transpose(2, 0, 1)
    with torch.no_grad():
        encoder.convolution.weight.copy_(torch.from_numpy(np.ascontiguousarray(shaped)).float())
