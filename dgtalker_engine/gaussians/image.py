"""What a renderer returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch


@dataclass(frozen=True)
class Image:
    """A picture of Gaussians, top row first: NumPy arrays or PyTorch's tensors, see `gaussians.render`.

    Attributes:
        rgb: float32 (H, W, 3), premultiplied, in the Gaussians' own colour space, over the background.
        alpha: float32 (H, W), 0 to 1.
        depth: float32 (H, W), metres: the mean planar depth of what is seen, weighted as the colours are;
            `constants.NOTHING_HIT` where alpha is 0.
    """

    rgb: Any
    alpha: Any
    depth: Any

    def on_cpu(self) -> Image:
        """The same as NumPy arrays."""
        return Image(*(torch.as_tensor(part).cpu().numpy() for part in (self.rgb, self.alpha, self.depth)))
