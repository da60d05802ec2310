"""Of which prior a training began: its checkpoint holds what was learned beside it, and fits no other."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from ...errors import DGTalkerError
from .generator import Generator


class Origin:
    """A part of a checkpoint, `training.checkpoints.Stateful`, that refuses one which began with another prior.

    Args:
        prior: that the training begins with.
    """

    def __init__(self, prior: Generator) -> None:
        digest = hashlib.sha256(json.dumps(prior.config.to_json(), sort_keys=True).encode())
        for name, tensor in sorted(prior.state_dict().items()):
            digest.update(name.encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().data)
        self._digest = digest.hexdigest()

    def state_dict(self) -> dict[str, Any]:
        return {"digest": self._digest}

    def load_state_dict(self, state_dict: dict[str, Any], /) -> None:
        """Raises DGTalkerError: it is of another prior."""
        if state_dict["digest"] != self._digest:
            raise DGTalkerError(
                "This person's training began with another prior.",
                "Resume it with the prior that it began with, or train in another folder, from the beginning.",
            )
