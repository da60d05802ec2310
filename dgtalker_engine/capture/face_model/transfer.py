"""What another model's file lacks, from our model laid over its mean face: landmarks, regions, UV and ARKit's names."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from ...rig import ARKIT_NAMES
from .alignment import Alignment
from .arkit import fit_arkit
from .closest import closest_on_mesh
from .model import LANDMARKS, FaceModel, Region

_IRISES = {"rightEye": range(468, 473), "leftEye": range(473, 478)}
_NORMALS = 5e-3
"""Metres that a difference of 1 between unit normals counts: lips touch, and are not the same place."""
_NEAR = 8e-3
"""Metres from ours at which a vertex is told by a third how to move."""
_FACE = (Region.SKIN, Region.UPPER_FACE, Region.LIPS)
_LIDS = ("eyeBlinkLeft", "eyeBlinkRight")
"""Expressions whose rest that the other model cannot do is added as it is: FLAME's eyes do not shut."""


def with_ours(other: FaceModel, ours: FaceModel, aligned: Alignment) -> FaceModel:
    """The other model with our landmarks, regions, UV, origin, and ARKit's 52 expressions in place of its own.

    Its joints are its own but for the neck, which is left out: how the head stands to the neck is told by the head's
    pose.

    Args:
        other: with the joints neck, jaw, leftEye and rightEye.
        ours: whose expressions are ARKit's.
        aligned: ours over the other's mean face.
    """
    rest, faces = other.neutral.double().numpy(), other.faces.numpy()
    eyes = _eye_weights(other)
    here = _oriented(rest, faces)
    surface, theirs = _skin(ours), _oriented(aligned.vertices, ours.faces.numpy())
    triangles = ours.faces.numpy()[surface]
    found, weights = closest_on_mesh(here, theirs, triangles)

    def at(values: np.ndarray) -> np.ndarray:
        """Values of our vertices (…, V, n) where the other's are (…, V', n)."""
        return np.einsum("vk,...vkn->...vn", weights, values[..., triangles[found], :])

    regions = ours.regions.numpy()[surface]
    middles = here[faces].mean(axis=1)
    shown = regions[closest_on_mesh(middles, theirs, triangles)[0]].copy()
    shown[(eyes.max(axis=1) >= 0.5)[faces].all(axis=1)] = Region.EYES
    distance = np.linalg.norm(at(aligned.vertices) - rest, axis=1)
    trust = np.exp(-((distance / _NEAR) ** 2)) * np.isin(regions[found], _FACE) * (eyes.max(axis=1) < 0.5)
    wanted = at(aligned.expression)
    expression, pose = fit_arkit(other, wanted, trust)
    for name in _LIDS:
        lid = ARKIT_NAMES.index(name)
        did = other.vertices(torch.zeros(0), torch.zeros(0), pose[lid]) - other.neutral + expression[lid]
        expression[lid] += _tensor(trust)[:, None] * (_tensor(wanted[lid]) - did)
    for name in _IRISES:
        mine, joint = ours.joint_names.index(name), other.joint_names.index(name)
        pose[:, joint] = ours.expression_pose[:, mine]
    landmark_faces, barycentrics = _landmarks(here, faces, eyes, theirs, ours)
    return _without_neck(
        replace(
            other,
            neutral=other.neutral - _tensor(aligned.origin),
            expression=expression,
            expression_names=ARKIT_NAMES,
            expression_pose=pose,
            uv=_tensor(at(ours.uv.numpy().astype(np.float64))),
            regions=torch.from_numpy(shown),
            landmark_faces=torch.from_numpy(landmark_faces),
            landmark_barycentrics=_tensor(barycentrics),
            landmark_bias=ours.landmark_bias.clone(),
        )
    )


def _without_neck(model: FaceModel) -> FaceModel:
    kept = [joint for joint, name in enumerate(model.joint_names) if name != "neck"]
    correctives = model.pose_correctives
    return replace(
        model,
        expression_pose=model.expression_pose[:, kept],
        joint_names=tuple(model.joint_names[joint] for joint in kept),
        joint_parents=tuple(-1 for _ in kept),
        joint_regressor=model.joint_regressor[kept],
        skin_weights=model.skin_weights[:, kept],
        pose_correctives=None if correctives is None else correctives.unflatten(0, (-1, 9))[kept].flatten(0, 1),
    )


def _eye_weights(model: FaceModel) -> np.ndarray:
    """(V, 2) in the order of `_IRISES`."""
    return model.skin_weights.numpy()[:, [model.joint_names.index(name) for name in _IRISES]]


def _skin(ours: FaceModel) -> np.ndarray:
    """Which of our triangles others have too."""
    return np.flatnonzero(~np.isin(ours.regions.numpy(), (Region.TEETH, Region.EYES)))


def _oriented(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Vertices with their normals, so that what is near also looks the same way (V, 6)."""
    a, b, c = (vertices[faces[:, corner]] for corner in range(3))
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], np.cross(b - a, c - a))
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return np.concatenate([vertices, _NORMALS * normals], axis=1)


def _landmarks(
    here: np.ndarray, faces: np.ndarray, eyes: np.ndarray, theirs: np.ndarray, ours: FaceModel
) -> tuple[np.ndarray, np.ndarray]:
    """Triangles and barycentrics of the landmarks: −1 where the model has no such part."""
    corners = ours.faces[ours.landmark_faces].numpy()
    points = np.einsum("lk,lkn->ln", ours.landmark_barycentrics.numpy(), theirs[corners])
    landmark_faces, barycentrics = np.full(LANDMARKS, -1), np.zeros((LANDMARKS, 3))
    skin = np.arange(LANDMARKS) < min(min(numbers) for numbers in _IRISES.values())
    targets = [(np.flatnonzero(skin), eyes.max(axis=1) < 0.5)]
    targets += [(np.array(numbers), eyes[:, i] >= 0.5) for i, numbers in enumerate(_IRISES.values())]
    for numbers, mask in targets:
        used = np.flatnonzero(np.asarray(mask)[faces].all(axis=1))
        if len(used):
            found, weights = closest_on_mesh(points[numbers], here, faces[used])
            landmark_faces[numbers], barycentrics[numbers] = used[found], weights
    return landmark_faces, barycentrics


def _tensor(array: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32))
