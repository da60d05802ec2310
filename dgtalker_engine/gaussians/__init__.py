"""Clouds of Gaussians, cameras, and the renderer: `render(gaussians, camera) -> Image`, and the same of many frames."""

from __future__ import annotations

from .camera import Camera
from .cloud import Gaussians
from .image import Image
from .rendering import render, render_many, render_scene_linear
from .warm import warm_up

__all__ = ["Camera", "Gaussians", "Image", "render", "render_many", "render_scene_linear", "warm_up"]
