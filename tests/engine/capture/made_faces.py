"""Talking faces whose truth is known: what the fit is given, and what it should find."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from dgtalker_engine.capture import face_model
from dgtalker_engine.rig import ARKIT_NAMES

TOWARDS_CAMERA = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
"""Head space to a camera that looks the face in the eyes."""


@dataclass(frozen=True)
class MadeFace:
    """A face over T frames, and its landmarks in pictures of `size` pixels."""

    size: int
    focal: float
    times: np.ndarray
    identity: np.ndarray
    expression: np.ndarray
    head_to_camera: np.ndarray
    landmarks: np.ndarray

    @property
    def blink(self) -> np.ndarray:
        return self.expression[:, [ARKIT_NAMES.index(f"eyeBlink{side}") for side in ("Left", "Right")]]


def made_face(*, frames: int = 20, size: int = 512, noise: float = 0.0, seed: int = 0, focal: float = 2.0) -> MadeFace:
    """A person who talks, blinks once, smiles, looks around and turns the head.

    Args:
        noise: of the landmarks, pixels.
        focal: in sides of the picture; the face is as large with any.
    """
    random = np.random.default_rng(seed)
    model = face_model.load()
    phase = np.arange(frames) / max(frames - 1, 1)
    expression = np.zeros((frames, 52))

    def act(name: str, curve: np.ndarray) -> None:
        expression[:, ARKIT_NAMES.index(name)] = curve

    act("jawOpen", 0.4 * np.maximum(0, np.sin(6 * np.pi * phase)))
    act("mouthSmileLeft", 0.4 * phase)
    act("mouthSmileRight", 0.3 * phase)
    act("browInnerUp", 0.5 * (1 - phase))
    for side in ("Left", "Right"):
        act(f"eyeBlink{side}", np.exp(-(((phase - 0.5) / 0.06) ** 2)))
    act("eyeLookOutLeft", 0.4 * phase)
    act("eyeLookInRight", 0.4 * phase)
    identity = 0.7 * random.standard_normal(len(model.identity))
    turns = np.stack([0.1 * np.sin(5 * phase), 0.15 * np.cos(4 * phase), 0.05 * np.sin(3 * phase)], 1)
    poses = np.tile(np.eye(4), (frames, 1, 1))
    poses[:, :3, :3] = Rotation.from_rotvec(turns).as_matrix() @ TOWARDS_CAMERA
    poses[:, :3, 3] = np.array([0.01, 0.01, 0.375 * focal]) + 0.01 * np.stack([phase, np.sin(4 * phase), phase], 1)
    vertices = model.vertices(
        torch.tensor(identity, dtype=torch.float32), torch.tensor(expression, dtype=torch.float32)
    )
    points = (model.landmarks(vertices) + model.landmark_bias).numpy().astype(np.float64)
    there = points @ poses[:, :3, :3].transpose(0, 2, 1) + poses[:, None, :3, 3]
    focal *= size
    pixels = focal * there[..., :2] / there[..., 2:] + size / 2
    depth = (there[..., 2] - poses[:, 2:3, 3]) * focal / poses[:, 2:3, 3]
    landmarks = np.concatenate([pixels, depth[..., None]], -1)
    landmarks[..., :2] += noise * random.standard_normal(pixels.shape)
    return MadeFace(
        size=size,
        focal=focal,
        times=np.arange(frames) / 25,
        identity=identity.astype(np.float32),
        expression=expression.astype(np.float32),
        head_to_camera=poses,
        landmarks=landmarks.astype(np.float32),
    )
