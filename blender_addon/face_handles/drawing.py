"""How handles look: quiet dots with a rim that is seen on light and on dark skin, and the name of the one in hand."""

from __future__ import annotations

import blf
import gpu
import numpy as np
from gpu_extras.batch import batch_for_shader

from .handles import Handle
from .view import Seen

_INSIDE = (1.0, 1.0, 1.0, 0.8)
_RIM = (0.05, 0.05, 0.05, 0.65)
_IN_HAND = (1.0, 0.75, 0.25, 1.0)
_DIM = 0.3
"""Of the others, while one is dragged."""
_TEXT = (1.0, 1.0, 1.0, 1.0)


def draw(seen: Seen, hovered: Handle | None, lines: tuple[str, ...] | None) -> None:
    """Draws into the region, in pixels.

    Args:
        seen: the handles.
        hovered: the one at the pointer, or that is dragged.
        lines: what a drag says below its name; None where none goes on.
    """
    size = float(np.clip(seen.extent / 40, 6.0, 9.0)) * seen.scale
    rim = 1.5 * seen.scale
    others = [tuple(place) for handle, place in zip(seen.handles, seen.pixels, strict=True) if handle is not hovered]
    fade = 1.0 if lines is None else _DIM
    gpu.state.blend_set("ALPHA")
    gpu.state.program_point_size_set(False)
    _dots(others, size + 2 * rim, _faded(_RIM, fade))
    _dots(others, size, _faded(_INSIDE, fade))
    if hovered is not None and hovered in seen.handles:
        place = tuple(seen.pixels[seen.handles.index(hovered)])
        _dots([place], 1.4 * size + 2 * rim, _RIM)
        _dots([place], 1.4 * size, _IN_HAND)
        _text(place, size, (hovered.label, *(lines or ())), seen.scale)
    gpu.state.point_size_set(1.0)
    gpu.state.blend_set("NONE")


def _dots(places: list[tuple[float, ...]], size: float, colour: tuple[float, ...]) -> None:
    if not places:
        return
    shader = gpu.shader.from_builtin("POINT_UNIFORM_COLOR")
    gpu.state.point_size_set(size)
    shader.uniform_float("color", colour)
    batch_for_shader(shader, "POINTS", {"pos": [(x, y, 0.0) for x, y in places]}).draw(shader)


def _text(place: tuple[float, ...], size: float, lines: tuple[str, ...], scale: float) -> None:
    font, step = 0, 16.0 * scale
    blf.size(font, 12.0 * scale)
    blf.enable(font, blf.SHADOW)
    blf.shadow(font, 5, 0.0, 0.0, 0.0, 0.9)
    blf.color(font, *_TEXT)
    x, y = place[0] + size + 6 * scale, place[1] + size
    for number, line in enumerate(lines):
        blf.position(font, round(x), round(y - number * step), 0.0)
        blf.draw(font, line)
    blf.disable(font, blf.SHADOW)


def _faded(colour: tuple[float, ...], fade: float) -> tuple[float, ...]:
    return (*colour[:3], colour[3] * fade)
