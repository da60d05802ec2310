"""The network of a refiner: a shallow U-Net (Ronneberger et al. 2015) from a coarse picture to a correction of it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CHANNELS = 4
"""Of the picture: premultiplied sRGB, and alpha."""
BOUND = 0.2
"""No colour is corrected by more."""
_FOLD = 2
"""Pixels along a side of the blocks that become one cell: the finest convolutions are by far the dearest."""
_BLOCK = _FOLD**2


class RefinerNetwork(nn.Module):
    """Convolutions at 1/2, 1/4 and 1/8 of the resolution, with skips. The last layer begins at 0 and changes nothing.

    Args:
        width: channels at the finest resolution; the others have 2 and 3 times as many.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.enter = _convolution(_BLOCK * CHANNELS, width)
        self.fine = _convolution(width, width)
        self.halve = _convolution(width, 2 * width, stride=2)
        self.middle = _convolution(2 * width, 2 * width)
        self.quarter = _convolution(2 * width, 3 * width, stride=2)
        self.coarse = _convolution(3 * width, 3 * width)
        self.join_middle = _convolution(5 * width, 2 * width)
        self.join_fine = _convolution(3 * width, width)
        self.leave = _convolution(width, _BLOCK * 3)
        for parameter in self.leave.parameters():
            nn.init.zeros_(parameter)

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, CHANNELS, H, W), sides multiples of 8 → what is added to the colours that are seen, sRGB (B, 3, H, W)."""
        fine = F.gelu(self.fine(F.gelu(self.enter(F.pixel_unshuffle(pictures, _FOLD)))))
        middle = F.gelu(self.middle(F.gelu(self.halve(fine))))
        coarse = F.gelu(self.coarse(F.gelu(self.quarter(middle))))
        middle = F.gelu(self.join_middle(torch.cat([_doubled(coarse), middle], dim=1)))
        fine = F.gelu(self.join_fine(torch.cat([_doubled(middle), fine], dim=1)))
        # a damaged file's numbers may overflow: then it says nothing
        change = torch.nan_to_num(self.leave(fine), 0.0, 0.0, 0.0)
        return BOUND * torch.tanh(F.pixel_shuffle(change, _FOLD))


def _convolution(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)


def _doubled(cells: Tensor) -> Tensor:
    return F.interpolate(cells, scale_factor=2, mode="nearest")
