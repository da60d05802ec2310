"""Sliders of a person's own: the blendshapes that their clip shows most of, named by what they do."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ....rig import ARKIT_NAMES, head_rig
from ....training.face_rig import OwnControl
from ..person import Person
from .blendshapes import Blendshapes
from .naming import movement, names
from .navigate import Navigation

_UPPER, _LOWER = 2, 4
"""How many of each half: each makes the file larger."""
_SEEN = (0.01, 0.99)
"""Between these quantiles of the training frames' α are a slider's ends."""
_ONE_WAY = 0.1
"""Of the farther end: a nearer one that is no farther is rest itself."""
_LEAST = 0.05
"""Of an expression at full strength: what moves a face less is no slider."""
_ELSEWHERE = [index for index, name in enumerate(ARKIT_NAMES) if name.startswith(("eyeBlink", "eyeLook"))]
"""Sliders and joints of their own move lids and eyeballs."""


@torch.no_grad()
def own_controls(
    person: Person, navigation: Navigation, expressions: Tensor, check: Callable[[], None]
) -> dict[str, OwnControl]:
    """By name; what the person does besides what the face model does at a slider's end follows from that.

    A slider goes as far as frames showed: it turns to where they showed more, and ends at rest where they showed
    nothing of the other way.

    Args:
        person: whose sliders they are.
        navigation: what moves them; without blendshapes there are no sliders.
        expressions: of the training frames (T, E).
        check: raises `Cancelled` to stop; is asked before each picture.
    """
    shapes, face = navigation.blendshapes, person.generator.face_model
    if not isinstance(shapes, Blendshapes) or face is None:
        return {}
    low, high = shapes.tracked(expressions).quantile(torch.tensor(_SEEN), dim=0)
    far = torch.where(low.abs() > high.abs(), low, high)
    near = torch.where(low.abs() > high.abs(), high, low)
    least = torch.where(far != 0, near / far, 0).clamp(-1, 0)
    least[least > -_ONE_WAY] = 0
    ends = far[:, None] * shapes.basis
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
        check()
        moved = navigation.tracked(person, ends[k : k + 1]).cloud(0)
        found.append(movement(rest, moved, face, identity))
    made = [OwnControl(ends[k].numpy(), float(least[k])) for k in chosen]
    return dict(zip(names(found, head_rig().names), made, strict=True))
