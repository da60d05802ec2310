"""A face model at MediaPipe's landmarks alone, in NumPy, with its derivatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy.spatial.transform import Rotation

from ..face_model import FaceModel


class Placed(NamedTuple):
    """Landmarks of T frames in head space, metres.

    Attributes:
        points: float64 (T, P, 3).
        by_expression: derivatives, float32 (T, P, 3, E).
        by_pose: derivatives by the joints' rotations, float32 (T, P, 3, 3 J).
    """

    points: np.ndarray
    by_expression: np.ndarray
    by_pose: np.ndarray


@dataclass(frozen=True)
class LandmarkModel:
    """`FaceModel` at those P of the 478 landmarks that it has; its attributes mean the same.

    A landmark's skin weights are those of its triangle's corners, blended, and joints turn it about their own places
    one by one: the same as the whole mesh's skinning where a landmark's corners move alike and no joint that turns
    hangs on another.

    Attributes:
        indices: which of the 478 (P,).
        neutral, identity, expression: at the landmarks (P, 3), (I, P, 3), (E, P, 3).
        bias: how far beside them MediaPipe sees them (P, 3).
        joints, joints_identity: places of the joints at rest (J, 3), and by identity (I, J, 3).
        weights: skin weights (P, J).
        turns: what each expression turns (E, J, 3), axis-angle.
        correctives: offsets per entry of the joints' rotations minus the identity (9 J, P, 3), or None.
    """

    indices: np.ndarray
    neutral: np.ndarray
    identity: np.ndarray
    expression: np.ndarray
    bias: np.ndarray
    joints: np.ndarray
    joints_identity: np.ndarray
    weights: np.ndarray
    turns: np.ndarray
    correctives: np.ndarray | None

    def shape(self, identity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Landmarks (P, 3) and joints (J, 3) of a person (I,) at rest."""
        return (
            self.neutral + np.tensordot(identity, self.identity, 1),
            self.joints + np.tensordot(identity, self.joints_identity, 1),
        )

    def place(
        self,
        rest: np.ndarray,
        joints: np.ndarray,
        expression: np.ndarray,
        pose: np.ndarray,
        *,
        derivatives: bool = True,
    ) -> Placed:
        """The landmarks of T frames.

        Args:
            rest, joints: of `shape`, what the person's landmarks lie beside the model's included.
            expression: (T, E).
            pose: (T, J, 3), the joints' rotations beside what the expression turns.
            derivatives: whether they are needed.
        """
        shape = (len(expression) if derivatives else 0, *rest.shape)
        points = rest + np.tensordot(expression, self.expression, 1)
        by_expression = np.empty((*shape, len(self.expression)), np.float32)
        by_expression[:] = self.expression.transpose(1, 2, 0)
        by_pose = np.zeros((*shape, 3 * len(joints)), np.float32)
        turns = np.tensordot(expression, self.turns, 1) + pose
        matrices = Rotation.from_rotvec(turns.reshape(-1, 3)).as_matrix().reshape(*turns.shape, 3)
        if self.correctives is not None:
            bent = (matrices - np.eye(3)).reshape(len(matrices), -1)
            points = points + np.tensordot(bent, self.correctives, 1)
        moved = points.copy()
        for joint, pivot in enumerate(joints):
            hit = np.flatnonzero(self.weights[:, joint])
            if not len(hit):
                continue
            weight = self.weights[hit, joint]
            arm = points[:, hit] - pivot
            turned = np.einsum("tij,tpj->tpi", matrices[:, joint], arm)
            moved[:, hit] += weight[:, None] * (turned - arm)
            if not derivatives:
                continue
            blended = np.eye(3) + weight[:, None, None] * (matrices[:, None, joint] - np.eye(3))
            by_expression[:, hit] = blended.astype(np.float32) @ by_expression[:, hit]
            cross = -weight[:, None, None] * _cross_matrices(turned)  # of a small turn more: turn × arm
            if self.correctives is not None:
                cross += blended @ self._bent(joint, matrices[:, joint], hit)
            by_pose[:, hit, :, 3 * joint : 3 * joint + 3] = cross
            by_expression[:, hit] += np.tensordot(cross, self.turns[:, joint], ([3], [1]))
        return Placed(moved, by_expression, by_pose)

    def _bent(self, joint: int, matrices: np.ndarray, hit: np.ndarray) -> np.ndarray:
        """What the correctives of a joint's rotations (T, 3, 3) do to landmarks by a small turn more (T, p, 3, 3)."""
        assert self.correctives is not None
        more = np.einsum("kab,tbc->ktac", _cross_matrices(np.eye(3)), matrices)
        corrective = self.correctives[9 * joint : 9 * joint + 9, hit].reshape(3, 3, len(hit), 3)
        return np.einsum("ktab,abpi->tpik", more, corrective)


def landmark_model(face_model: FaceModel) -> LandmarkModel:
    """The landmarks of a face model."""
    indices = np.flatnonzero(face_model.landmark_faces.cpu().numpy() >= 0)
    corners = face_model.faces[face_model.landmark_faces[indices]].cpu().numpy()
    shares = face_model.landmark_barycentrics[indices].cpu().numpy().astype(np.float64)

    def at(vertices: np.ndarray) -> np.ndarray:
        """Values of vertices (…, V, n) at the landmarks (…, P, n)."""
        return np.einsum("pk,...pkn->...pn", shares, vertices[..., corners, :])

    regressor = face_model.joint_regressor.cpu().numpy().astype(np.float64)
    neutral, identity, expression = (
        tensor.cpu().numpy() for tensor in (face_model.neutral, face_model.identity, face_model.expression)
    )
    correctives = face_model.pose_correctives
    return LandmarkModel(
        indices=indices,
        neutral=at(neutral),
        identity=at(identity),
        expression=at(expression),
        bias=face_model.landmark_bias[indices].cpu().numpy().astype(np.float64),
        joints=regressor @ neutral,
        joints_identity=regressor @ identity,
        weights=at(face_model.skin_weights.cpu().numpy()),
        turns=face_model.expression_pose.cpu().numpy().astype(np.float64),
        correctives=None if correctives is None else at(correctives.cpu().numpy().astype(np.float64)),
    )


def _cross_matrices(vectors: np.ndarray) -> np.ndarray:
    """[v]× of (…, 3) → (…, 3, 3), with [v]× w = v × w."""
    x, y, z = np.moveaxis(vectors, -1, 0)
    zero = np.zeros_like(x)
    return np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*vectors.shape, 3)
