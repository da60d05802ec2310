"""Spares tiny trainings what torch.optim loads for torch.compile, which nobody uses here: three seconds of a processor,
in which most of these jobs would be over.
"""

from __future__ import annotations

import sys
import types


def spare() -> None:
    """Before the first optimiser is made."""
    module = types.ModuleType("torch._dynamo")
    module.graph_break = lambda: None
    module.disable = lambda function, *_, **__: function
    sys.modules[module.__name__] = module
