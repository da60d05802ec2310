"""A head of Gaussians for tests and benches: a skull with skin, hair, eyes, brows, lips and a nose. Head space."""

from __future__ import annotations

import math

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from dgtalker_engine.gaussians import Camera, Gaussians
from dgtalker_engine.gaussians.constants import SH_C0

RADII = np.array([0.078, 0.100, 0.125])


def head_cloud(count: int, *, degree: int = 0, seed: int = 0) -> Gaussians:
    """`count` Gaussians, flat ones along the surface and a thick layer of hair."""
    random = np.random.default_rng(seed)
    direction = random.normal(size=(count, 3))
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    normal = direction / RADII
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    front, side, up = -direction[:, 1], direction[:, 0], direction[:, 2]
    hair = (up > 0.55) | ((front < 0.35) & (up > -0.35))

    nose = 0.022 * np.exp(-(side**2) / 0.012 - (up + 0.05) ** 2 / 0.03) * (front > 0)
    lift = np.where(hair, random.normal(0.006, 0.005, count), random.normal(0, 0.0006, count))
    means = direction * RADII + normal * lift[:, None] + np.array([0, -1.0, 0]) * nose[:, None]

    tangent = random.normal(size=(count, 3))
    tangent -= normal * (tangent * normal).sum(axis=1, keepdims=True)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    frames = np.stack([tangent, np.cross(normal, tangent), normal], axis=2)
    long = 0.0016 * math.sqrt(50_000 / count) * np.exp(random.normal(0, 0.35, count)) * np.where(hair, 1.6, 1.0)
    short = long * np.exp(-np.abs(random.normal(0, 0.5, count))) * np.where(hair, 0.5, 1.0)
    scales = np.stack([long, short, 0.25 * short], axis=1)

    colour = np.array([0.80, 0.58, 0.48]) * (0.75 + 0.3 * front[:, None].clip(0))
    colour[hair] = (0.20, 0.13, 0.09)
    shade(colour, front, side, up, 0.30, 0.16, 0.105, (0.93, 0.93, 0.92))
    shade(colour, front, side, up, 0.30, 0.16, 0.060, (0.15, 0.25, 0.35))
    shade(colour, front, side, up, 0.30, 0.16, 0.026, (0.02, 0.02, 0.02))
    face = front > 0.3
    colour[
        face & (np.abs(np.abs(side) - 0.30) < 0.14) & (np.abs(up - 0.34 + 0.4 * (np.abs(side) - 0.3) ** 2) < 0.03)
    ] = 0.2
    colour[face & ((side / 0.27) ** 2 + ((up + 0.47) / 0.075) ** 2 < 1)] = (0.68, 0.28, 0.28)
    colour[face & ((side / 0.22) ** 2 + ((up + 0.47) / 0.012) ** 2 < 1)] = (0.25, 0.06, 0.06)
    colour = (colour + random.normal(0, 0.02, (count, 3))).clip(0, 1)

    opacities = np.where(random.random(count) < 0.5, random.uniform(0.85, 0.999, count), random.beta(1.2, 1.6, count))
    sh = np.zeros((count, (degree + 1) ** 2, 3))
    sh[:, 0] = (colour - 0.5) / SH_C0
    sh[:, 1:] = random.normal(0, 0.06, sh[:, 1:].shape)
    arrays = {
        "means": means,
        "quats": Rotation.from_matrix(frames).as_quat(scalar_first=True),
        "scales": scales,
        "opacities": opacities.clip(0.004, 0.999),
        "sh": sh,
    }
    return Gaussians(**{name: torch.from_numpy(array.astype(np.float32)) for name, array in arrays.items()})


def shade(colour, front, side, up, x, z, radius, value) -> None:
    """Colours two discs of the face, one on each side."""
    inside = (np.abs(side) - x) ** 2 + (up - z) ** 2 < radius**2
    colour[inside & (front > 0.3)] = value


def look_at(
    eye, width: int, height: int, *, filling: float = 0.8, orthographic: bool = False, near: float = 0.01
) -> Camera:
    """A camera at `eye` that looks at the origin; the head's 0.25 m fill that part of the picture's height."""
    eye = np.asarray(eye, float)
    forward = -eye / np.linalg.norm(eye)
    right = np.cross(forward, (0, 0, 1))
    right /= np.linalg.norm(right)
    world_to_camera = np.eye(4)
    world_to_camera[:3, :3] = np.stack([right, np.cross(forward, right), forward])
    world_to_camera[:3, 3] = -world_to_camera[:3, :3] @ eye
    focal = filling * height / 0.25 * (1 if orthographic else np.linalg.norm(eye))
    K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    return Camera(
        K=K, world_to_camera=world_to_camera, width=width, height=height, orthographic=orthographic, near=near
    )
