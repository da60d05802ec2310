"""How handles look: quiet dots with a rim that is seen on light and on dark skin, and the name of the one in hand."""

from __future__ import annotations

from typing import Any

import blf
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from .handles import Handle
from .view import Seen

_INSIDE = (1.0, 1.0, 1.0, 0.75)
_RIM = (0.03, 0.03, 0.03, 0.7)
_IN_HAND = (1.0, 0.72, 0.2, 1.0)
_DIM = 0.35
"""Of the others, while one is dragged."""
_HOLLOW = 0.15
"""Of the inside of handles on eyes, which shall be seen."""
_TEXT = (1.0, 1.0, 1.0, 1.0)
_RIM_WIDTH = 1.2
_CORNERS = 14
_TURNS = np.linspace(0.0, 2 * np.pi, _CORNERS, endpoint=False)
_CIRCLE = np.stack([np.cos(_TURNS), np.sin(_TURNS)], axis=1)
_RINGS = 5
"""Of corners around a dot: the inside's end and the rim's beginning, end and fading."""


_batch: tuple[Seen, Handle | None, bool, gpu.types.GPUBatch] | None = None
"""Of what was drawn last: mostly it is drawn again."""


def draw(seen: Seen, hovered: Handle | None, lines: tuple[str, ...] | None) -> None:
    """Draws into the region, in pixels.

    Args:
        seen: the handles.
        hovered: the one at the pointer, or that is dragged.
        lines: what a drag says below its name; None where none goes on.
    """
    global _batch
    if not seen.handles:
        return
    radius = float(np.clip(seen.extent / 90, 2.8, 4.2)) * seen.scale
    shader = gpu.shader.from_builtin("SMOOTH_COLOR")
    wanted = (seen, hovered, lines is not None)
    if _batch is None or _batch[0] is not seen or _batch[1:3] != wanted[1:]:
        _batch = (*wanted, _dots(seen, radius, hovered, shader, dimmed=lines is not None))
    gpu.state.blend_set("ALPHA")
    _batch[3].draw(shader)
    gpu.state.blend_set("NONE")
    if hovered is not None and hovered in seen.handles:
        place = seen.pixels[seen.handles.index(hovered)]
        _text(float(place[0]) + 2 * radius, float(place[1]) + radius, (hovered.label, *(lines or ())), seen.scale)


def forget() -> None:
    """Nothing is left for the graphics card to hold."""
    global _batch
    _batch = None


def _size(handle: Handle, in_hand: bool) -> float:
    return (1.0 if handle.place == "skin" else 1.4) * (1.4 if in_hand else 1.0)


def _inside(handle: Handle, hovered: Handle | None) -> tuple[float, ...]:
    if handle is hovered:
        return _IN_HAND
    return (*_INSIDE[:3], _INSIDE[3] * (_HOLLOW if handle.place == "eye" else 1.0))


def _dots(
    seen: Seen, radius: float, hovered: Handle | None, shader: gpu.types.GPUShader, *, dimmed: bool
) -> gpu.types.GPUBatch:
    """All dots at once: each an inside, a rim, and a pixel over which that fades."""
    count = len(seen.handles)
    radii = np.array([radius * _size(handle, handle is hovered) for handle in seen.handles])
    inside = np.array([_inside(handle, hovered) for handle in seen.handles])
    rim = np.tile(_RIM, (count, 1))
    if dimmed:
        others = np.array([handle is not hovered for handle in seen.handles])
        inside[others, 3] *= _DIM
        rim[others, 3] *= _DIM
    end = radii + _RIM_WIDTH * seen.scale
    rings = np.stack([0 * radii, radii, radii + 0.7, end, end + 1.0], axis=1)
    corners = np.zeros((count, _RINGS, _CORNERS, 3), np.float32)
    corners[..., :2] = seen.pixels[:, None, None] + rings[:, :, None, None] * _CIRCLE
    colours = np.empty((count, _RINGS, _CORNERS, 4), np.float32)
    for ring, colour in enumerate((inside, inside, rim, rim, rim * (1.0, 1.0, 1.0, 0.0))):
        colours[:, ring] = colour[:, None]
    first = np.arange(count, dtype=np.int32)[:, None, None] * (_RINGS * _CORNERS)
    content: Any = {"pos": corners.reshape(-1, 3), "color": colours.reshape(-1, 4)}
    triangles: Any = (first + _TRIANGLES).reshape(-1, 3)
    return batch_for_shader(shader, "TRIS", content, indices=triangles)


def _ring_triangles() -> np.ndarray:
    """Corners of the triangles between the rings of one dot, (T, 3)."""
    here = np.arange(_CORNERS)
    after = (here + 1) % _CORNERS
    triangles = []
    for ring in range(_RINGS - 1):
        inner, outer = ring * _CORNERS, (ring + 1) * _CORNERS
        triangles += [np.stack([inner + here, outer + here, outer + after], axis=1)]
        triangles += [np.stack([inner + here, outer + after, inner + after], axis=1)]
    return np.concatenate(triangles).astype(np.int32)


_TRIANGLES = _ring_triangles()


def _text(x: float, y: float, lines: tuple[str, ...], scale: float) -> None:
    font, step = 0, 16.0 * scale
    blf.size(font, 12.0 * scale)
    blf.enable(font, blf.SHADOW)
    blf.shadow(font, 5, 0.0, 0.0, 0.0, 0.9)
    blf.color(font, *_TEXT)
    for number, line in enumerate(lines):
        blf.position(font, round(x + 4 * scale), round(y - number * step), 0.0)
        blf.draw(font, line)
    blf.disable(font, blf.SHADOW)
