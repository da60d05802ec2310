"""Shots to folders of pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..avatar import Avatar
from ..errors import DGTalkerError
from ..files import make_folder, write_file
from ..gaussians import backend
from ..kernels import thread_pool
from ..wire import Shot, ShotFrame
from ..wire.provenance import xmp
from . import pipeline
from .formats import FORMATS
from .frame import draw, pose

Progress = Callable[[float, str], None]

_WRITERS = 2
_GPU_BATCH = 16
_MEMORY = 2 << 30
"""Bytes that the pictures may take which are worked on at the same time."""
_PIXEL_MEMORY = 60
"""Bytes of a pixel from the renderer's floats to the file's lines."""


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
            return list(zip(frames, draw(shot, frames, [posed for _, posed in items]), strict=True))

    def encoded(items: list[Any]) -> list[Any]:
        files: list[Any] = []
        for frame, (rgba, depth, _hidden) in items:
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


@dataclass(frozen=True, kw_only=True)
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
        ahead = min(possible, 2 * batch + processors)
        return _Plan(threads=threads, threads_per_frame=1, draws="gpu", batch=batch, ahead=ahead)
    count = min(processors, possible)
    return _Plan(
        threads={"processor": count, "disk": _WRITERS},
        threads_per_frame=max(1, processors // count),
        draws="processor",
        batch=1,
        ahead=count + _WRITERS,
    )


@contextmanager
def _told_of(frames: Sequence[ShotFrame]) -> Iterator[None]:
    """Errors in it say which frames they are of."""
    try:
        yield
    except DGTalkerError as error:
        first, last = frames[0].number, frames[-1].number
        where = f"Frame {first}" if first == last else f"Frames {first} to {last}"
        raise DGTalkerError(f"{where}: {error.message}", error.hint, error.code) from error
