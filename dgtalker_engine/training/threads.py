"""How torch and the kernels share the processors."""

from __future__ import annotations

from ..gaussians.torch_threads import one_torch_thread

__all__ = ["one_torch_thread"]
