"""Compiling every kernel before anyone waits for a picture."""

from __future__ import annotations

from .. import avatar, gaussians
from ..kernels.compilation import is_warm, mark_warm
from . import formats, occlusion, viewport

__all__ = ["is_warm", "warm_up"]


def warm_up() -> None:
    """Compiles what poses, renders, packs and encodes, or loads it where this version was compiled here before."""
    gaussians.warm_up()
    avatar.warm_up()
    formats.warm_up()
    viewport.warm_up()
    occlusion.warm_up()
    mark_warm()
