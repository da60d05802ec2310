"""The face model: a mesh that identity, expression and pose move."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, fields, replace
from enum import IntEnum
from functools import cached_property

import torch
from torch import Tensor

LANDMARKS = 478
"""Of MediaPipe's face mesh: 468 of the face, then 5 of the subject's right iris and 5 of the left one."""


class Region(IntEnum):
    """What a triangle of a face model shows; the numbers stand in files."""

    SKIN = 0
    UPPER_FACE = 1
    LIPS = 2
    MOUTH_INSIDE = 3
    TEETH = 4
    EYES = 5
    SCALP = 6
    NECK = 7


@dataclass(frozen=True, kw_only=True)
class FaceModel:
    """A linear face with joints. V vertices, F triangles, I identity and E expression components, J joints.

    Head space, metres: +Z up, the face looks along −Y, the origin between the ears. Left is the subject's left, +X.

    Attributes:
        name: ``dgtalker`` or ``flame``.
        neutral: the mean face at rest, float32 (V, 3).
        identity: offsets per standard deviation, float32 (I, V, 3).
        expression: offsets at full expression (E, V, 3), ARKit's blendshapes in the order of their names; of FLAME's
            bare file its components, per standard deviation.
        expression_names: (E,).
        expression_pose: how far an expression turns each joint, axis-angle (E, J, 3): ARKit's eyeLook… turn the eyes,
            and FLAME's jawOpen turns its jaw.
        faces: triangles, counter-clockwise from outside, int64 (F, 3).
        uv: float32 (V, 2), 0–1.
        regions: `Region` of each triangle, uint8 (F,).
        joint_names: (J,).
        joint_parents: index of each joint's parent, which comes before it; −1 for the head itself (J,).
        joint_regressor: (J, V), a joint's place as weights of the vertices at rest; rows add up to 1.
        skin_weights: (V, J); what is left to 1 stays with the head.
        pose_correctives: offsets per entry of the joints' rotations minus the identity (9 J, V, 3), or None.
        landmark_faces: the triangle that each of MediaPipe's landmarks lies on, int64 (`LANDMARKS`,); −1: none.
        landmark_barycentrics: where in it (`LANDMARKS`, 3).
        landmark_bias: how far beside those places, metres, MediaPipe sees its landmarks on faces that look along −Y or
            nearly: at the outline, for one, they slide over the skin (`LANDMARKS`, 3).
        made_of: digests of what the model was computed from as it was opened; empty where its file has all of it.
        file: where the user's file lies; empty for the model that the engine brings.
    """

    name: str
    neutral: Tensor
    identity: Tensor
    expression: Tensor
    expression_names: tuple[str, ...]
    expression_pose: Tensor
    faces: Tensor
    uv: Tensor
    regions: Tensor
    joint_names: tuple[str, ...]
    joint_parents: tuple[int, ...]
    joint_regressor: Tensor
    skin_weights: Tensor
    pose_correctives: Tensor | None
    landmark_faces: Tensor
    landmark_barycentrics: Tensor
    landmark_bias: Tensor = field(default_factory=lambda: torch.zeros(LANDMARKS, 3))
    made_of: tuple[str, ...] = ()
    file: str = ""

    def vertices(self, identity: Tensor, expression: Tensor, pose: Tensor | None = None) -> Tensor:
        """The posed mesh in head space, metres (…, V, 3); differentiable.

        Equation 10 of GaussianTalker, v = LBS(v_base + BS({β; ε; ψ}), J(ψ), W), which is FLAME's (Li et al. 2017).

        Args:
            identity: β, in standard deviations (…, I), or shorter: the components that are left out are 0.
            expression: ε (…, E), or shorter.
            pose: ψ, the joints' rotations beside what the expression turns, axis-angle (…, J, 3). The leading
                dimensions of all three broadcast.
        """
        turns = _combine(expression, self.expression_pose)
        rotations = rotation_matrices(turns if pose is None else turns + pose)
        shaped = self.neutral + _combine(identity, self.identity) + _combine(expression, self.expression)
        joints = self.joint_regressor @ shaped
        if self.pose_correctives is not None:
            bent = rotations - torch.eye(3, dtype=rotations.dtype, device=rotations.device)
            shaped = shaped + _combine(bent.flatten(-3), self.pose_correctives)
        return self._skin(shaped, joints, rotations)

    def _skin(self, vertices: Tensor, joints: Tensor, rotations: Tensor) -> Tensor:
        """Linear blend skinning of vertices (…, V, 3) about joints (…, J, 3) by rotations (…, J, 3, 3)."""
        turned: list[Tensor] = []
        moved: list[Tensor] = []
        for joint, parent in enumerate(self.joint_parents):
            turn, pivot = rotations[..., joint, :, :], joints[..., joint, :]
            shift = pivot - (turn @ pivot[..., None])[..., 0]
            if parent >= 0:
                shift = (turned[parent] @ shift[..., None])[..., 0] + moved[parent]
                turn = turned[parent] @ turn
            turned.append(turn)
            moved.append(shift)
        # The head itself stays; so only differences from the identity need blending.
        identity = torch.eye(3, dtype=vertices.dtype, device=vertices.device)
        turn = torch.stack(turned, -3) - identity
        blended = (self.skin_weights @ turn.flatten(-2)).unflatten(-1, (3, 3))
        shift = self.skin_weights @ torch.stack(moved, -2)
        return vertices + (blended @ vertices[..., None])[..., 0] + shift

    def displacements(self) -> Tensor:
        """How far each expression alone moves the mean face's vertices, with the joints that it turns (E, V, 3)."""
        count = len(self.expression)
        return self.vertices(self.neutral.new_zeros(0), torch.eye(count).to(self.neutral)) - self.neutral

    def landmarks(self, vertices: Tensor) -> Tensor:
        """MediaPipe's landmarks on a posed mesh: (…, V, 3) → (…, `LANDMARKS`, 3); NaN where the model has none."""
        corners = vertices[..., self.faces[self.landmark_faces.clamp_min(0)], :]
        points = (corners * self.landmark_barycentrics[..., None]).sum(-2)
        return points.masked_fill((self.landmark_faces < 0)[:, None], torch.nan)

    def to(self, device: torch.device | str) -> FaceModel:
        """The same model with its tensors on another device."""
        tensors = {one.name: getattr(self, one.name) for one in fields(self)}
        return replace(self, **{name: t.to(device) for name, t in tensors.items() if isinstance(t, Tensor)})

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the model: what a clip was fitted with.

        Of a model that is computed it is that of its sources, since another processor rounds otherwise. The landmarks'
        bias is no part of it: tracks hold where a face's landmarks lie, and mean the same face with another one.
        """
        digest = hashlib.sha256()
        if self.made_of:
            digest.update(" ".join((self.name, *self.made_of)).encode())
            return digest.hexdigest()
        for name in (one.name for one in fields(self)):
            if name in ("landmark_bias", "made_of", "file"):
                continue
            value = getattr(self, name)
            digest.update(name.encode())
            digest.update(value.cpu().numpy().tobytes() if isinstance(value, Tensor) else repr(value).encode())
        return digest.hexdigest()


def rotation_matrices(turns: Tensor) -> Tensor:
    """Axis-angle (…, 3), radians → (…, 3, 3) by Rodrigues' formula; differentiable at no rotation too."""
    square = turns.square().sum(-1)[..., None, None]
    small = square < 1e-8
    safe = square.masked_fill(small, 1.0)
    angle = safe.sqrt()
    first = torch.where(small, 1 - square / 6, angle.sin() / angle)
    second = torch.where(small, 0.5 - square / 24, (1 - angle.cos()) / safe)
    x, y, z = turns.unbind(-1)
    zero = torch.zeros_like(x)
    cross = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).unflatten(-1, (3, 3))
    return torch.eye(3, dtype=turns.dtype, device=turns.device) + first * cross + second * (cross @ cross)


def _combine(weights: Tensor, offsets: Tensor) -> Tensor:
    """Σₖ weights (…, k) · offsets (K, n, 3), the first k of them → (…, n, 3)."""
    used = offsets[: weights.shape[-1]]
    return (weights @ used.flatten(1)).unflatten(-1, offsets.shape[1:])
