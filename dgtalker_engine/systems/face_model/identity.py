"""The components of identity, learned from the source's distribution of heads."""

from __future__ import annotations

import numpy as np


def principal_components(modes: np.ndarray, weights: np.ndarray, components: int) -> np.ndarray:
    """Principal components of heads that are mixtures of modes, each weighed by a standard normal number.

    The covariance of such heads is known, so these are the components of infinitely many samples.

    Args:
        modes: the source's own components, per standard deviation (K, V, 3).
        weights: how much a vertex counts, such as the surface that belongs to it (V,).
        components: how many to return, at most K.

    Returns:
        Each as far as one standard deviation reaches, the strongest first (components, V, 3).
    """
    flat = modes.reshape(len(modes), -1)
    scaled = flat * np.repeat(np.sqrt(weights / weights.sum()), 3)
    _, mixtures = np.linalg.eigh(scaled @ scaled.T)
    mixtures = mixtures[:, ::-1][:, :components]
    # The sign is free; the largest share of a mode is positive, so that the result is the same on any machine.
    largest = np.abs(mixtures).argmax(axis=0)
    mixtures = mixtures * np.sign(mixtures[largest, np.arange(mixtures.shape[1])])
    return (mixtures.T @ flat).reshape(-1, *modes.shape[1:])
