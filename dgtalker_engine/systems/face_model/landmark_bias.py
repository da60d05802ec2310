"""Where MediaPipe sees its landmarks on a face, beside where the face model has them: measured on painted heads.

MediaPipe's points are no fixed places of the skin: those of the outline slide to what is the outline in the picture,
and cheeks and brows lie where its network has learned them to. What is the same on all faces is no trait of anybody.
A fit that takes it for one finds the same wrong person in every video, with a face too small and too flat.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from scipy.spatial import KDTree
from scipy.spatial.transform import Rotation

from ...capture.face_model import LANDMARKS, FaceModel
from ...capture.faces import FaceLandmarker
from ...capture.fit.weights import CLOSURES
from ...errors import DGTalkerError
from ...gaussians import Camera, render
from .painted_head import PaintedHead

_FIRST_SEED = 1000
_SIZE = 512
_FACE = 0.33
"""Distance from the eyes to the camera by the focal length: metres by picture heights."""
_FOCALS = (1.0, 3.6)
"""In picture heights: 24 to 86 mm on a picture 24 mm high."""
_YAW, _PITCH, _ROLL = 25.0, 14.0, 4.0
_TOWARDS_CAMERA = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
_WALL = (0.55, 0.6, 0.66)
_ACTED = {"jawOpen": 0.3, "mouthSmileLeft": 0.4, "mouthSmileRight": 0.4, "mouthPucker": 0.4, "browInnerUp": 0.4}
"""At most."""

_FACE_HEIGHT, _ROBUST = 300.0, 4.0
_ROUNDS = 5
_PAIRED = 0.006
"""How far a landmark may be from its twin's mirror image, metres."""


class Sight(NamedTuple):
    """Landmarks in a picture of a head that is known.

    Attributes:
        places: where the model has them, head space, metres (LANDMARKS, 3).
        seen: where MediaPipe sees them, pixels (LANDMARKS, 2).
        camera: of the picture.
    """

    places: np.ndarray
    seen: np.ndarray
    camera: Camera


def look(model: FaceModel, heads: int, views: int, say: Callable[[str], None]) -> list[Sight]:
    """Pictures of made-up people from about the front, and the landmarks that MediaPipe finds in them."""
    random = np.random.default_rng(0)
    sights: list[Sight] = []
    with FaceLandmarker(most=1, video=False) as landmarker:
        for number in range(heads):
            head = PaintedHead(model, _FIRST_SEED + number)
            for _ in range(views):
                acted = {name: most * random.uniform() ** 2 for name, most in _ACTED.items()}
                camera = _camera(random)
                with torch.no_grad():
                    picture = render(head.pose(acted), camera, background=_WALL, backend="cpu").rgb
                faces = landmarker.find(np.clip(np.asarray(picture) * 255 + 0.5, 0, 255).astype(np.uint8))
                if faces:
                    places = model.landmarks(head.vertices(acted)).double().numpy()
                    sights.append(Sight(places, faces[0].landmarks[:, :2].astype(np.float64), camera))
            say(f"{number + 1} of {heads} heads looked at")
    if not sights:
        raise DGTalkerError("MediaPipe found a face in none of the painted heads.", "Install the engine again.")
    return sights


def _camera(random: np.random.Generator) -> Camera:
    yaw, pitch, roll = random.uniform(-_YAW, _YAW), random.uniform(-_PITCH, _PITCH), _ROLL * random.standard_normal()
    focal = float(np.exp(random.uniform(*np.log(_FOCALS))))
    pose = np.eye(4)
    turn = Rotation.from_euler("xyz", [pitch, roll, yaw], degrees=True).as_matrix()
    pose[:3, :3] = _TOWARDS_CAMERA @ turn
    pose[:3, 3] = [0.01 * random.standard_normal(), 0.01 * random.standard_normal(), _FACE * focal]
    pose[2, 3] *= random.uniform(0.95, 1.35)
    K = np.array([[focal * _SIZE, 0, _SIZE / 2], [0, focal * _SIZE, _SIZE / 2], [0, 0, 1]])
    return Camera(K=K, world_to_camera=pose, width=_SIZE, height=_SIZE)


def bias_of(model: FaceModel, sights: list[Sight]) -> np.ndarray:
    """The offsets in head space that explain what was seen the best, the same on both sides (LANDMARKS, 3), metres.

    Irises have none: where they lie beside their place, the eyes look there. What meets when lips and lids close has
    one: closed landmarks mean closed lips. Least squares in the pictures, iterated and robust; a landmark that was seen
    from one direction alone stays in its depth.
    """
    offsets = np.zeros((LANDMARKS, 3))
    for _ in range(_ROUNDS):
        hessian = np.tile(1e3 * np.eye(3), (LANDMARKS, 1, 1))
        gradient = 1e3 * offsets
        for places, seen, camera in sights:
            turn, move = camera.world_to_camera[:3, :3], camera.world_to_camera[:3, 3]
            unit = _FACE_HEIGHT / np.linalg.norm(seen[10] - seen[152])
            there = (places + offsets) @ turn.T + move
            scale = unit * camera.K[0, 0] / there[:, 2]
            flat = there[:, :2] / there[:, 2:]
            error = unit * (camera.K[0, 0] * flat + camera.K[:2, 2] - seen)
            by_camera = np.zeros((LANDMARKS, 2, 3))
            by_camera[:, 0, 0] = by_camera[:, 1, 1] = scale
            by_camera[..., 2] = -scale[:, None] * flat
            jacobian = by_camera @ turn
            weight = 1 / np.sqrt(1 + (error**2).sum(1) / _ROBUST**2)
            hessian += np.einsum("p,pki,pkj->pij", weight, jacobian, jacobian)
            gradient += np.einsum("p,pki,pk->pi", weight, jacobian, error)
        offsets = offsets - np.linalg.solve(hessian, gradient[..., None])[..., 0]
    face = LANDMARKS - 10
    offsets[face:] = 0
    offsets[:face] = _symmetric(model.landmarks(model.neutral)[:face].double().numpy(), offsets[:face])
    for pair in CLOSURES:
        offsets[list(pair)] = offsets[list(pair)].mean(axis=0)
    return offsets


def _symmetric(places: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The mean of both sides, where a landmark and another are each other's mirror image."""
    flip = np.array([-1.0, 1.0, 1.0])
    distance, twin = (np.asarray(found) for found in KDTree(places).query(places * flip))
    paired = (twin[twin] == np.arange(len(twin))) & (distance < _PAIRED)
    return np.where(paired[:, None], (offsets + offsets[twin] * flip) / 2, offsets)
