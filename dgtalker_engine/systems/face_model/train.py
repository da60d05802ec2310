"""The face model, learned from ICT-FaceKit."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from ...capture.face_model import LANDMARKS, FaceModel, Region
from ...capture.face_model.closest import closest_on_mesh
from ...rig import ARKIT_NAMES
from .config import FaceModelConfig
from .expressions import arkit_expressions
from .eyes import Eyeballs, make_eyeballs
from .identity import principal_components
from .regions import skin_regions
from .source import FACE, Source
from .topology import Part, make_parts
from .uv import unwrap

_LOOK_SIDE, _LOOK_UP, _LOOK_DOWN = np.radians([30.0, 22.0, 24.0])
"""How far eyeLook… turn the eyes, as in the built-in heads."""


def train(config: FaceModelConfig, source: Source, places: np.ndarray, say: Callable[[str], None]) -> FaceModel:
    """The model in its own topology: skin, gums and tongue, teeth, and two eyeballs.

    Args:
        config: of the model.
        source: the sculpted head to learn from.
        places: where MediaPipe's 468 landmarks of the face lie on it, metres (468, 3).
        say: told what is done.
    """
    parts = make_parts(config, source)
    eyes = make_eyeballs(source, config.eye_segments)
    starts = np.cumsum([0, *(len(part.vertices) for part in parts)])
    triangles = np.concatenate([part.triangles + start for part, start in zip(parts, starts, strict=False)])
    faces = np.concatenate([triangles, eyes.triangles + starts[-1]])
    taken = np.concatenate([part.vertices for part in parts])
    neutral = np.concatenate([source.vertices[taken], eyes.vertices])
    say(f"{len(neutral)} vertices and {len(faces)} triangles")
    regions = _regions(source, parts, eyes)
    modes = np.concatenate([source.identity[:, taken], eyes.identity], axis=1)
    identity = principal_components(modes, _weights(config, neutral, faces, regions), config.identity_components)
    eyes_still = np.zeros((len(ARKIT_NAMES), len(eyes.vertices), 3))
    expression = np.concatenate([arkit_expressions(source)[:, taken], eyes_still], axis=1)
    landmark_faces, barycentrics = _landmarks(places, parts[0], neutral, faces, eyes, starts[-1])
    regressor, skin_weights = _joints(eyes, len(neutral))
    return FaceModel(
        name="dgtalker",
        neutral=_tensor(neutral),
        identity=_tensor(identity),
        expression=_tensor(expression),
        expression_names=ARKIT_NAMES,
        expression_pose=_tensor(_eye_turns()),
        faces=torch.from_numpy(faces),
        uv=_tensor(unwrap(neutral, faces)),
        regions=torch.from_numpy(regions),
        joint_names=("leftEye", "rightEye"),
        joint_parents=(-1, -1),
        joint_regressor=_tensor(regressor),
        skin_weights=_tensor(skin_weights),
        pose_correctives=None,
        landmark_faces=torch.from_numpy(landmark_faces),
        landmark_barycentrics=_tensor(barycentrics),
    )


def _tensor(array: np.ndarray) -> Tensor:
    return torch.from_numpy(array.astype(np.float32))


def _regions(source: Source, parts: tuple[Part, Part, Part], eyes: Eyeballs) -> np.ndarray:
    skin, gums, teeth = parts
    return np.concatenate(
        [
            skin_regions(source, skin.vertices[skin.triangles]),
            np.full(len(gums.triangles), Region.MOUTH_INSIDE, np.uint8),
            np.full(len(teeth.triangles), Region.TEETH, np.uint8),
            np.full(len(eyes.triangles), Region.EYES, np.uint8),
        ]
    )


def _weights(config: FaceModelConfig, neutral: np.ndarray, faces: np.ndarray, regions: np.ndarray) -> np.ndarray:
    """How much each vertex counts for identity (V,): a third of the surface around it, by region."""
    by_region = np.ones(len(Region))
    by_region[[Region.SCALP, Region.NECK]] = config.back_weight
    by_region[[Region.MOUTH_INSIDE, Region.TEETH, Region.EYES]] = config.hidden_weight
    corners = neutral[faces]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    weights = np.zeros(len(neutral))
    np.add.at(weights, faces.ravel(), np.repeat(area * by_region[regions] / 3, 3))
    return weights


def _landmarks(
    places: np.ndarray, skin: Part, neutral: np.ndarray, faces: np.ndarray, eyes: Eyeballs, first_eye: int
) -> tuple[np.ndarray, np.ndarray]:
    """Triangles and barycentrics of MediaPipe's landmarks."""
    landmark_faces = np.full(LANDMARKS, -1)
    barycentrics = np.zeros((LANDMARKS, 3))
    front = np.flatnonzero(((skin.vertices >= FACE.start) & (skin.vertices < FACE.stop))[skin.triangles].all(axis=1))
    found, weights = closest_on_mesh(places, neutral, faces[front])
    landmark_faces[: len(found)], barycentrics[: len(found)] = front[found], weights
    # MediaPipe's order: the subject's right iris, then the left one; the middle, and four places of its edge.
    for start, eye in ((len(found), 1), (len(found) + 5, 0)):
        edge = eyes.iris_edge(eye)
        quarter = len(edge) // 4
        for place, vertex in enumerate([eyes.apexes[eye], *edge[[0, quarter, 2 * quarter, 3 * quarter]]]):
            triangle = int(np.flatnonzero((faces == vertex + first_eye).any(axis=1))[0])
            landmark_faces[start + place] = triangle
            barycentrics[start + place] = faces[triangle] == vertex + first_eye
    return landmark_faces, barycentrics


def _joints(eyes: Eyeballs, vertices: int) -> tuple[np.ndarray, np.ndarray]:
    """The regressor (2, V) of the eyeballs' centres, and the skin's weights (V, 2)."""
    each = len(eyes.vertices) // 2
    regressor, weights = np.zeros((2, vertices)), np.zeros((vertices, 2))
    for eye in range(2):
        own = slice(vertices - (2 - eye) * each, vertices - (1 - eye) * each)
        # The smallest weights that add up to 1 and hit the centre; eyeballs only shift and grow, so they always do.
        points = eyes.vertices[eye * each : (eye + 1) * each] - eyes.centres[eye]
        system = np.concatenate([points.T, np.ones((1, each))])
        regressor[eye, own] = np.linalg.lstsq(system, np.array([0.0, 0.0, 0.0, 1.0]), rcond=None)[0]
        weights[own, eye] = 1.0
    return regressor, weights


def _eye_turns() -> np.ndarray:
    """Axis-angle of both eyes at each ARKit expression (52, 2, 3)."""
    turns = np.zeros((len(ARKIT_NAMES), 2, 3))
    for eye, (side, outwards) in enumerate((("Left", 1.0), ("Right", -1.0))):
        for name, turn in {
            "eyeLookUp": (-_LOOK_UP, 0.0, 0.0),
            "eyeLookDown": (_LOOK_DOWN, 0.0, 0.0),
            "eyeLookOut": (0.0, 0.0, outwards * _LOOK_SIDE),
            "eyeLookIn": (0.0, 0.0, -outwards * _LOOK_SIDE),
        }.items():
            turns[ARKIT_NAMES.index(f"{name}{side}"), eye] = turn
    return turns
