"""Files of splats for Blender: a cloud as an avatar that nothing moves, and the heads of a frame as a cloud."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..errors import DGTalkerError
from ..wire import ShotFrame
from .session import Progress


def made_avatar(header: dict[str, Any], progress: Progress) -> tuple[bytes, list[str]]:
    """The bytes of a .dgt file of what the splats' file at `path` holds, and sentences for the user.

    Raises:
        DGTalkerError: the file cannot be read, or an option is impossible.
    """
    from .. import avatar
    from ..avatar import splats
    from ..avatar.splats.still import still_avatar

    path = Path(str(header.get("path", "")))
    progress(0.0, f"Reading {path.name}")
    found = splats.read(path, *_axes(header))
    progress(0.4, f"Drawing a hull around {len(found.cloud):,} Gaussians")
    made = still_avatar(found.cloud, path.stem)
    progress(0.7, "Packing them")
    return avatar.pack(made), list(found.notes)


def written(header: dict[str, Any], frame: ShotFrame, avatars: Sequence[Any], progress: Progress) -> int:
    """Writes the heads of a frame to the file at `path`, and returns how many Gaussians it has.

    Raises:
        DGTalkerError: the heads cannot be posed, or the file cannot be written.
    """
    from ..avatar import splats
    from ..rendering.world_cloud import world_cloud

    path, name = Path(str(header.get("path", ""))), str(header.get("format", ""))
    splats.format_for(path, name)
    progress(0.0, "Posing")
    cloud = world_cloud(frame, avatars)
    progress(0.3, f"Writing {len(cloud):,} Gaussians")
    splats.write(cloud, path, name, *_axes(header))
    return len(cloud)


def _axes(header: dict[str, Any]) -> tuple[str, str, float]:
    try:
        return str(header.get("forward", "")), str(header.get("up", "")), float(header.get("scale", 1.0))
    except (TypeError, ValueError, OverflowError) as error:
        raise DGTalkerError("The scale of the splats is no number.") from error
