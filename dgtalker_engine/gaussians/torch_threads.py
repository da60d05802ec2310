"""How torch and the kernels share the processors."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

# OpenMP reads it once, as torch is loaded: idle threads then sleep, where they would spin and take the kernels' time.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import torch


@contextlib.contextmanager
def one_torch_thread() -> Iterator[None]:
    """For steps that render: the kernels bring their own threads, and torch's small operations gain nothing from more.

    A model that torch alone computes is quicker without.
    """
    usual = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(usual)
