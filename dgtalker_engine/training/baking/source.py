"""What is baked: a model that makes Gaussians of a rig's weights, and from where it is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ...avatar.joints import Joint
from ...avatar.kinds.linear.joints import turn
from ...avatar.latents import Latents
from ...gaussians.camera import Camera
from ...gaussians.cloud import Gaussians
from ...rig import Rig

PICTURE = 512
"""Pixels of a side of the picture in which errors are counted."""
WIDTHS = {"means": 3, "quats": 4, "scales": 3, "opacities": 1, "sh": 3}
"""What controls change, and how wide a row of it is: of spherical harmonics degree 0 alone."""


@dataclass(frozen=True, kw_only=True)
class BakeSource:
    """A model of N Gaussians, and what of it the file has to keep.

    Attributes:
        pose: the Gaussians at weights float32 (C,) of the rig and latents float32 (K,), head space; always the same N
            in the same order. It is called under `torch.no_grad`.
        latents: how latents follow from weights; None: there are none, K is 0.
        rig: the controls.
        joints: what turns the Gaussians; `pose` does what they do, too.
        joint_weights: uint8 (J, N), how much of each joint's turn every Gaussian takes, in 255ths.
        lips: bool (N,), the Gaussians by which the error of the lips is measured.
        examples: float32 (S, C), expressions that the model has seen, in the order of time.
        cameras: those that saw the examples, S of them.
    """

    pose: Callable[[np.ndarray, np.ndarray], Gaussians]
    latents: Latents | None
    rig: Rig
    joints: tuple[Joint, ...]
    joint_weights: np.ndarray
    lips: np.ndarray
    examples: np.ndarray
    cameras: Sequence[Camera]

    @torch.no_grad()
    def cloud(self, weights: np.ndarray, latents: np.ndarray | None = None) -> Gaussians:
        """The Gaussians at weights, and at latents that need not follow from them, on the processor."""
        cloud = self.pose(weights, self.latents_at(weights) if latents is None else latents)
        return cloud.map(lambda tensor: tensor.detach().to("cpu", torch.float32))

    def latents_at(self, weights: np.ndarray) -> np.ndarray:
        """float32 (K,)."""
        return np.zeros(0, np.float32) if self.latents is None else self.latents.at(torch.from_numpy(weights)).numpy()

    def sculpted(self, weights: np.ndarray, latents: np.ndarray | None = None) -> dict[str, np.ndarray]:
        """By attribute float32 (N, …): the Gaussians of `cloud` as they were before the joints turned them."""
        cloud = self.cloud(weights, latents)
        arrays = {name: getattr(cloud, name).numpy().copy() for name in WIDTHS}
        vectors = np.array([weights.astype(float) @ joint.vectors(self.rig) for joint in self.joints]).reshape(-1, 3)
        pivots = np.array([joint.pivot for joint in self.joints], np.float32).reshape(-1, 3)
        for joint in reversed(range(len(self.joints))):
            one = slice(joint, joint + 1)
            turn(arrays["means"], arrays["quats"], pivots[one], self.joint_weights[one], -vectors[one])
        return arrays

    def weights(self, **values: float) -> np.ndarray:
        """float32 (C,): these, and 0 elsewhere."""
        return np.array([values.get(name, 0.0) for name in self.rig.names], np.float32)

    def pixels_per_metre(self) -> float:
        """Of the head, in a picture with sides of `PICTURE`: the mean of the cameras."""
        each = [
            PICTURE / camera.width * camera.K[0, 0] / np.linalg.norm(camera.world_to_camera[:3, 3])
            for camera in self.cameras
        ]
        return float(np.mean(each))
