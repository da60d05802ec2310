"""Shots to files of pictures."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..avatar import Avatar
from ..errors import Cancelled, DGTalkerError
from ..files import make_folder, printable, write_file
from ..gaussians import backend
from ..gaussians.constants import NOTHING_HIT
from ..kernels import thread_pool
from ..wire import Shot, ShotFrame, cryptomatte
from ..wire.passes import CHANNELS
from ..wire.provenance import xmp
from ..wire.signing import media_type
from . import pipeline
from .formats import FORMATS, Format, LayerPicture
from .frame import draw, pose
from .frame_digest import frame_digest, joined
from .passes import planes
from .signing.signer import Signer, check_kind, manifest

Progress = Callable[[float, str], None]

_WRITERS = 2
_GPU_BATCH = 16
_MEMORY = 2 << 30
"""Bytes that the pictures may take which are worked on at the same time."""
_AROUND = {"depth": NOTHING_HIT, "vector": 1e4}
"""By the kind of a pass what Blender has outside of a region; 0 for all others."""
_PIXEL_MEMORY = 60
"""Bytes of a pixel of a view layer from the renderer's floats to the file's lines."""
_NUMBER_MEMORY, _PASSES_MEMORY = 12, 200
"""Bytes of a pixel: of each number of a pass, likewise, and for what is worked out on the way to one of them."""


class Written(NamedTuple):
    """What became of a shot.

    Attributes:
        files: of all frames, in order.
        rendered: how many of them were made now; the others were there already.
    """

    files: list[Path]
    rendered: int


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How files are dealt with, as `wire.SequenceRequest` says; `signer` signs them."""

    whole: bool = False
    overwrite: bool = True
    signer: Signer | None = None


def render_sequence(
    shot: Shot,
    avatars: Sequence[Avatar],
    folder: Path,
    progress: Progress,
    format: str = "png",
    signer: Signer | None = None,
) -> Written:
    """Renders every frame of a shot to ``frame_0001.png`` and so on: see `render_files`.

    Args:
        shot: no two of its frames have the same number.
        folder: is made where it is not there. Files of the same names are replaced.
        format: one of `formats.FORMATS`.
        signer: signs them; None for none.
    """
    if len({frame.number for frame in shot.frames}) < len(shot.frames):
        raise DGTalkerError("Two frames of the shot have the same number.", "Each picture needs a file of its own.")
    folder = make_folder(folder)
    kind = FORMATS[format]
    files = [folder / f"frame_{frame.number:04d}{kind.suffix}" for frame in shot.frames]
    return render_files([shot], [avatars], files, kind, progress, Rules(signer=signer))


def render_files(
    shots: Sequence[Shot],
    avatars: Sequence[Sequence[Avatar]],
    files: Sequence[Path],
    kind: Format,
    progress: Progress,
    rules: Rules = Rules(),
) -> Written:
    """Renders frames to files, each whole or not there.

    Several frames are worked on at the same time; the files are the same as those of frames rendered one by one. A
    whole file that carries the digest of its frame is kept.

    Args:
        shots: what to render: of each layer of `kind`, otherwise one.
        avatars: of each shot, in the order of its `avatars`.
        files: where each frame goes; folders are made.
        kind: of all files.
        progress: whatever it raises ends the work at once.
        rules: about files that are there.

    Raises:
        DGTalkerError: a frame cannot be rendered or written; those that were written before stay.
    """
    hashes = [[avatar.metadata.hash for avatar in each] for each in avatars]
    consents = {avatar.metadata.hash: avatar.metadata.consent.status for each in avatars for avatar in each}
    signer = rules.signer
    if signer is not None:
        check_kind(f"picture{kind.suffix}")
    for folder in {file.parent for file in files}:
        make_folder(folder)
    todo: list[_Task] = []
    total = len(files)
    ended = threading.Event()
    layers = [*zip(shots, avatars, strict=True)]

    def posed(tasks: list[_Task]) -> list[Any]:
        with _told_of(tasks):
            return [
                (task, [pose(shot, frame, own) for (shot, own), frame in zip(layers, task.frames, strict=True)])
                for task in tasks
            ]

    def go_on(_done: float) -> None:
        """A blurred picture may be hundreds of sharp ones: nobody waits for the rest of them any more."""
        if ended.is_set():
            raise Cancelled

    def drawn(items: list[Any]) -> list[Any]:
        tasks = [task for task, _ in items]
        pictures: list[list[_Drawn]] = [[] for _ in tasks]
        with _told_of(tasks):
            for i, (shot, own) in enumerate(layers):
                frames = [task.frames[i] for task in tasks]
                seen = draw(shot, frames, [moments[i] for _, moments in items], go_on)
                for frame, picture, layer in zip(frames, seen, pictures, strict=True):
                    more = planes(shot, frame, own, picture, go_on) if kind.settings.layers else {}
                    layer.append(_Drawn(picture.rgba, picture.depth, more))
        return list(zip(tasks, pictures, strict=True))

    def encoded(items: list[Any]) -> list[Any]:
        contents: list[Any] = []
        for task, pictures in items:
            if rules.whole:
                pictures = [_on_whole_picture(shot, each) for shot, each in zip(shots, pictures, strict=True)]
            seen = sorted(
                {own[head.avatar] for own, each in zip(hashes, task.frames, strict=True) for head in each.heads}
            )
            data = _encoded(kind, shots, task, pictures, xmp(seen))
            if signer is not None:
                data = signer.sign(data, media_type(kind.suffix), manifest({hash: consents[hash] for hash in seen}))
            contents.append((task.file, data))
        return contents

    def written(items: list[Any]) -> list[Any]:
        return [write_file(file.parent, file.name, data) for file, data in items]

    def tick(finished: int) -> None:
        done = total - len(todo) + finished
        progress(done / max(1, total), f"{done} of {total} pictures")

    before = thread_pool.thread_count()
    try:
        signed_by = signer.signed_by if signer else ""
        for number, (file, *frames) in enumerate(zip(files, *(shot.frames for shot in shots), strict=True)):
            digest = joined(
                [
                    frame_digest(shot, frame, own, kind, rules.whole, signed_by)
                    for shot, frame, own in zip(shots, frames, hashes, strict=True)
                ]
            )
            if _is_wanted(file, digest, kind, rules):
                todo.append(_Task(tuple(frames), file, digest))
            progress((number + 1 - len(todo)) / total, f"{number + 1 - len(todo)} of {total} pictures")
        plan = _plan(shots, len(todo), rules.whole)
        stages = [
            pipeline.Stage(posed, "processor"),
            pipeline.Stage(drawn, plan.draws, plan.batch),
            pipeline.Stage(encoded, "processor"),
            pipeline.Stage(written, "disk"),
        ]
        thread_pool.set_thread_count(plan.threads_per_frame)
        pipeline.run(todo, stages, threads=plan.threads, ahead=plan.ahead, finish=["disk"], tick=tick)
    except MemoryError as error:
        raise DGTalkerError(
            "There is not enough memory for these pictures.", "Close other programs, or render smaller ones."
        ) from error
    finally:
        ended.set()
        thread_pool.set_thread_count(before)
    return Written(list(files), len(todo))


class _Task(NamedTuple):
    """One file to make, of a frame of each shot."""

    frames: tuple[ShotFrame, ...]
    file: Path
    digest: str


class _Drawn(NamedTuple):
    """A layer's colours float32 (H, W, 4), depth (H, W), and the numbers of its passes by name."""

    rgba: np.ndarray
    depth: np.ndarray
    planes: dict[str, np.ndarray]


def _is_wanted(file: Path, digest: str, kind: Format, rules: Rules) -> bool:
    """Whether a picture is to be made."""
    if not rules.overwrite and os.path.lexists(file):
        return False
    try:
        if kind.digest_of(file) != digest:
            return True
    except OSError as error:
        raise DGTalkerError(
            f"{printable(file)} cannot be read: {error.strerror or error}.", "Choose another folder."
        ) from error
    return rules.signer is not None and not rules.signer.is_intact(file)


def _encoded(kind: Format, shots: Sequence[Shot], task: _Task, pictures: Sequence[_Drawn], packet: str) -> bytes:
    """A file's content."""
    if not kind.settings.layers:
        return kind.encode(pictures[0].rgba, pictures[0].depth, packet, task.digest)
    metadata: dict[str, str] = {}
    for name, shot, frame in zip(kind.settings.layers, shots, task.frames, strict=True):
        metadata |= cryptomatte.metadata(name, shot, frame)
    layers = [LayerPicture(each.rgba, shot.passes, each.planes) for shot, each in zip(shots, pictures, strict=True)]
    return kind.encode_layers(layers, packet, task.digest, metadata)


def _on_whole_picture(shot: Shot, drawn: _Drawn) -> _Drawn:
    """A region's picture in the shot's, round it what Blender leaves there."""
    x, y, width, height = shot.region or (0, 0, shot.width, shot.height)

    def whole(part: np.ndarray, around: float = 0.0) -> np.ndarray:
        numbers = np.full((shot.height, shot.width, *part.shape[2:]), around, np.float32)
        numbers[y : y + height, x : x + width] = part
        return numbers

    around = {each.name: _AROUND.get(each.kind, 0.0) for each in shot.passes}
    planes = {name: whole(part, around[name]) for name, part in drawn.planes.items()}
    return _Drawn(whole(drawn.rgba), whole(drawn.depth, NOTHING_HIT), planes)


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


def _plan(shots: Sequence[Shot], count: int, whole: bool) -> _Plan:
    """Frames side by side with a thread each: threads that share a frame wait for each other at its every step. Only
    where the frames are few or large do several threads draw one."""
    processors = thread_pool.thread_count()
    shot = shots[0]
    _x, _y, width, height = (not whole and shot.region) or (0, 0, shot.width, shot.height)
    numbers = sum(CHANNELS[each.kind] for shot in shots for each in shot.passes)
    memory = _PIXEL_MEMORY * len(shots) + (_NUMBER_MEMORY * numbers + _PASSES_MEMORY if numbers else 0)
    possible = max(1, min(count, _MEMORY // (width * height * memory)))
    if backend.chosen().name == "cuda":
        batch = min(_GPU_BATCH, max(1, possible // 2))
        threads = {"processor": processors, "gpu": 1, "disk": _WRITERS}
        ahead = min(possible, 2 * batch + processors)
        return _Plan(threads=threads, threads_per_frame=1, draws="gpu", batch=batch, ahead=ahead)
    side_by_side = min(processors, possible)
    return _Plan(
        threads={"processor": side_by_side, "disk": _WRITERS},
        threads_per_frame=max(1, processors // side_by_side),
        draws="processor",
        batch=1,
        ahead=side_by_side + _WRITERS,
    )


@contextmanager
def _told_of(tasks: Sequence[_Task]) -> Iterator[None]:
    """Errors in it say which frames they are of."""
    try:
        yield
    except DGTalkerError as error:
        first, last = tasks[0].frames[0].number, tasks[-1].frames[0].number
        where = f"Frame {first}" if first == last else f"Frames {first} to {last}"
        raise DGTalkerError(f"{where}: {error.message}", error.hint, error.code) from error
