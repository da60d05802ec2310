"""What an open mouth shows: teeth, gums, tongue and the dark behind them."""

from __future__ import annotations

import numpy as np

from .surfels import Part, Surfels, make, smooth

ENAMEL = np.array([0.97, 0.95, 0.90])
GUM = np.array([0.80, 0.45, 0.44])
MOUTH_SHADE = np.array([0.36, 0.46, 0.50])  # what the cheeks take of the light on the back teeth: warm, not grey
ARCH_FRONT = -89.5
BACK_DROP = 0.35  # of the way back: where the jaw opens, it lifts the lower back teeth towards the tongue
ARCH_WIDTH = 28.0
WIDTHS_UPPER = (8.6, 6.8, 7.6, 7.0, 7.0, 8.5)  # from the middle to one side
WIDTHS_LOWER = (5.6, 6.0, 6.8, 7.0, 7.0, 8.5)


def _arch(length: np.ndarray, inset: float) -> tuple[np.ndarray, np.ndarray]:
    """Place (N, 3 with z = 0) and outward normal at an arc length from the middle of a dental arch."""
    angle = np.linspace(-1.5, 1.5, 400)
    x = (ARCH_WIDTH - inset) * np.sin(angle)
    y = ARCH_FRONT + inset + 34 * (1 - np.cos(angle))
    run = np.concatenate([[0], np.cumsum(np.hypot(np.diff(x), np.diff(y)))])
    run -= run[200] * 0.5 + run[199] * 0.5
    place = np.stack([np.interp(length, run, x), np.interp(length, run, y), 0 * length], axis=1)
    dx, dy = np.gradient(x, run), np.gradient(y, run)
    normal = np.stack([np.interp(length, run, dy), -np.interp(length, run, dx), 0 * length], axis=1)
    return place, normal


def _teeth_grid(upper: bool, step: float, rise_step: float) -> tuple[np.ndarray, np.ndarray]:
    widths, tall = (WIDTHS_UPPER, 9.6) if upper else (WIDTHS_LOWER, 8.4)
    return np.arange(0.35, sum(widths), step), np.arange(-2.4, tall + 4, rise_step)


def teeth_shape(upper: bool, step: float, rise_step: float) -> tuple[int, int]:
    """Rows and columns of `teeth`."""
    length, rise = _teeth_grid(upper, step, rise_step)
    return len(rise), len(length)


def teeth(upper: bool, step: float = 0.7, rise_step: float = 0.7) -> Surfels:
    """The left half of a row of teeth with its gum, (rises, lengths)."""
    widths = WIDTHS_UPPER if upper else WIDTHS_LOWER
    inset = 0.0 if upper else 2.4
    edges = np.concatenate([[0], np.cumsum(widths)])
    tall = 9.6 if upper else 8.4
    edge_z = -66.2 if upper else -65.4
    sign = 1 if upper else -1
    length, rise = (grid.ravel() for grid in np.meshgrid(*_teeth_grid(upper, step, rise_step)))
    tooth = np.searchsorted(edges, length) - 1
    across = (length - edges[tooth]) / np.diff(edges)[tooth] * 2 - 1
    round_ = 1 - np.abs(across) ** 4
    place, normal = _arch(length, inset)
    # a negative rise is the biting edge, folded backwards
    crown = np.clip(rise, 0, tall)
    corner = 0.45 * np.abs(across) ** 6
    bulge = 0.9 * round_ - 0.9 + 0.5 * np.sin(np.clip(crown / tall, 0, 1) * np.pi)
    bulge = np.where(rise > tall, -0.2 + 0.9 * np.sin(np.clip((rise - tall) / 4, 0, 1) * np.pi), bulge)
    back = np.maximum(-rise, 0)
    tilt = np.where(rise < 0, 1.0, 0.0)
    position = place + normal * (bulge - back)[:, None]
    position[:, 2] = edge_z + sign * (np.maximum(rise, 0) + np.where(rise < 3, corner, 0))
    if not upper:
        position[:, 2] -= BACK_DROP * np.maximum(place[:, 1] - ARCH_FRONT - 6, 0)
    facing = normal * (1 - tilt)[:, None] + np.array([0, 0, -sign]) * tilt[:, None]
    gum = smooth(tall - 0.9 - 0.8 * np.abs(across) ** 2, tall + 0.1, rise + 0.9 * np.abs(across) ** 3)[:, None]
    shade = 0.89 + 0.08 * round_
    shade = shade * np.where(rise < 0, 0.82, 1.0)
    colour = (ENAMEL * (1 - gum) + GUM * gum) * shade[:, None]
    colour = colour * (1 - MOUTH_SHADE * smooth(8, 28, np.abs(place[:, 0]))[:, None])
    colour = colour * (1 - 0.1 * smooth(tall * 0.5, tall, rise)[:, None])
    if not upper:
        colour = colour * 0.86
    part = Part.UPPER_TEETH if upper else Part.LOWER_TEETH
    return make(position, facing, 0.52, part, colour=colour)


def tongue() -> Surfels:
    """A soft ellipsoid, lying behind the lower teeth."""
    ball = _fibonacci(1300)
    return _tongue(ball[(ball[:, 0] > 0.01) & (ball[:, 2] > -0.75)]).both_sides()


def tongue_grid(rows: int, columns: int) -> Surfels:
    """The tongue's surface as a grid (rows, columns), closed along the columns."""
    down, turn = np.meshgrid(
        np.linspace(0.02, np.pi - 0.02, rows), np.arange(columns) * 2 * np.pi / columns, indexing="ij"
    )
    ball = np.stack([np.sin(down) * np.sin(turn), -np.cos(down), np.sin(down) * np.cos(turn)], axis=-1)
    return _tongue(ball.reshape(-1, 3))


def _tongue(ball: np.ndarray) -> Surfels:
    radii = np.array([16.0, 29.0, 6.5])
    position = np.array([0, -57.0, -69.5]) + ball * radii
    tip = smooth(-45, -84, position[:, 1])[:, None]
    colour = np.array([0.52, 0.24, 0.25]) * (1 - tip) + np.array([0.84, 0.47, 0.46]) * tip
    groove = np.exp(-((position[:, 0] / 2.5) ** 2)) * (ball[:, 2] > 0)
    colour = colour * ((0.82 + 0.18 * smooth(-0.2, 0.8, ball[:, 2])) * (1 - 0.14 * groove))[:, None]
    return make(position, ball / radii, 1.5, Part.TONGUE, colour=colour)


def _fibonacci(count: int) -> np.ndarray:
    """Evenly spread points (count, 3) on the unit sphere."""
    i = np.arange(count) + 0.5
    z = 1 - 2 * i / count
    angle = np.pi * (1 + 5**0.5) * i
    ring = np.sqrt(1 - z * z)
    return np.stack([ring * np.cos(angle), ring * np.sin(angle), z], axis=1)


def cavity() -> Surfels:
    """The dark bag behind the teeth, open to the front."""
    ball = _fibonacci(1700)
    return _cavity(ball[(ball[:, 0] > 0) & (ball[:, 1] > -0.62)]).both_sides()


def cavity_grid(rows: int, columns: int) -> Surfels:
    """The cavity's surface as a grid (rows, columns), closed along the columns, open to the front."""
    down, turn = np.meshgrid(
        np.linspace(0.9, np.pi - 0.02, rows), np.arange(columns) * 2 * np.pi / columns, indexing="ij"
    )
    ball = np.stack([np.sin(down) * np.sin(turn), -np.cos(down), np.sin(down) * np.cos(turn)], axis=-1)
    return _cavity(ball.reshape(-1, 3))


def _cavity(ball: np.ndarray) -> Surfels:
    position = np.array([0, -54.0, -64.0]) + ball * [33.0, 33.0, 22.0]
    depth = smooth(-84, -40, position[:, 1])[:, None]
    colour = np.array([0.40, 0.15, 0.15]) * (1 - depth) + np.array([0.10, 0.03, 0.035]) * depth
    return make(position, -ball, 2.0, Part.CAVITY, colour=colour)
