"""A clip that nobody filmed: the face model in plain colours, talking, with tracks that are exactly right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import torch

from dgtalker_engine.capture import face_model, pictures
from dgtalker_engine.capture.clip import Clip, ClipInfo, Crop, Source, frame_path, mask_path, write_info
from dgtalker_engine.capture.face_model import FaceModel, Region
from dgtalker_engine.capture.tracks import Tracks
from dgtalker_engine.gaussians import Camera, Gaussians, render
from dgtalker_engine.gaussians.constants import SH_C0
from dgtalker_engine.training.bound_gaussians.binding import Local, bind, triangle_frames

COLOURS = {
    Region.SKIN: (0.8, 0.6, 0.5),
    Region.UPPER_FACE: (0.75, 0.55, 0.45),
    Region.LIPS: (0.7, 0.25, 0.25),
    Region.MOUTH_INSIDE: (0.15, 0.05, 0.05),
    Region.TEETH: (0.9, 0.9, 0.85),
    Region.EYES: (0.2, 0.3, 0.6),
    Region.SCALP: (0.25, 0.15, 0.1),
    Region.NECK: (0.7, 0.5, 0.4),
}


def painted(model: FaceModel, vertices: torch.Tensor) -> Gaussians:
    """A flat Gaussian on each triangle."""
    count = len(model.faces)
    local = Local(
        torch.arange(count),
        torch.full((count, 3), 1 / 3),
        torch.zeros(count, 3),
        torch.tensor([[1.0, 0, 0, 0]]).repeat(count, 1),
        torch.tensor([[0.4, 0.05, 0.4]]).log().repeat(count, 1),
    )
    means, quats, scales = bind(triangle_frames(vertices, model.faces), local)
    palette = torch.tensor([COLOURS[Region(region)] for region in range(len(Region))])
    colours = palette[model.regions.long()] + 0.1 * torch.sin(800 * model.neutral[model.faces].mean(dim=1)[:, 2:])
    return Gaussians(
        means=means,
        quats=quats,
        scales=scales,
        opacities=torch.full((count,), 0.95),
        sh=((colours - 0.5) / SH_C0)[:, None],
    )


def make_tracks(model: FaceModel, *, frames: int, size: int) -> tuple[Tracks, list[torch.Tensor]]:
    """The jaw opens and shuts, the head turns a little: tracks, and the posed meshes."""
    times = np.arange(frames) / 25
    expression = np.zeros((frames, len(model.expression_names)), np.float32)
    expression[:, model.expression_names.index("jawOpen")] = 0.3 + 0.3 * np.sin(9 * times)
    expression[:, model.expression_names.index("mouthSmileLeft")] = 0.3 + 0.3 * np.sin(5 * times)
    poses, landmarks = np.zeros((frames, 4, 4), np.float32), np.zeros((frames, 478, 3), np.float32)
    focal, meshes = 2.0 * size, []
    for i in range(frames):
        poses[i] = _pose(0.12 * np.sin(4 * times[i]))
        weights = torch.from_numpy(expression[i])
        meshes.append(model.vertices(weights[:0], weights))
        points = model.landmarks(meshes[i]).nan_to_num().numpy() @ poses[i, :3, :3].T + poses[i, :3, 3]
        landmarks[i, :, :2] = points[:, :2] / points[:, 2:] * focal + size / 2
    tracks = Tracks(
        times=times,
        landmarks=landmarks,
        arkit=expression,
        blink=np.zeros((frames, 2), np.float32),
        focal=focal,
        head_to_camera=poses,
        pose=np.zeros((frames, len(model.joint_names), 3), np.float32),
        identity=np.zeros(len(model.identity), np.float32),
        expression=expression,
        landmark_offsets=np.zeros((478, 3), np.float32),
    )
    return tracks, meshes


def make_clip(folder: Path, *, frames: int = 24, size: int = 96, shading: float = 0.0) -> Clip:
    """Writes the clip of `make_tracks` and opens it; a turn by one radian makes the head brighter by `shading`."""
    model = face_model.load()
    tracks, meshes = make_tracks(model, frames=frames, size=size)
    for folder_name in ("frames", "masks"):
        (folder / folder_name).mkdir(parents=True)
    y, x = np.mgrid[:size, :size] / size
    background = np.stack([0.3 + 0.2 * x, 0.5 + 0 * x, 0.4 + 0.3 * y], axis=2)
    for i, mesh in enumerate(meshes):
        camera = Camera(
            K=np.array([[tracks.focal, 0, size / 2], [0, tracks.focal, size / 2], [0, 0, 1]]),
            world_to_camera=tracks.head_to_camera[i].astype(np.float64),
            width=size,
            height=size,
        )
        image = render(painted(model, mesh), camera)
        bright = 1 + shading * float(np.arcsin(tracks.head_to_camera[i, 0, 1]))
        picture = bright * image.rgb + (1 - image.alpha)[..., None] * background
        frame_path(folder, i).write_bytes(pictures.encode_jpeg((picture.clip(0, 1) * 255).round().astype(np.uint8)))
        mask_path(folder, i).write_bytes(pictures.encode_png((image.alpha * 255).astype(np.uint8)))
    soundfile.write(folder / "sound.wav", np.zeros(1600, np.float32), 16000, subtype="PCM_16")
    tracks.save(folder / "tracks.safetensors")
    write_info(
        folder,
        ClipInfo(
            fps=25.0,
            size=size,
            source=Source(name="made", digest="", width=size, height=size, rotation=0, start=0.0, end=frames / 25),
            crop=Crop(x=0, y=0, side=size),
            kept=tuple(range(frames)),
            face_model=model.name,
            face_model_hash=model.digest,
        ),
    )
    return Clip.load(folder)


def _pose(yaw: float) -> np.ndarray:
    """Head space to a camera 0.75 m before the face."""
    cosine, sine = np.cos(yaw), np.sin(yaw)
    turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]])
    to_camera = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
    pose = np.eye(4)
    pose[:3, :3] = to_camera @ turn
    pose[:3, 3] = (0, 0, 0.75)
    return pose.astype(np.float32)
