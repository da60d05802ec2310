"""Picture files of a clip: JPEG without loss that one sees, PNG for mattes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DGTalkerError
from ..files import read_file
from . import packages

JPEG_QUALITY = 97

_LARGEST = 256 << 20


def encode_jpeg(picture: np.ndarray, quality: int = JPEG_QUALITY) -> bytes:
    """A JPEG file of a picture uint8 (H, W, 3) sRGB, its colours as fine as its light (4:4:4)."""
    cv2 = packages.load("cv2")
    options = [cv2.IMWRITE_JPEG_QUALITY, quality]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return cv2.imencode(".jpg", picture[..., ::-1], options)[1].tobytes()


def encode_png(picture: np.ndarray) -> bytes:
    """A PNG file of a grey picture uint8 (H, W)."""
    cv2 = packages.load("cv2")
    return cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()


def read_rgb(path: Path) -> np.ndarray:
    """A picture file: uint8 (H, W, 3) sRGB.

    Raises:
        DGTalkerError: it is missing or damaged.
    """
    return np.ascontiguousarray(_read(path, packages.load("cv2").IMREAD_COLOR)[..., ::-1])


def read_grey(path: Path) -> np.ndarray:
    """A grey picture file: uint8 (H, W).

    Raises:
        DGTalkerError: it is missing or damaged.
    """
    return _read(path, packages.load("cv2").IMREAD_GRAYSCALE)


def resize(picture: np.ndarray, side: int) -> np.ndarray:
    """A picture (H, W, …) at `side` × `side` pixels: areas averaged where it gets smaller, cubic where larger."""
    cv2 = packages.load("cv2")
    if picture.shape[:2] == (side, side):
        return np.ascontiguousarray(picture)
    way = cv2.INTER_AREA if picture.shape[0] >= side else cv2.INTER_CUBIC
    return cv2.resize(np.ascontiguousarray(picture), (side, side), interpolation=way)


def _read(path: Path, mode: int) -> Any:
    cv2 = packages.load("cv2")
    data = np.frombuffer(read_file(path, _LARGEST, "The picture", "Capture the video again."), np.uint8)
    picture = cv2.imdecode(data, mode) if len(data) else None
    if picture is None:
        raise DGTalkerError(f"{path} is damaged.", "Capture the video again.")
    return picture
