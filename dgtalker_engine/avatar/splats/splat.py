"""The .splat file of antimatter15's viewer: 32 bytes for each Gaussian and nothing else.

Position and scales (each 3 float32, the scales as they are), the colour of degree 0 with the opacity (4 bytes RGBA),
and a quaternion wxyz, each number q as the byte 128 q + 128.
"""

from __future__ import annotations

import numpy as np

from ...errors import DGTalkerError
from ...gaussians.constants import SH_C0
from . import numbers
from .found import Splats

RECORD = np.dtype([("means", "<f4", 3), ("scales", "<f4", 3), ("rgba", "u1", 4), ("quats", "u1", 4)])


def matches(data: bytes) -> bool:
    """Whether it may be one; any bytes of the right number are."""
    return len(data) > 0 and len(data) % RECORD.itemsize == 0


def parse(data: bytes) -> Splats:
    """The Gaussians of a .splat file.

    Raises:
        DGTalkerError: it is damaged.
    """
    if not matches(data):
        raise DGTalkerError(f"A .splat file holds {RECORD.itemsize} bytes a Gaussian; this one ends within one.")
    count = numbers.limited(len(data) // RECORD.itemsize)
    rows = np.frombuffer(data, RECORD, count)
    rgba = rows["rgba"].astype(np.float32) / 255
    cloud = numbers.checked(
        means=rows["means"],
        quats=rows["quats"].astype(np.float32) / 128 - 1,
        scales=rows["scales"],
        opacities=rgba[:, 3],
        sh=((rgba[:, :3] - 0.5) / SH_C0)[:, None],
    )
    return Splats(cloud)
