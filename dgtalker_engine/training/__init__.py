"""What every learned thing shares: its configuration, the loop, checkpoints, losses, metrics and jobs.

Nothing that answers a user imports this package; docs/training.md says how a learned thing uses it.
"""

from __future__ import annotations

# Before torch is loaded.
from .threads import one_torch_thread  # isort: split

from .config import Config, setting
from .loop import Interrupted, Progress, Run, run_loop
from .order import Order
from .randomness import seed_all
from .stages import Stages

__all__ = [
    "Config",
    "Interrupted",
    "Order",
    "Progress",
    "Run",
    "Stages",
    "one_torch_thread",
    "run_loop",
    "seed_all",
    "setting",
]
