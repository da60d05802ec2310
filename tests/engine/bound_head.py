"""Face-model heads of Gaussians for tests: clips in which one talks, and a system that learns one from a clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from dgtalker_engine.capture import face_model as face_models
from dgtalker_engine.capture import pictures
from dgtalker_engine.capture.clip import TRACKS, Clip, ClipInfo, Crop, Source, frame_path, mask_path, write_info
from dgtalker_engine.capture.face_model import FaceModel, Region
from dgtalker_engine.capture.tracks import Tracks
from dgtalker_engine.gaussians import Camera, Gaussians, render
from dgtalker_engine.gaussians.constants import SH_C0
from dgtalker_engine.rig import ARKIT_NAMES
from dgtalker_engine.training import Config, Run, run_loop, seed_all, setting
from dgtalker_engine.training.avatar_job import System
from dgtalker_engine.training.export import TrainedHead

PAINT = {
    Region.SKIN: (0.80, 0.62, 0.52),
    Region.UPPER_FACE: (0.84, 0.66, 0.56),
    Region.LIPS: (0.70, 0.30, 0.30),
    Region.EYES: (0.92, 0.92, 0.95),
    Region.SCALP: (0.25, 0.18, 0.12),
    Region.NECK: (0.30, 0.35, 0.45),
}
BACKDROP = (0.35, 0.55, 0.40)


class BoundHead(torch.nn.Module):
    """Round Gaussians on the outer triangles of the face model, evenly; what is learned is one brightness for all."""

    def __init__(self, face_model: FaceModel, identity: np.ndarray, count: int, seed: int = 0) -> None:
        super().__init__()
        random = seed_all(seed)
        self.face_model, self.identity = face_model, torch.from_numpy(identity)
        outside = np.flatnonzero(np.isin(face_model.regions.numpy(), list(PAINT)))
        rest = face_model.vertices(self.identity, torch.zeros(len(ARKIT_NAMES)))
        a, b, c = (rest[face_model.faces[outside, corner]] for corner in range(3))
        area = torch.linalg.cross(b - a, c - a).norm(dim=1).numpy()
        self.triangles = outside[random.choice(len(outside), count, p=area / area.sum())]
        self.corners = face_model.faces[self.triangles]
        self.barycentrics = torch.from_numpy(random.dirichlet((1, 1, 1), count).astype(np.float32))
        self.size = float(np.sqrt(area.sum() / 2 / count)) * 0.8
        paint = np.array([PAINT[Region(region)] for region in face_model.regions.numpy()[self.triangles]])
        self.colours = torch.from_numpy(((paint - 0.5) / SH_C0).astype(np.float32))
        self.brightness = torch.nn.Parameter(torch.ones(1))

    def pose(
        self, expression: torch.Tensor, pose: torch.Tensor | None = None, turn: torch.Tensor | None = None
    ) -> Gaussians:
        count = len(self.corners)
        vertices = self.face_model.vertices(self.identity, expression, pose)
        return Gaussians(
            means=(vertices[self.corners] * self.barycentrics[..., None]).sum(1),
            quats=torch.tensor([1.0, 0, 0, 0]).expand(count, 4),
            scales=torch.full((count, 3), self.size),
            opacities=torch.full((count,), 0.95),
            sh=(self.colours * self.brightness)[:, None],
        )

    def paint(self, clip: Clip) -> None:
        """Takes the colours of the clip's first frame."""
        places = self.pose(torch.from_numpy(clip.tracks.expression[0])).means.detach().numpy()
        camera, frame = clip.camera(0), clip.frame(0)
        seen = places @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]
        x, y = np.clip((seen @ camera.K.T)[:, :2] / seen[:, 2:], 0, clip.info.size - 1).astype(int).T
        self.colours = torch.from_numpy(((frame[y, x] / 255 - 0.5) / SH_C0).astype(np.float32))


def made_clip(folder: Path, frames: int = 8, size: int = 96, photometric: bool = True) -> Clip:
    """A clip of somebody who never was: the jaw opens, the mouth smiles, the eyes shut, the head turns a little."""
    face_model = face_models.load()
    identity = np.zeros(len(face_model.identity), np.float32)
    identity[:4] = (0.8, -0.5, 0.3, 0.6)
    head = BoundHead(face_model, identity, 5000, seed=3)
    part = np.linspace(0, 1, frames)
    expression = np.zeros((frames, len(ARKIT_NAMES)), np.float32)
    for name, values in {
        "jawOpen": 0.3 - 0.3 * np.cos(4 * np.pi * part),
        "mouthSmileLeft": 0.4 * part,
        "mouthSmileRight": 0.4 * part,
        "eyeBlinkLeft": part > 0.5,
        "eyeBlinkRight": part > 0.5,
    }.items():
        expression[:, ARKIT_NAMES.index(name)] = values
    poses = np.tile(np.eye(4, dtype=np.float32), (frames, 1, 1))
    for pose, angle in zip(poses, 0.15 * np.sin(2 * np.pi * part), strict=True):
        facing = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]])
        turn = np.array([[np.cos(angle), -np.sin(angle), 0], [np.sin(angle), np.cos(angle), 0], [0, 0, 1]])
        pose[:3, :3], pose[:3, 3] = facing @ turn, (0, -0.03, 0.7)
    tracks = Tracks(
        times=np.arange(frames) / 25,
        landmarks=np.zeros((frames, 478, 3), np.float32),
        arkit=expression,
        blink=expression[:, [ARKIT_NAMES.index(f"eyeBlink{side}") for side in ("Left", "Right")]],
        focal=2.0 * size,
        head_to_camera=poses,
        pose=np.zeros((frames, len(face_model.joint_names), 3), np.float32),
        identity=identity,
        expression=expression,
        landmark_offsets=np.zeros((478, 3), np.float32),
    )
    for folder_of_files in (folder / "frames", folder / "masks"):
        folder_of_files.mkdir(parents=True)
    K = np.array([[2.0 * size, 0, size / 2], [0, 2.0 * size, size / 2], [0, 0, 1]])
    for number, pose in enumerate(poses):
        camera = Camera(K=K, world_to_camera=pose.astype(float), width=size, height=size)
        with torch.no_grad():
            image = render(head.pose(torch.from_numpy(expression[number])), camera, background=BACKDROP)
        picture = np.rint(np.clip(image.rgb, 0, 1) * 255).astype(np.uint8)
        frame_path(folder, number).write_bytes(pictures.encode_jpeg(picture))
        mask_path(folder, number).write_bytes(pictures.encode_png(np.rint(255 * image.alpha).astype(np.uint8)))
    tracks.save(folder / TRACKS)
    info = ClipInfo(
        fps=25.0,
        size=size,
        source=made_source(size, frames),
        crop=Crop(x=0, y=0, side=size),
        kept=tuple(range(frames)),
        face_model=face_model.name,
        face_model_hash=face_model.digest,
        photometric=photometric,
    )
    write_info(folder, info)
    return Clip.load(folder)


def made_source(size: int, frames: int) -> Source:
    return Source(name="made.mp4", digest="", width=size, height=size, rotation=0, start=0.0, end=frames / 25)


@dataclass(frozen=True, kw_only=True)
class BoundConfig(Config):
    steps: int = setting(20, "how many steps to train", least=1)
    count: int = setting(1500, "Gaussians", least=1)


def system_that(each_step: Callable[[int], None] = lambda number: None) -> System:
    """A system that learns a `BoundHead`; `each_step` is told the number of every step."""

    def train(config: BoundConfig, clip: Clip, face_model: FaceModel, run: Run) -> TrainedHead:
        model = BoundHead(face_model, clip.tracks.identity, config.count, config.seed)
        model.paint(clip)
        optimiser = torch.optim.SGD(model.parameters(), 0.05)

        def step(number: int) -> dict[str, torch.Tensor]:
            each_step(number)
            error = (model.brightness - 0.97).square().sum()
            optimiser.zero_grad()
            error.backward()
            optimiser.step()
            return {"error": error}

        run_loop(config, step, {"model": model, "optimiser": optimiser}, run)
        return TrainedHead(
            pose=model.pose,
            pose_with=lambda expression, pose, _latents: model.pose(expression, pose),
            latents=None,
            triangles=model.triangles,
            barycentrics=model.barycentrics.numpy(),
            neck=np.zeros(len(model.triangles), bool),
        )

    return System(name="bound", config=BoundConfig, train=train)
