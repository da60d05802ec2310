"""With what a training began: its checkpoint holds what was learned beside it, and fits nothing else."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from torch import nn

from ...errors import DGTalkerError
from .config import GeneratorConfig


class Origin:
    """A part of a checkpoint, `training.checkpoints.Stateful`, that refuses one which began with something else.

    Args:
        name: what the training begins with, as messages call it: prior or person.
        start: its parameters, as they are now.
        config: of the generator in it.
    """

    def __init__(self, name: str, start: nn.Module, config: GeneratorConfig) -> None:
        digest = hashlib.sha256(json.dumps(config.to_json(), sort_keys=True).encode())
        for key, tensor in sorted(start.state_dict().items()):
            digest.update(key.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().data)
        self._name, self._digest = name, digest.hexdigest()

    def state_dict(self) -> dict[str, Any]:
        return {"digest": self._digest}

    def load_state_dict(self, state_dict: dict[str, Any], /) -> None:
        """Raises DGTalkerError: it is of another one."""
        if state_dict["digest"] != self._digest:
            raise DGTalkerError(
                f"This training began with another {self._name}.",
                f"Resume it with the {self._name} that it began with, or train in another folder, from the beginning.",
            )
