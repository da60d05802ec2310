"""Whether there is room for what Blender is about to write."""

from __future__ import annotations

import shutil
from pathlib import Path

import bpy

from dgtalker_engine.errors import DGTalkerError

BYTES_PER_PIXEL = 4


def target(settings: bpy.types.RenderSettings, frame: int) -> Path | None:
    """Where Blender would write a frame; None where it cannot tell, which it says itself when it comes to writing."""
    try:
        return Path(settings.frame_path(frame=frame))
    except RuntimeError:  # a template in the path has a mistake, and F12 alone writes nothing
        return None


def check_room(path: Path, width: int, height: int) -> None:
    """Refuse a frame for which the disk has no room: Blender says "Saved" of a file that was cut off.

    Args:
        path: of the frame.
        width, height: pixels.

    Raises:
        DGTalkerError: the disk is full.
    """
    folder = next((parent for parent in path.absolute().parents if parent.is_dir()), None)
    if folder is None:
        return
    usage = shutil.disk_usage(folder)
    # Some network disks answer that they have no size at all.
    if usage.total and usage.free < width * height * BYTES_PER_PIXEL:
        raise DGTalkerError(
            f"The disk of {folder} is full: {usage.free / 1e6:.1f} MB are left.",
            "Make room, or choose another folder in the output properties.",
        )
