"""In which order a training sees its samples."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


class Order:
    """All samples once, shuffled, then all again in another order, and so on.

    The order follows from the seed and the step alone, so a resumed training needs nothing else to go on in it.

    Args:
        count: of samples.
        seed: the same one gives the same order.
    """

    def __init__(self, count: int, seed: int) -> None:
        self.count = count
        self._pass = lru_cache(maxsize=2)(lambda number: np.random.default_rng((seed, number)).permutation(count))

    def at(self, step: int, batch: int = 1) -> list[int]:
        """The `batch` samples that step `step` sees, counted from 0."""
        places = range(step * batch, (step + 1) * batch)
        return [int(self._pass(place // self.count)[place % self.count]) for place in places]
