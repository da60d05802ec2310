"""The process of a job that Blender started."""

from __future__ import annotations

import argparse
import os
import sys
from typing import NoReturn

import numpy as np

from ..rendering.formats import png
from ..systems import TRAINERS
from ..training.jobs import run_job
from ..wire import provenance


def job(options: argparse.Namespace) -> NoReturn:
    code = run_job(options.folder, TRAINERS, png_of, lock=options.lock)
    # Everything is on the disk. Python would take torch apart for more than a second, in which the job seems to run.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def png_of(picture: np.ndarray) -> bytes:
    """A PNG file of a picture (H, W, 3), sRGB from 0 to 1."""
    pixels = np.full((*picture.shape[:2], 4), 255, np.uint8)
    pixels[..., :3] = np.rint(np.clip(picture, 0, 1) * 255)
    return png.encode(pixels, provenance.xmp([]))
