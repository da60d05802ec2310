"""A clip of a built-in head: what a camera before it sees, in the format of captured clips."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile

from dgtalker_engine import avatar as avatars
from dgtalker_engine.capture import face_model, pictures
from dgtalker_engine.capture.clip import SOUND, Clip, ClipInfo, Crop, Source, frame_path, mask_path, write_info
from dgtalker_engine.capture.tracks import FILE, Tracks
from dgtalker_engine.gaussians import Camera, render
from dgtalker_engine.rig import ARKIT_NAMES

SIZE, FRAMES, FPS = 96, 6, 25.0
JAW = ARKIT_NAMES.index("jawOpen")


def opened(index: int) -> float:
    return 0.5 * (index % 3) / 2


def head_to_camera() -> np.ndarray:
    """From half a metre before the face, at its height."""
    pose = np.eye(4)
    pose[:3, :3] = [[1, 0, 0], [0, 0, -1], [0, 1, 0]]
    pose[:3, 3] = -pose[:3, :3] @ [0.0, -0.6, -0.02]
    return pose


def make_clip(folder: Path, head: bytes) -> Clip:
    """The head opens its mouth before a striped wall."""
    avatar, face = avatars.load(head), face_model.load()
    for name in ("frames", "masks"):
        (folder / name).mkdir(parents=True)
    focal = 1.6 * SIZE
    K = np.array([[focal, 0, SIZE / 2], [0, focal, SIZE / 2], [0, 0, 1]], np.float64)
    camera = Camera(K=K, world_to_camera=head_to_camera(), width=SIZE, height=SIZE)
    wall = np.where(np.arange(SIZE)[:, None, None] // 8 % 2, 0.7, 0.4) * np.ones((1, SIZE, 3))
    expression = np.zeros((FRAMES, len(ARKIT_NAMES)), np.float32)
    for i in range(FRAMES):
        expression[i, JAW] = opened(i)
        image = render(avatar.pose(weights_of(avatar, expression[i])), camera)
        picture = image.rgb + (1 - image.alpha[..., None]) * wall
        frame_path(folder, i).write_bytes(pictures.encode_jpeg(np.rint(picture.clip(0, 1) * 255).astype(np.uint8)))
        mask_path(folder, i).write_bytes(pictures.encode_png((image.alpha * 255).astype(np.uint8)))
    Tracks(
        times=np.arange(FRAMES) / FPS,
        landmarks=np.zeros((FRAMES, 478, 3), np.float32),
        arkit=expression,
        blink=np.zeros((FRAMES, 2), np.float32),
        focal=focal,
        head_to_camera=np.repeat(head_to_camera()[None], FRAMES, axis=0).astype(np.float32),
        pose=np.zeros((FRAMES, len(face.joint_names), 3), np.float32),
        identity=np.zeros(len(face.identity), np.float32),
        expression=expression,
        landmark_offsets=np.zeros((478, 3), np.float32),
    ).save(folder / FILE)
    soundfile.write(folder / SOUND, np.zeros(4000, np.float32), 16000)
    source = Source(name="wall.mp4", digest="", width=120, height=100, rotation=0, start=0.0, end=FRAMES / FPS)
    crop = Crop(x=20, y=2, side=96)
    info = ClipInfo(
        fps=FPS,
        size=SIZE,
        source=source,
        crop=crop,
        kept=tuple(range(FRAMES)),
        face_model=face.name,
        face_model_hash=face.digest,
    )
    write_info(folder, info)
    return Clip.load(folder)


def weights_of(avatar: avatars.Avatar, expression: np.ndarray) -> np.ndarray:
    by_name = dict(zip(ARKIT_NAMES, expression.tolist(), strict=True))
    return np.array([by_name.get(name, 0.0) for name in avatar.rig.names], np.float32)
