"""Sliders of a person's own: the blendshapes that their clip shows most of, named by what they do."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ....rig import ARKIT_NAMES, head_rig
from ..person import Person
from .blendshapes import Blendshapes
from .naming import movement, names
from .navigate import Navigation

_UPPER, _LOWER = 2, 4
"""How many of each half: each makes the file larger."""
_SEEN = 0.98
"""The share of the training frames whose α are within a slider's range."""
_LEAST = 0.05
"""Of an expression at full strength: what moves a face less is no slider."""
_ELSEWHERE = [index for index, name in enumerate(ARKIT_NAMES) if name.startswith(("eyeBlink", "eyeLook"))]
"""Sliders and joints of their own move lids and eyeballs."""


@torch.no_grad()
def own_controls(person: Person, navigation: Navigation, expressions: Tensor) -> dict[str, np.ndarray]:
    """By name what the face model does at a slider's end (E,); what the person does besides follows from that.

    Args:
        person: whose sliders they are.
        navigation: what moves them; without blendshapes there are no sliders.
        expressions: of the training frames (T, E).
    """
    shapes, face = navigation.blendshapes, person.generator.face_model
    if not isinstance(shapes, Blendshapes) or face is None:
        return {}
    amounts = shapes.tracked(expressions).abs().quantile(_SEEN, dim=0)
    ends = amounts[:, None] * shapes.basis
    ends[:, _ELSEWHERE] = 0
    sizes = ends.norm(dim=1)
    upper = range(shapes.sizes[0]) if shapes.apart else range(0)
    halves = (list(upper), _UPPER), ([k for k in range(len(ends)) if k not in upper], _LOWER)
    chosen = [k for half, most in halves for k in sorted(half, key=lambda k: -float(sizes[k]))[:most]]
    chosen = [k for k in chosen if float(sizes[k]) > _LEAST]
    rest = navigation.tracked(person, torch.zeros_like(expressions[:1])).cloud(0)
    identity = person.generator.face(person.canonical)[0][0]
    found = []
    for k in chosen:
        moved = navigation.tracked(person, ends[k : k + 1]).cloud(0)
        found.append(movement(rest, moved, face, identity))
    return dict(zip(names(found, head_rig().names), ends[chosen].numpy(), strict=True))
