"""Pictures of a head with an expression, which the engine renders: a portrait from its left, without a background."""

from __future__ import annotations

import math
from collections.abc import Generator, Mapping

import bpy
import numpy as np

from dgtalker_engine.wire.moments import ShotCamera, ShotHead
from dgtalker_engine.wire.shot import Shot, ShotFrame

from ..bridge import avatars, engine
from ..head import model
from ..icons import Icons
from ..render.colours import encoded

SIDE = 256
"""Pixels."""
_AZIMUTH = math.radians(14.0)
_FACE = np.array([0.0, -0.05, -0.016])
"""Metres in head space, what the picture's middle shows."""
_HEIGHT = 0.22
"""Metres across the picture there."""
_DISTANCE = 1.0
_HERE = (1.0, 0, 0, 0, 0, 1.0, 0, 0, 0, 0, 1.0, 0, 0, 0, 0, 1.0)

icons = Icons()


def drawn(ob: bpy.types.Object, weights: Mapping[str, float]) -> Generator[engine.Pending, None, np.ndarray]:
    """A head with these weights, uint8 (SIDE, SIDE, 4), top row first; in steps.

    Raises:
        DGTalkerError: the avatar is lost, or the engine cannot be reached.
    """
    known = set(model.rig_of(ob).names)
    shown = {name: weight for name, weight in weights.items() if name in known}
    avatar = yield from avatars.open_steps(ob)
    frame = ShotFrame(1, _camera(), (ShotHead(0, _HERE, shown),))
    shot = Shot(width=SIDE, height=SIDE, avatars=(avatar,), frames=(frame,))
    pending = engine.submit("render", {}, shot.to_json().encode())
    yield pending
    pixels = np.frombuffer(pending.result().body, np.float32, count=4 * SIDE * SIDE)
    return displayed(pixels.reshape(SIDE, SIDE, 4))


def displayed(picture: np.ndarray) -> np.ndarray:
    """Premultiplied scene-linear Rec.709 float32 (H, W, 4) as sRGB uint8 with straight alpha."""
    alpha = np.clip(picture[..., 3:], 0.0, 1.0)
    linear = np.clip(picture[..., :3] / np.maximum(alpha, 1e-4), 0.0, 1.0)
    return np.round(255 * np.concatenate([encoded(linear), alpha], axis=2)).astype(np.uint8)


def _camera() -> ShotCamera:
    away = np.array([math.sin(_AZIMUTH), -math.cos(_AZIMUTH), 0.0])
    rotation = np.stack([[math.cos(_AZIMUTH), math.sin(_AZIMUTH), 0.0], [0.0, 0.0, -1.0], -away])
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = rotation, -rotation @ (_FACE + _DISTANCE * away)
    focal, middle = SIDE * _DISTANCE / _HEIGHT, SIDE / 2
    return ShotCamera(
        K=(focal, 0.0, middle, 0.0, focal, middle, 0.0, 0.0, 1.0), world_to_camera=tuple(matrix.ravel().tolist())
    )
