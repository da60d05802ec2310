"""The rig of a head that a face model moves: sliders to expression and pose, and the joints of eyes and head."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch

from ..avatar.joints import Joint
from ..capture.face_model import FaceModel, Region
from ..capture.mesh_raster import rasterize
from ..capture.regions import project
from ..gaussians import Camera
from ..rig import ARKIT_NAMES, NECK_TURNS, Control, Rig, head_rig

HEAD_PIVOT = (0.0, 0.012, -0.05)
LEAN, NECK_TOP, NECK_LENGTH = 0.5, 0.004, 0.064
"""How far a neck leans forward, and where below the chin, along it in metres, the head passes into a still neck."""
GAZE = {
    "gazeSide": (("eyeLookOutLeft", "eyeLookInRight"), ("eyeLookInLeft", "eyeLookOutRight")),
    "gazeUp": (("eyeLookUpLeft", "eyeLookUpRight"), ("eyeLookDownLeft", "eyeLookDownRight")),
}
"""What a control of both eyes is made of above 0 and below."""

EYES = ("leftEye", "rightEye")
"""Joints of the face model that are the rig's too."""
_CHIN, _SCALED = 152, 255
_SLIT, _HALVINGS = 0.01, 7  # of the open eye, what a shut one shows, and how often the way to it is halved
_DISTANCE, _SIDE, _ROOM = 0.5, 512, 1.2  # metres, pixels, and how much wider than the eyes a picture is
_OUTSIDE = (Region.SKIN, Region.UPPER_FACE, Region.LIPS, Region.SCALP, Region.NECK)


class OwnControl(NamedTuple):
    """A slider of a person's own, up to 1.

    Attributes:
        end: what the face model does at 1 (E,).
        minimum: where it begins, -1 to 0.
    """

    end: np.ndarray
    minimum: float


@dataclass(frozen=True, kw_only=True)
class FaceRig:
    """Sliders of a person's face.

    Attributes:
        rig: ARKit's controls, gaze and head.
        joints: the eyes and the head, in the order in which they turn.
        vertex_weights: uint8 (3, V), how much of each joint's turn every vertex takes, in 255ths.
        chin: how far along the neck the chin is, metres.
        reach: how much of each of ARKit's expressions of the face model full weight is, float32 (52,): 1 but for
            blinks, which shut the eyes of this person and do not go on over narrow ones.
        own: by name the person's own controls, of the group ``latent``.
    """

    rig: Rig
    joints: tuple[Joint, ...]
    vertex_weights: np.ndarray
    chin: float
    reach: np.ndarray
    own: Mapping[str, OwnControl] = field(default_factory=dict)

    def with_own(self, own: Mapping[str, OwnControl]) -> FaceRig:
        """The same with the person's own controls after the others."""
        controls = [Control(name, "latent", minimum=each.minimum) for name, each in own.items()]
        return replace(self, rig=Rig((*self.rig.controls, *controls)), own=own)

    def expression(self, weights: np.ndarray) -> np.ndarray:
        """The face model's expression (E,) at weights (C,) of the rig; what the head does is left to its joint."""
        by_name = dict(zip(self.rig.names, weights.tolist(), strict=True))
        arkit = {name: by_name[name] * float(reach) for name, reach in zip(ARKIT_NAMES, self.reach, strict=True)}
        for control, ways in GAZE.items():
            for name in ways[by_name[control] < 0]:
                arkit[name] += abs(by_name[control])
        own = sum((by_name[name] * each.end for name, each in self.own.items()), np.zeros(len(arkit)))
        return (np.array(list(arkit.values())) + own).astype(np.float32)

    def weights(self, expression: np.ndarray) -> np.ndarray:
        """float32 (…, 52): ARKit's weights at expressions (…, 52) of the face model, from 0 to 1."""
        return np.clip(expression / self.reach, 0, 1).astype(np.float32)

    def joint_weights(self, corners: np.ndarray, barycentrics: np.ndarray, means: np.ndarray) -> np.ndarray:
        """uint8 (3, N): how much of each joint's turn Gaussians take, in 255ths.

        Args:
            corners: int64 (N, 3), the vertices of the triangle that each Gaussian goes with; -1 where it goes with none
                but the head: hair.
            barycentrics: (N, 3).
            means: (N, 3) at rest.
        """
        weights = (self.vertex_weights[:, corners] * barycentrics).sum(axis=2)
        free = corners[:, 0] < 0
        weights[:, free] = 0
        weights[-1, free] = _SCALED * _head_share(means[free], self.chin)
        return np.rint(np.clip(weights, 0, _SCALED)).astype(np.uint8)


def face_rig(face_model: FaceModel, identity: np.ndarray) -> FaceRig:
    """The rig of a person.

    Args:
        face_model: of ARKit's expressions, with joints called leftEye and rightEye.
        identity: (I,).
    """
    rest = face_model.vertices(torch.from_numpy(identity), torch.zeros(len(face_model.expression_names)))
    pivots = (face_model.joint_regressor @ rest).numpy()
    eyes = [face_model.joint_names.index(name) for name in EYES]
    turns = face_model.expression_pose.numpy()[:, eyes]
    rig = head_rig()
    joints = [Joint(_place(pivots[eye]), _eye_turns(turns[:, index])) for index, eye in enumerate(eyes)]
    joints.append(Joint(HEAD_PIVOT, NECK_TURNS))
    triangle = face_model.faces[face_model.landmark_faces[_CHIN]]
    chin = _along((face_model.landmark_barycentrics[_CHIN] @ rest[triangle]).numpy())
    outside = np.unique(face_model.faces.numpy()[np.isin(face_model.regions.numpy(), _OUTSIDE)])
    with_head = np.ones(len(rest))
    with_head[outside] = _head_share(rest.numpy()[outside], float(chin))
    weights = np.stack([*face_model.skin_weights.numpy()[:, eyes].T, with_head])
    return FaceRig(
        rig=rig,
        joints=tuple(joints),
        vertex_weights=np.rint(_SCALED * np.clip(weights, 0, 1)).astype(np.uint8),
        chin=float(chin),
        reach=_reach(face_model, rest),
    )


def _reach(face_model: FaceModel, rest: torch.Tensor) -> np.ndarray:
    """`FaceRig.reach`: the least blink that shuts each eye of a face (V, 3) at rest, as it is seen from before it."""
    reach = np.ones(len(ARKIT_NAMES), np.float32)
    faces, regions = face_model.faces.numpy(), face_model.regions.numpy()
    eyes = np.flatnonzero(regions == Region.EYES)
    blinks = [ARKIT_NAMES.index(f"eyeBlink{side}") for side in ("Left", "Right")]
    sides = [eyes[(rest.numpy()[faces[eyes], 0].mean(axis=1) > 0) == left] for left in (True, False)]
    camera = _before(rest.numpy()[faces[eyes]].reshape(-1, 3))

    def open_pixels(amounts: np.ndarray) -> np.ndarray:
        expression = torch.zeros(len(ARKIT_NAMES))
        expression[blinks] = torch.from_numpy(amounts.astype(np.float32))
        shut = rest + torch.tensordot(expression, face_model.expression, 1)
        shown = rasterize(*project(camera, shut.numpy()), faces, camera.height, camera.width).triangles
        return np.array([np.isin(shown, side).sum() for side in sides])

    seen = open_pixels(np.zeros(2))
    slit = _SLIT * seen
    least, most = np.zeros(2), np.ones(2)
    for _ in range(_HALVINGS):
        middle = (least + most) / 2
        shut = open_pixels(middle) <= slit
        least, most = np.where(shut, least, middle), np.where(shut, middle, most)
    reach[blinks] = np.where(seen > 0, most, 1.0)
    return reach


def _before(points: np.ndarray) -> Camera:
    """A camera half a metre before the middle of points (N, 3) that sees all of them."""
    middle, reach = (points.min(axis=0) + points.max(axis=0)) / 2, np.ptp(points, axis=0)
    pose = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0], [0, 1, 0, _DISTANCE], [0, 0, 0, 1]])
    pose[:3, 3] -= pose[:3, :3] @ middle
    focal = _SIDE * _DISTANCE / (_ROOM * reach[0])
    K = np.array([[focal, 0, _SIDE / 2], [0, focal, _SIDE / 4], [0, 0, 1]])
    return Camera(K=K, world_to_camera=pose, width=_SIDE, height=_SIDE // 2)


def _along(points: np.ndarray) -> np.ndarray:
    """How far points (…, 3) are up a neck that leans forward, metres."""
    return points[..., 2] - LEAN * points[..., 1]


def _head_share(points: np.ndarray, chin: float) -> np.ndarray:
    """How much of the head's turns points take: 1 down to the chin, 0 where the neck begins to be still."""
    part = np.clip((_along(points) - chin + NECK_TOP + NECK_LENGTH) / NECK_LENGTH, 0, 1)
    return part * part * (3 - 2 * part)


def _eye_turns(turns: np.ndarray) -> dict[str, tuple[float, float, float]]:
    """By control the rotation vector of an eye, of ARKit's controls (52, 3)."""
    alone = {name: turn for name, turn in zip(ARKIT_NAMES, turns, strict=True) if np.any(turn)}
    for control, (above, below) in GAZE.items():
        ways = [sum(alone.get(name, np.zeros(3)) for name in names) for names in (above, below)]
        alone[control] = (ways[0] - ways[1]) / 2
    return {name: _place(turn) for name, turn in alone.items()}


def _place(vector: np.ndarray) -> tuple[float, float, float]:
    x, y, z = (float(number) for number in vector)
    return x, y, z
