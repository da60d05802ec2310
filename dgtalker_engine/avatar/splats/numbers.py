"""What files of splats hold, checked once where it comes in."""

from __future__ import annotations

import numpy as np
import torch

from ...errors import DGTalkerError
from ...gaussians.cloud import Gaussians
from ..dgt import MAX_GAUSSIANS
from ..document import LARGEST
from ..kinds.linear.model import MIN_SCALE

__all__ = ["BROKEN", "COEFFICIENTS", "LARGEST", "MAX_FILE_BYTES", "checked", "limited"]

MAX_FILE_BYTES = 1 << 29
"""Of a file of splats: as many Gaussians as an avatar may have, with spherical harmonics of degree 3, in a PLY."""
COEFFICIENTS = (1, 4, 9, 16)
"""Of spherical harmonics of degree 0 to 3."""
BROKEN = "The file is damaged, or was cut off: export or download it again."


def limited(count: int) -> int:
    """How many Gaussians a file says that it has, before anything is allocated for them.

    Raises:
        DGTalkerError: none, or too many.
    """
    if not 1 <= count <= MAX_GAUSSIANS:
        raise DGTalkerError(
            f"The file has {count:,} Gaussians; 1 to {MAX_GAUSSIANS:,} are possible.",
            "Crop or thin it out in an editor of splats, as SuperSplat is one.",
        )
    return count


def checked(
    *, means: np.ndarray, quats: np.ndarray, scales: np.ndarray, opacities: np.ndarray, sh: np.ndarray
) -> Gaussians:
    """A sound cloud: float32, quaternions of length 1, scales of 1e-6 m at least, opacities of 0 to 1.

    Args:
        means: (N, 3), metres.
        quats: (N, 4), wxyz, of any length.
        scales: (N, 3), metres.
        opacities: (N,).
        sh: (N, K, 3).

    Raises:
        DGTalkerError: a number is not finite or larger than 1e6, a scale is negative, a quaternion has no direction.
    """
    arrays = {"positions": means, "rotations": quats, "scales": scales, "opacities": opacities, "colours": sh}
    with np.errstate(over="ignore", invalid="ignore"):
        found = {name: np.array(array, np.float32, order="C") for name, array in arrays.items()}
    for name, array in found.items():
        usable = (np.abs(array) <= LARGEST).reshape(len(array), -1).all(axis=1)
        if name == "scales":
            usable &= (array >= 0).all(axis=1)
        if name == "rotations":
            usable &= np.linalg.norm(array.astype(np.float64), axis=1) > 1e-6
        if not usable.all():
            raise DGTalkerError(
                f"{int((~usable).sum()):,} of {len(array):,} Gaussians have {name} that are no usable numbers; "
                f"the first is number {int(np.argmin(usable)):,}.",
                BROKEN,
            )
    return Gaussians(
        means=torch.from_numpy(found["positions"]),
        quats=torch.from_numpy(found["rotations"] / np.linalg.norm(found["rotations"], axis=1, keepdims=True)),
        scales=torch.from_numpy(np.maximum(found["scales"], np.float32(MIN_SCALE))),
        opacities=torch.from_numpy(np.clip(found["opacities"], 0, 1)),
        sh=torch.from_numpy(found["colours"]),
    )
