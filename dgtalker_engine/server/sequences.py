"""Shots to folders of pictures, and a performance to a shot; what the command line does without Blender."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from .. import avatar as avatars_room
from ..avatar import Avatar
from ..errors import DGTalkerError
from ..performance import Performance
from ..rig import HEAD_NAMES
from ..wire import Shot, ShotCamera, ShotFrame, ShotHead
from .files import make_folder, png, write_file
from .pictures import render_frame

Progress = Callable[[float, str], None]

BUILTIN_PREFIX = "builtin:"

_FOCAL_LENGTHS = 2.4
"""Focal length of the default camera in picture heights: a portrait lens (85 mm on a film of 36 mm)."""
_MARGIN = 1.2


def open_avatar(name: str, folder: Path = Path()) -> Avatar:
    """The avatar of a .dgt file, relative to `folder`, or of ``builtin:NAME``; a bare built-in name does too."""
    if name.startswith(BUILTIN_PREFIX) or (name in avatars_room.BUILTIN_NAMES and not (folder / name).exists()):
        return avatars_room.load(avatars_room.builtin(name.removeprefix(BUILTIN_PREFIX)))
    path = folder / name
    file = avatars_room.dgt.read(path)
    try:
        return avatars_room.load(file)
    except DGTalkerError as error:
        raise DGTalkerError(f"The avatar {path} cannot be used: {error.message}", error.hint) from error


def load_shot(path: Path) -> Shot:
    """Raises DGTalkerError when the file cannot be read or is not a Shot."""
    try:
        return Shot.from_json(path.read_bytes())
    except OSError as error:
        raise DGTalkerError(f"{path} cannot be read: {error.strerror}.") from error


def render_sequence(shot: Shot, avatars: Sequence[Avatar], folder: Path, progress: Progress) -> list[Path]:
    """Renders every frame of a shot to ``frame_0001.png`` and so on, each file whole or not there."""
    folder = make_folder(folder)
    hashes = [avatar.metadata.hash for avatar in avatars]
    written: list[Path] = []
    for done, frame in enumerate(shot.frames):
        progress(done / len(shot.frames), f"Rendering frame {frame.number}")
        rgba, _depth = render_frame(shot, frame, avatars)
        seen = sorted({hashes[head.avatar] for head in frame.heads})
        written.append(write_file(folder, f"frame_{frame.number:04d}.png", png(rgba, seen)))
    return written


def talking_shot(avatar: Avatar, name: str, performance: Performance, size: int) -> Shot:
    """A square picture of one avatar from the front for every frame of a performance."""
    camera = front_camera(avatar, size)
    frames = tuple(
        ShotFrame(i + 1, camera, (ShotHead(0, _turned(performance, i), _weights(performance, i)),))
        for i in range(performance.frames)
    )
    return Shot(size, size, (name,), frames)


def front_camera(avatar: Avatar, size: int) -> ShotCamera:
    """Looks along +Y at the middle of the avatar's proxy mesh, so that all of it is in the picture."""
    vertices = avatar.proxy.vertices
    low, high = vertices.min(axis=0).astype(float), vertices.max(axis=0).astype(float)
    middle, extent = (low + high) / 2, high - low
    distance = max(extent[0], extent[2]) * _MARGIN * _FOCAL_LENGTHS
    focal, centre = size * _FOCAL_LENGTHS, size / 2
    K = (focal, 0.0, centre, 0.0, focal, centre, 0.0, 0.0, 1.0)
    to_camera = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
    position = np.array([middle[0], low[1] - distance, middle[2]])
    world_to_camera = np.eye(4)
    world_to_camera[:3, :3] = to_camera
    world_to_camera[:3, 3] = -to_camera @ position
    return ShotCamera(K, tuple(world_to_camera.ravel().tolist()))


def _weights(performance: Performance, frame: int) -> dict[str, float]:
    values = zip(performance.names, performance.weights[frame].tolist(), strict=True)
    return {name: value for name, value in values if name not in HEAD_NAMES}


def _turned(performance: Performance, frame: int) -> tuple[float, ...]:
    yaw, pitch, roll = (float(performance.curve(name)[frame]) for name in HEAD_NAMES)
    about_x = _rotation(1, 2, pitch)
    about_y = _rotation(2, 0, roll)
    about_z = _rotation(0, 1, yaw)
    return tuple((about_z @ about_y @ about_x).ravel().tolist())


def _rotation(first: int, second: int, angle: float) -> np.ndarray:
    """Right-handed rotation that turns axis `first` towards axis `second`, (4, 4)."""
    matrix = np.eye(4)
    matrix[first, first] = matrix[second, second] = np.cos(angle)
    matrix[second, first], matrix[first, second] = np.sin(angle), -np.sin(angle)
    return matrix
