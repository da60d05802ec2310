"""How near pictures and landmarks are to what is wanted, as the papers print it.

`mask` restricts a figure to the head; figures of the whole frame and of the head are never mixed in a table.
"""

from __future__ import annotations

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio, structural_similarity_index_measure

from .similarity_kernels import SIGMA, TAPS

CLOSED_SHARE = 0.2
"""The share of the moments, with the smallest true openings, in which lips count as closed."""


def psnr(picture: Tensor, wanted: Tensor, mask: Tensor | None = None) -> float:
    """Peak signal-to-noise ratio, dB; infinite where the pictures are the same.

    Args:
        picture: (H, W, 3) from 0 to 1.
        wanted: the same shape.
        mask: bool (H, W), the pixels that count.

    Raises:
        ValueError: the mask is empty.
    """
    if mask is not None:
        picture, wanted = picture[_not_empty(mask)], wanted[mask]
    return float(peak_signal_noise_ratio(picture, wanted, data_range=1.0))


def ssim(picture: Tensor, wanted: Tensor, mask: Tensor | None = None) -> float:
    """Structural similarity, the same as that of `losses`: over the windows that lie in the picture as a whole.

    Args:
        picture: (H, W, 3) from 0 to 1, sides of at least 11.
        wanted: the same shape.
        mask: bool (H, W), the pixels whose windows count.

    Raises:
        ValueError: the mask has no pixel that a whole window lies around.
    """
    planes = [image.permute(2, 0, 1)[None] for image in (picture, wanted)]
    # torchmetrics mirrors pictures at their edges, and counts the windows there.
    windows: Tensor = structural_similarity_index_measure(
        planes[0], planes[1], sigma=SIGMA, kernel_size=TAPS, data_range=1.0, return_full_image=True
    )[1]
    whole = slice(TAPS // 2, -(TAPS // 2))
    windows = windows[0][:, whole, whole]
    return float((windows if mask is None else windows[:, _not_empty(mask[whole, whole])]).mean())


def lmd(landmarks: Tensor, wanted: Tensor) -> float:
    """Landmark distance (Chen et al., "Lip Movements Generation at a Glance", 2018), the mean in pixels.

    Args:
        landmarks: (…, L, 2), pixels.
        wanted: the same shape.
    """
    return float(torch.linalg.vector_norm(landmarks - wanted, dim=-1).mean())


def closed_auc(tracked: np.ndarray, predicted: np.ndarray) -> float:
    """The chance that a moment with closed lips is predicted less open than one with open lips; 0.5 is blind.

    Args:
        tracked: how far the lips are open, in any unit (T,).
        predicted: likewise.
    """
    if len(tracked) == 0:
        return 0.5
    closed = tracked < np.quantile(tracked, CLOSED_SHARE)
    if not closed.any() or closed.all():
        return 0.5
    rank, count = rankdata(-predicted), int(closed.sum())
    return float((rank[closed].sum() - count * (count + 1) / 2) / (count * (~closed).sum()))


def _not_empty(mask: Tensor) -> Tensor:
    if not mask.any():
        raise ValueError("the mask has no pixel")
    return mask
