"""What a job of Head Animation needs of Blender's render engine."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import bpy

from dgtalker_engine.wire import Shot

from .. import camera


class Renderer(Protocol):
    """A `bpy.types.RenderEngine` that renders one view layer after another."""

    @property
    def resolution_x(self) -> int: ...
    @property
    def resolution_y(self) -> int: ...
    @property
    def camera_override(self) -> bpy.types.Object | None: ...
    def views(self, settings: bpy.types.RenderSettings) -> Iterator[str]: ...
    def eye(self, seen_by: bpy.types.Object) -> camera.Eye: ...
    def frame_set(self, frame: int, subframe: float) -> None: ...
    def read(
        self,
        depsgraph: bpy.types.Depsgraph,
        seen_by: bpy.types.Object,
        size: tuple[int, int],
        region: tuple[int, int, int, int] | None,
        eye: camera.Eye | None,
        with_passes: bool,
    ) -> tuple[Shot, list[str]]: ...
    def test_break(self) -> bool: ...
    def update_progress(self, progress: float) -> None: ...
    def update_stats(self, stats: str, info: str) -> None: ...
    def report(self, type: set[Any], message: str) -> None: ...
    def show(self, seen: Shot, layer: str, view: str) -> None: ...
