"""Shots to folders of pictures, and a performance to a shot; what the command line does without Blender."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .. import avatar as avatars_room
from ..avatar import Avatar
from ..errors import DGTalkerError
from ..gaussians import backend
from ..kernels import thread_pool
from ..performance import Performance
from ..rig import HEAD_NAMES
from ..wire import Shot, ShotCamera, ShotFrame, ShotHead
from ..wire.provenance import xmp
from . import pipeline
from .files import make_folder, write_file
from .formats import FORMATS
from .frame import draw, pose

Progress = Callable[[float, str], None]

BUILTIN_PREFIX = "builtin:"

_FOCAL_LENGTHS = 2.4
"""Focal length of the default camera in picture heights: a portrait lens (85 mm on a film of 36 mm)."""
_MARGIN = 1.2

_WRITERS = 2
_GPU_BATCH = 16
_MEMORY = 2 << 30
"""Bytes that the pictures may take which are worked on at the same time."""
_PIXEL_MEMORY = 60
"""Bytes of a pixel from the renderer's floats to the file's lines."""


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


def render_sequence(
    shot: Shot, avatars: Sequence[Avatar], folder: Path, progress: Progress, format: str = "png"
) -> list[Path]:
    """Renders every frame of a shot to ``frame_0001.png`` and so on, each file whole or not there.

    Several frames are worked on at the same time; the files are the same as those of frames rendered one by one.

    Args:
        shot: no two of its frames have the same number.
        avatars: in the order of `shot.avatars`.
        folder: is made where it is not there. Files of the same names are replaced.
        progress: whatever it raises ends the work at once.
        format: one of `formats.FORMATS`.

    Raises:
        DGTalkerError: a frame cannot be rendered or written; those that were written before stay.
    """
    if len({frame.number for frame in shot.frames}) < len(shot.frames):
        raise DGTalkerError("Two frames of the shot have the same number.", "Each picture needs a file of its own.")
    folder = make_folder(folder)
    kind = FORMATS[format]
    hashes = [avatar.metadata.hash for avatar in avatars]
    plan = _plan(shot)

    def posed(frames: list[ShotFrame]) -> list[Any]:
        with _told_of(frames):
            return [(frame, pose(shot, frame, avatars)) for frame in frames]

    def drawn(items: list[Any]) -> list[Any]:
        frames = [frame for frame, _ in items]
        with _told_of(frames):
            return list(zip(frames, draw(shot, [posed for _, posed in items]), strict=True))

    def encoded(items: list[Any]) -> list[Any]:
        files: list[Any] = []
        for frame, (rgba, depth) in items:
            seen = sorted({hashes[head.avatar] for head in frame.heads})
            files.append((f"frame_{frame.number:04d}{kind.suffix}", kind.encode(rgba, depth, xmp(seen))))
        return files

    def written(items: list[Any]) -> list[Any]:
        return [write_file(folder, name, data) for name, data in items]

    def tick(finished: int) -> None:
        progress(finished / max(1, len(shot.frames)), f"{finished} of {len(shot.frames)} pictures")

    stages = [
        pipeline.Stage(posed, "processor"),
        pipeline.Stage(drawn, plan.draws, plan.batch),
        pipeline.Stage(encoded, "processor"),
        pipeline.Stage(written, "disk"),
    ]
    before = thread_pool.thread_count()
    thread_pool.set_thread_count(plan.threads_per_frame)
    try:
        return pipeline.run(shot.frames, stages, threads=plan.threads, ahead=plan.ahead, finish=["disk"], tick=tick)
    except MemoryError as error:
        raise DGTalkerError(
            "There is not enough memory for these pictures.", "Close other programs, or render smaller ones."
        ) from error
    finally:
        thread_pool.set_thread_count(before)


@dataclass(frozen=True)
class _Plan:
    """How a shot's frames are divided among threads.

    Attributes:
        threads: by pool.
        threads_per_frame: that draw one picture together.
        draws: the pool that draws.
        batch: pictures drawn at once.
        ahead: frames that are worked on at the same time.
    """

    threads: dict[str, int]
    threads_per_frame: int
    draws: str
    batch: int
    ahead: int


def _plan(shot: Shot) -> _Plan:
    """Frames side by side with a thread each: threads that share a frame wait for each other at its every step. Only
    where the frames are few or large do several threads draw one."""
    processors = thread_pool.thread_count()
    _x, _y, width, height = shot.region or (0, 0, shot.width, shot.height)
    possible = max(1, min(len(shot.frames), _MEMORY // (width * height * _PIXEL_MEMORY)))
    if backend.chosen().name == "cuda":
        batch = min(_GPU_BATCH, max(1, possible // 2))
        threads = {"processor": processors, "gpu": 1, "disk": _WRITERS}
        return _Plan(threads, 1, "gpu", batch, min(possible, 2 * batch + processors))
    count = min(processors, possible)
    return _Plan({"processor": count, "disk": _WRITERS}, max(1, processors // count), "processor", 1, count + _WRITERS)


@contextmanager
def _told_of(frames: Sequence[ShotFrame]) -> Iterator[None]:
    """Errors in it say which frames they are of."""
    try:
        yield
    except DGTalkerError as error:
        first, last = frames[0].number, frames[-1].number
        where = f"Frame {first}" if first == last else f"Frames {first} to {last}"
        raise DGTalkerError(f"{where}: {error.message}", error.hint, error.code) from error


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
