"""What a training step sees: people, expressions, cameras."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....gaussians import Camera
from ....speech.visemes import TARGETS, arkit_matrix

_MIDDLE = np.array([0.0, 0.0, -0.035])
"""Metres: what cameras look at, between chin and crown."""
_HEIGHT = 0.33
"""Metres around it that fill a picture."""
_PHONES = np.stack(list(TARGETS.values()))


def draw_expression(names: Sequence[str], random: np.random.Generator) -> np.ndarray:
    """Weights of ARKit's blendshapes, float32 (E,): mostly speech with a mood, at times anything.

    A tenth are at rest. Speech mixes the targets of two phones, as a mouth between them does.
    """
    weights = np.zeros(len(names))
    kind = random.random()
    if kind < 0.1:
        return weights.astype(np.float32)
    if kind < 0.7:
        first, second = _PHONES[random.integers(len(_PHONES), size=2)]
        share = random.random()
        target = (share * first + (1 - share) * second) * random.uniform(0.4, 1.6)
        weights += target @ arkit_matrix(names)
    wanted = random.random(len(names)) < (0.10 if kind < 0.7 else 0.22)
    amounts = wanted * random.beta(1.1, 1.6, len(names))
    # Both sides of a face mostly do the same.
    for index, name in enumerate(names):
        if name.endswith("Right") and f"{name[:-5]}Left" in names and random.random() < 0.8:
            amounts[index] = amounts[names.index(f"{name[:-5]}Left")]
    weights = np.maximum(weights, amounts)
    for side in ("Left", "Right"):
        _not_both(weights, names, f"mouthSmile{side}", f"mouthFrown{side}", random)
        _not_both(weights, names, f"browDown{side}", f"browOuterUp{side}", random)
        _not_both(weights, names, f"eyeBlink{side}", f"eyeWide{side}", random)
        _not_both(weights, names, f"eyeLookUp{side}", f"eyeLookDown{side}", random)
        _not_both(weights, names, f"eyeLookIn{side}", f"eyeLookOut{side}", random)
    _not_both(weights, names, "mouthLeft", "mouthRight", random)
    _not_both(weights, names, "jawLeft", "jawRight", random)
    if random.random() < 0.15:
        for side in ("Left", "Right"):
            weights[names.index(f"eyeBlink{side}")] = random.random() ** 0.4
    closed = weights[names.index("jawOpen")]
    weights[names.index("mouthClose")] = min(weights[names.index("mouthClose")], closed)
    weights[names.index("tongueOut")] *= random.random() < 0.3
    return np.clip(weights, 0, 1).astype(np.float32)


def _not_both(weights: np.ndarray, names: Sequence[str], first: str, second: str, random: np.random.Generator) -> None:
    """Of two that pull against each other one is kept."""
    lost = first if random.random() < 0.5 else second
    if min(weights[names.index(first)], weights[names.index(second)]) > 0:
        weights[names.index(lost)] = 0


def view(
    side: int, yaw: float, pitch: float = 0.0, roll: float = 0.0, *, zoom: float = 1.0, distance: float = 0.9
) -> Camera:
    """A camera that looks at a head from a direction.

    Args:
        side: of the square picture, pixels.
        yaw: degrees, how far the head is turned to its left.
        pitch: degrees, how far up.
        roll: degrees.
        zoom: 1: head and neck fill the picture.
        distance: metres.
    """
    a, b, c = np.radians([yaw, pitch, roll])
    turn = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    nod = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    lean = np.array([[np.cos(c), 0, np.sin(c)], [0, 1, 0], [-np.sin(c), 0, np.cos(c)]])
    looking = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]) @ lean @ nod @ turn
    world_to_camera = np.eye(4)
    world_to_camera[:3, :3] = looking
    world_to_camera[:3, 3] = -looking @ _MIDDLE + [0, 0, distance]
    focal = zoom * side * distance / _HEIGHT
    K = np.array([[focal, 0, side / 2], [0, focal, side / 2], [0, 0, 1]])
    return Camera(K=K, world_to_camera=world_to_camera, width=side, height=side)


def draw_view(side: int, yaw: float, random: np.random.Generator) -> Camera:
    """A camera around the front, ± `yaw` degrees."""
    return view(
        side,
        yaw * (2 * random.beta(1.6, 1.6) - 1),
        float(np.clip(random.normal(0, 10), -25, 25)),
        float(random.normal(0, 5)),
        zoom=float(random.uniform(0.85, 1.6)),
        distance=float(random.uniform(0.6, 1.4)),
    )
