"""Random numbers: seeded once, and kept with a checkpoint."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch


def seed_all(seed: int) -> np.random.Generator:
    """Seeds torch, NumPy and Python, and returns a generator for what the training draws itself."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 (libraries may draw from it)
    random.seed(seed)
    return np.random.default_rng(seed)


def states() -> dict[str, Any]:
    """The states of torch (every device), NumPy and Python."""
    return {
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        "numpy": np.random.get_state(legacy=False),  # noqa: NPY002
        "python": random.getstate(),
    }


def set_states(states: dict[str, Any]) -> None:
    """Goes on where `states` was called; the states of GPUs that are not here are left out."""
    torch.set_rng_state(states["torch"])
    if torch.cuda.is_available():
        torch.cuda.set_rng_state_all(states["cuda"][: torch.cuda.device_count()])
    np.random.set_state(states["numpy"])  # noqa: NPY002
    random.setstate(states["python"])
