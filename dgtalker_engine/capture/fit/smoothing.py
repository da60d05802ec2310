"""Frames that follow one another: normal equations with differences between neighbours, solved at once."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.linalg import solveh_banded


def cut(hessian: np.ndarray, fixed: np.ndarray) -> np.ndarray:
    """Blocks (T, n, n) without the rows and columns of fixed variables, which become those of the identity."""
    free = ~fixed
    blocks = hessian * (free[:, :, None] & free[:, None, :])
    np.einsum("tii->ti", blocks)[fixed] = 1
    return blocks


class Smoothness(NamedTuple):
    """Normal equations of differences between neighbours, T frames of n variables.

    Attributes:
        gradient, diagonal: (T, n).
        one, two: between a frame and the one, and the two, before it (T, n).
    """

    gradient: np.ndarray
    diagonal: np.ndarray
    one: np.ndarray
    two: np.ndarray


def smoothness(values: np.ndarray, first: np.ndarray, second: np.ndarray, known: int) -> Smoothness:
    """Of frames whose first and second differences are held small, after some that are known.

    Args:
        values: of the known frames and the others (known + T, n), in coordinates in which steps add.
        first, second: weights of the differences (known + T − 1, n) and (known + T − 2, n).
    """
    total, n = values.shape
    gradient, diagonal, one, two = np.zeros((4, total, n))
    if total > 1:
        change = first * np.diff(values, axis=0)
        gradient[1:] += change
        gradient[:-1] -= change
        diagonal[1:] += first
        diagonal[:-1] += first
        one[1:] -= first
    if total > 2:
        bend = second * np.diff(values, 2, axis=0)
        for shift, factor in enumerate((1, -2, 1)):
            gradient[shift : total - 2 + shift] += factor * bend
            diagonal[shift : total - 2 + shift] += factor**2 * second
        one[1:-1] -= 2 * second
        one[2:] -= 2 * second
        two[2:] += second
    return Smoothness(gradient[known:], diagonal[known:], one[known:], two[known:])


def solve_smooth(
    hessian: np.ndarray, gradient: np.ndarray, smooth: Smoothness, fixed: np.ndarray, values: np.ndarray
) -> np.ndarray:
    """The step (T, n) of frames, some of it fixed to values."""
    count, n = gradient.shape
    given = np.where(fixed, values, 0)
    gradient = gradient + smooth.gradient + np.einsum("tij,tj->ti", hessian, given) + smooth.diagonal * given
    blocks = hessian.copy()
    np.einsum("tii->ti", blocks)[:] += smooth.diagonal
    blocks, free = cut(blocks, fixed), ~fixed
    bands = np.zeros((2 * n + 1, count * n))
    for offset in range(n):  # within a frame
        bands[offset].reshape(count, n)[:, : n - offset] = np.einsum("tii->ti", blocks[:, offset:, : n - offset])
    for offset, coupling in ((1, smooth.one), (2, smooth.two)):
        if count > offset:
            link = coupling[offset:]
            gradient[offset:] += link * given[:-offset]
            gradient[:-offset] += link * given[offset:]
            bands[offset * n].reshape(count, n)[:-offset] = link * (free[offset:] & free[:-offset])
    gradient[fixed] = -values[fixed]
    return -solveh_banded(bands, gradient.ravel(), overwrite_ab=True, lower=True, check_finite=False).reshape(count, n)
