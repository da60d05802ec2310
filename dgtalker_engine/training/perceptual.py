"""The perceptual loss (Johnson et al. 2016), by VGG-19 from the user's own file: its weights are not ours to ship."""

from __future__ import annotations

from pathlib import Path

import safetensors.torch
import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from torch import Tensor

from ..errors import DGTalkerError

_LAYERS = ((0, 2), (5, 7), (10, 12), (19, 21))
"""Convolutions of torchvision's `vgg19().features` in the blocks before each pooling, up to relu4_2."""
_THIRD = (14, 16)
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Perceptual:
    """Mean absolute differences of VGG-19's features at relu1_2, relu2_2, relu3_2 and relu4_2, and their mean.

    Args:
        path: torchvision's state of VGG-19, as .safetensors or as .pth, of which nothing but tensors is read.

    Raises:
        DGTalkerError: the file is missing, or holds something else.
    """

    def __init__(self, path: Path) -> None:
        hint = "Give torchvision's vgg19 weights as .pth or .safetensors, or leave the setting empty."
        if not path.is_file():
            raise DGTalkerError(f"There are no VGG-19 weights at {path}.", hint)
        try:
            if path.suffix == ".safetensors":
                state = safetensors.torch.load_file(path)
            else:
                state = torch.load(path, map_location="cpu", weights_only=True)
            indices = [index for block in (*_LAYERS, _THIRD) for index in block]
            self._weights = {
                index: (state[f"features.{index}.weight"].float(), state[f"features.{index}.bias"].float())
                for index in indices
            }
        except (KeyError, TypeError, ValueError, RuntimeError, SafetensorError, OSError, AttributeError) as error:
            raise DGTalkerError(f"{path} does not hold the weights of VGG-19: {error}.", hint) from error

    def __call__(self, picture: Tensor, wanted: Tensor) -> Tensor:
        """The loss of pictures (H, W, 3), sRGB from 0 to 1; the gradient is the first one's."""
        with torch.no_grad():
            theirs = self._features(wanted)
        pairs = zip(self._features(picture), theirs, strict=True)
        return torch.stack([(ours - other).abs().mean() for ours, other in pairs]).mean()

    def _features(self, picture: Tensor) -> list[Tensor]:
        x = (picture - picture.new_tensor(_MEAN)) / picture.new_tensor(_DEVIATION)
        x = x.permute(2, 0, 1)[None]
        features: list[Tensor] = []
        for block in _LAYERS:
            for index in block:
                x = self._convolved(x, index)
            features.append(x)
            if block == _LAYERS[2]:
                for index in _THIRD:
                    x = self._convolved(x, index)
            x = F.max_pool2d(x, 2)
        return features

    def _convolved(self, x: Tensor, index: int) -> Tensor:
        weight, bias = self._weights[index]
        return F.relu(F.conv2d(x, weight.to(x.device), bias.to(x.device), padding=1))
