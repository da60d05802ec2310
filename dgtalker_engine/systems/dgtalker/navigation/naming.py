"""Names of latent controls by what they do, as their pictures show it: the strongest region, and its direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ....capture.face_model import FaceModel
from ....capture.regions import project
from ....gaussians import Camera, Gaussians, render
from ....gaussians.constants import SH_C0

_SIDE, _DISTANCE, _FIELD = 128, 0.7, 0.24
"""Pixels, and metres from and across a face."""
_RADIUS = 3.0
"""Pixels around a landmark."""
_PAIR = 0.5
"""How much of the one side's movement the other has, for both to have a name together."""
_STILL = 3e-4
"""Metres: what moves less changes its looks instead."""


class Place(NamedTuple):
    """Where something may move: its name, MediaPipe's landmarks, and the name of both sides together."""

    name: str
    landmarks: tuple[int, ...]
    both: str = ""


PLACES = (
    Place("browLeft", (336, 296, 334, 293, 300), "brows"),
    Place("browRight", (107, 66, 105, 63, 70), "brows"),
    Place("upperLidLeft", (385, 386, 387), "upperLids"),
    Place("upperLidRight", (158, 159, 160), "upperLids"),
    Place("cheekLeft", (280, 425, 330), "cheeks"),
    Place("cheekRight", (50, 205, 101), "cheeks"),
    Place("nostrilLeft", (358, 327), "nostrils"),
    Place("nostrilRight", (129, 98), "nostrils"),
    Place("mouthCornerLeft", (291,), "mouthCorners"),
    Place("mouthCornerRight", (61,), "mouthCorners"),
    Place("upperLip", (0, 37, 267)),
    Place("lowerLip", (17, 84, 314)),
    Place("chin", (199, 208, 428)),
)
"""The two sides of a pair follow each other."""


@dataclass(frozen=True)
class Movement:
    """What a control does at its strongest place.

    Attributes:
        place: of `PLACES`, or the name of both sides.
        way: its direction; ``looks`` where nothing moves.
    """

    place: str
    way: str

    @property
    def name(self) -> str:
        """As ARKit names controls: browsUp."""
        return self.place + self.way[0].upper() + self.way[1:]


def names(movements: Sequence[Movement], taken: Sequence[str]) -> list[str]:
    """A name for each, none twice and none that is taken: a second browsUp is browsUp2."""
    used, result = set(taken), []
    for movement in movements:
        name, number = movement.name, 1
        while name in used:
            number += 1
            name = f"{movement.name}{number}"
        used.add(name)
        result.append(name)
    return result


@torch.no_grad()
def movement(rest: Gaussians, moved: Gaussians, face: FaceModel, identity: Tensor) -> Movement:
    """What a control does.

    Args:
        rest: the head at rest.
        moved: the same Gaussians at the control's end.
        face: the face model that says where its places are.
        identity: of the person (I,).
    """
    vertices = face.vertices(identity, torch.zeros(len(face.expression_names)))
    camera = _before(vertices[face.faces[face.landmark_faces[1]]].mean(dim=0).numpy())
    seen, _ = project(camera, face.landmarks(vertices).nan_to_num().numpy())
    field, change = _displacements(rest, moved, camera)
    moves = [_around(field, seen[list(place.landmarks)]) for place in PLACES]
    sizes = np.array([np.linalg.norm(move) for move in moves])
    if sizes.max() < _STILL:
        changes = [float(_around(change, seen[list(place.landmarks)])[0]) for place in PLACES]
        return Movement(_named(int(np.argmax(changes)), np.array(changes)), "looks")
    strongest = int(np.argmax(sizes))
    move, other = moves[strongest], _other(strongest)
    place = PLACES[strongest].name
    if other is not None:
        mirrored = moves[other] * [-1, 1, 1]
        if move @ mirrored > _PAIR * sizes[strongest] ** 2:
            place, move = PLACES[strongest].both, (move + mirrored) / 2
    return Movement(place, _way(move, PLACES[strongest]))


def _way(move: np.ndarray, place: Place) -> str:
    axis = int(np.argmax(np.abs(move)))
    forwards = move[axis] > 0
    if axis == 2:
        return "up" if forwards else "down"
    if axis == 1:
        return "back" if forwards else "forward"
    if not place.both:
        return "left" if forwards else "right"
    return "out" if forwards == place.name.endswith("Left") else "in"


def _named(index: int, sizes: np.ndarray) -> str:
    other = _other(index)
    pair = other is not None and sizes[other] > _PAIR * sizes[index]
    return PLACES[index].both if pair else PLACES[index].name


def _other(index: int) -> int | None:
    """The other side of a pair."""
    return index ^ 1 if PLACES[index].both else None


def _displacements(rest: Gaussians, moved: Gaussians, camera: Camera) -> tuple[np.ndarray, np.ndarray]:
    """How far what each pixel shows at rest moves, metres (h, w, 3), and how much the picture changes (h, w, 1)."""
    far = moved.means - rest.means
    most = float(far.abs().max()) + 1e-9
    colours = far / (2 * most * SH_C0)  # 0.5 is no movement
    field = render(replace(rest, sh=colours[:, None]), camera, backend="cpu")
    alpha = np.maximum(np.asarray(field.alpha)[..., None], 1e-3)
    shown = np.asarray(field.rgb) / alpha
    before, after = (np.asarray(render(cloud, camera, backend="cpu").rgb) for cloud in (rest, moved))
    return (shown - 0.5) * 2 * most, np.abs(after - before).mean(axis=2, keepdims=True)


def _around(picture: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The mean of a picture (h, w, C) within `_RADIUS` of points (n, 2): (C,)."""
    rows, columns = np.mgrid[: picture.shape[0], : picture.shape[1]] + 0.5
    apart = np.hypot(columns[..., None] - points[:, 0], rows[..., None] - points[:, 1]).min(axis=-1)
    return picture[apart <= _RADIUS].mean(axis=0)


def _before(nose: np.ndarray) -> Camera:
    """A camera before a face whose nose's tip is given."""
    pose = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, _DISTANCE], [0, 0, 0, 1]])
    pose[:3, 3] -= pose[:3, :3] @ nose
    focal = _SIDE * _DISTANCE / _FIELD
    K = np.array([[focal, 0, _SIDE / 2], [0, focal, _SIDE / 2], [0, 0, 1]])
    return Camera(K=K, world_to_camera=pose, width=_SIDE, height=_SIDE)
