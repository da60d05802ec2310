"""Clouds of Gaussians, cameras, and the renderer: `render(gaussians, camera) -> Image`."""

from __future__ import annotations

from .camera import Camera
from .cloud import Gaussians
from .image import Image
from .rendering import render
from .warm import is_warm, warm_up

__all__ = ["Camera", "Gaussians", "Image", "is_warm", "render", "warm_up"]
