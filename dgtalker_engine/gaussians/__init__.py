"""Clouds of Gaussians, cameras, and the renderer: `render(gaussians, camera) -> Image`, and the same of many frames."""

from __future__ import annotations

from .camera import Camera
from .cloud import Gaussians
from .image import Image
from .rendering import render, render_many, render_scene_linear
from .warm import is_warm, warm_up

__all__ = ["Camera", "Gaussians", "Image", "is_warm", "render", "render_many", "render_scene_linear", "warm_up"]
