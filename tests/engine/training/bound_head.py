"""A head that tests train: Gaussians on the triangles of the face model, in the colours of a clip's first frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from dgtalker_engine.capture.clip import Clip
from dgtalker_engine.capture.face_model import FaceModel, Region
from dgtalker_engine.gaussians import Gaussians
from dgtalker_engine.gaussians.constants import SH_C0
from dgtalker_engine.training import Config, Run, run_loop, seed_all, setting
from dgtalker_engine.training.export import TrainedHead

OUTSIDE = (Region.SKIN, Region.UPPER_FACE, Region.LIPS, Region.EYES, Region.SCALP, Region.NECK)


@dataclass(frozen=True, kw_only=True)
class BoundConfig(Config):
    steps: int = setting(20, "how many steps to train", least=1)
    count: int = setting(4000, "Gaussians", least=1)


class BoundHead(torch.nn.Module):
    """Round Gaussians; what is learned is one brightness for all."""

    def __init__(self, config: BoundConfig, clip: Clip, face_model: FaceModel) -> None:
        super().__init__()
        random = seed_all(config.seed)
        self.face_model, self.identity = face_model, torch.from_numpy(clip.tracks.identity)
        outside = np.flatnonzero(np.isin(face_model.regions.numpy(), OUTSIDE))
        rest = self.vertices(torch.from_numpy(clip.tracks.expression[0]))
        a, b, c = (rest[face_model.faces[outside, corner]] for corner in range(3))
        area = torch.linalg.cross(b - a, c - a).norm(dim=1).numpy()
        self.triangles = outside[random.choice(len(outside), config.count, p=area / area.sum())]
        self.corners = face_model.faces[self.triangles]
        self.barycentrics = torch.from_numpy(random.dirichlet((1, 1, 1), config.count).astype(np.float32))
        self.size = float(np.sqrt(area.sum() / 2 / config.count))
        places = (rest[self.corners] * self.barycentrics[..., None]).sum(1).numpy()
        camera, frame = clip.camera(0), clip.frame(0)
        seen = places @ camera.world_to_camera[:3, :3].T + camera.world_to_camera[:3, 3]
        pixels = (seen @ camera.K.T)[:, :2] / seen[:, 2:]
        x, y = np.clip(pixels.astype(int), 0, clip.info.size - 1).T
        self.colours = torch.from_numpy(((frame[y, x] / 255 - 0.5) / SH_C0).astype(np.float32))
        self.brightness = torch.nn.Parameter(torch.ones(1))

    def vertices(self, expression: torch.Tensor, pose: torch.Tensor | None = None) -> torch.Tensor:
        return self.face_model.vertices(self.identity, expression, pose)

    def pose(self, expression: torch.Tensor, pose: torch.Tensor) -> Gaussians:
        count = len(self.corners)
        vertices = self.vertices(expression, pose)
        return Gaussians(
            means=(vertices[self.corners] * self.barycentrics[..., None]).sum(1),
            quats=torch.tensor([1.0, 0, 0, 0]).expand(count, 4),
            scales=torch.full((count, 3), self.size),
            opacities=torch.full((count,), 0.95),
            sh=(self.colours * self.brightness)[:, None],
        )


def train(config: BoundConfig, clip: Clip, face_model: FaceModel, run: Run) -> TrainedHead:
    model = BoundHead(config, clip, face_model)
    optimiser = torch.optim.SGD(model.parameters(), 0.01)

    def step(number: int) -> dict[str, torch.Tensor]:
        error = (model.brightness - 0.97).square().sum()
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
        return {"error": error}

    picture = clip.frame(0) / 255
    run_loop(config, step, {"model": model, "optimiser": optimiser}, run, preview=lambda: picture)
    return TrainedHead(pose=model.pose, triangles=model.triangles, barycentrics=model.barycentrics.numpy())
