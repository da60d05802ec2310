"""The sound encoder at one moment: a pyramid of what that depends on, in a tenth of the time of all around it."""

from __future__ import annotations

import numpy as np
from torch import Tensor, nn

from ..lipsync.encoders import CHANNELS, SoundEncoder

REACH = 38
"""Frames before and after a moment that the sound encoder's answer depends on."""


class Pyramid:
    """`SoundEncoder`'s movement in its middle, by matrix products; its layers' padding is out of reach there."""

    def __init__(self, encoder: SoundEncoder) -> None:
        """Takes an encoder in its `eval` mode."""
        self._entry = _matrix(encoder.entry)
        self._blocks: list[tuple[int, np.ndarray, np.ndarray]] = []
        for block in encoder.blocks:
            convolution, norm = block.get_submodule("convolution"), block.get_submodule("norm")
            assert isinstance(convolution, nn.Conv1d)
            assert isinstance(norm, nn.BatchNorm1d)
            product, offset = _matrix(convolution)
            mean, variance = _array(norm.running_mean), _array(norm.running_var)
            scale = _array(norm.weight) / np.sqrt(variance + norm.eps)
            self._blocks.append(
                (int(convolution.dilation[0]), product * scale, (offset - mean) * scale + _array(norm.bias))
            )
        product, offset = _matrix(encoder.exit)
        self._exit = product[:, : len(CHANNELS)], offset[: len(CHANNELS)]

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """The movement, float32 (`encoders.CHANNELS`,), in units of the trainer's scales.

        Args:
            rows: `spectrum.normalised` energies, float32 (2 · `REACH` + 1, bands), the moment in the middle.
        """
        product, offset = self._entry
        taps = len(product) // rows.shape[1]
        # Of windows (…, bands, taps), as the convolution's weights lie.
        windows = np.lib.stride_tricks.sliding_window_view(rows, taps, axis=0)[::2]
        heard = np.maximum(windows.reshape(len(windows), -1) @ product + offset, 0.0)
        for dilation, product, offset in self._blocks:
            inside = heard[dilation:-dilation]
            around = np.stack([heard[: -2 * dilation], inside, heard[2 * dilation :]], axis=2)
            heard = inside + np.maximum(around.reshape(len(inside), -1) @ product + offset, 0.0)
        product, offset = self._exit
        return (heard @ product + offset)[0]


def _matrix(convolution: nn.Conv1d) -> tuple[np.ndarray, np.ndarray]:
    """(inputs · taps, outputs) and (outputs,)."""
    weight = _array(convolution.weight)
    return np.ascontiguousarray(weight.reshape(len(weight), -1).T), _array(convolution.bias)


def _array(tensor: Tensor | None) -> np.ndarray:
    assert tensor is not None
    return tensor.detach().numpy()
