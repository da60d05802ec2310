"""What the process of a job does: the trainer that its request names, told about through its folder."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import Cancelled, DGTalkerError
from ..files import no_link, write_whole
from ..wire.jobs import Job, Request
from ..wire.jobs.folder import LOCK, LOG, PROGRESS
from ..wire.jobs.lock import keep_from_children, try_lock
from .loop import Interrupted, Progress, Run

Trainer = Callable[[Request, Run], Mapping[str, Any]]
"""Trains what is requested, writes it, and returns what JSON can hold of its figures.

A trainer that is called again after it was ended anywhere goes on from the checkpoint in `Run.folder`.
"""

_LOCK_SECONDS = 5.0


def run_job(
    folder: Path, trainers: Mapping[str, Trainer], encode: Callable[[np.ndarray], bytes], *, lock: int | None = None
) -> int:
    """Runs a job to its end in this process, unless another process does.

    Args:
        folder: of the job.
        trainers: by name.
        encode: makes a PNG file of a picture (H, W, 3), sRGB from 0 to 1.
        lock: an inherited descriptor that holds the job's lock; None to take it here.

    Returns:
        The process's exit code: 1 where the job failed, else 0.
    """
    job = Job(folder)
    request = job.request  # before anything is written: this may be the folder of something else
    # Kept until the process ends.
    held = lock if lock is not None else _take_lock(folder)
    if held is None:
        return 0
    os.set_inheritable(held, False)
    keep_from_children(held)
    try:
        job.record_process(os.getpid())
        with _surroundings(job, encode) as run:
            run.check()
            job.record_result(_trainer(request.trainer, trainers)(request, run))
    except (Cancelled, Interrupted):
        return 0
    except DGTalkerError as error:
        return _failed(job, error)
    except Exception as error:  # noqa: BLE001 (raised further, it would have torch taken apart while the lock is held)
        traceback.print_exc()
        return _failed(
            job, DGTalkerError(f"The training failed: {error!r}.", f"{folder / LOG} says where.", "internal")
        )
    return 0


def _failed(job: Job, error: DGTalkerError) -> int:
    try:
        job.record_error(error)
    except DGTalkerError as unwritten:  # the disk may be what it failed of
        print(error, unwritten, sep="\n", file=sys.stderr)
    return 1


def _take_lock(folder: Path) -> int | None:
    # On Windows whoever starts a job holds its lock until the process is started.
    ends = time.monotonic() + _LOCK_SECONDS
    while (lock := try_lock(folder / LOCK)) is None and time.monotonic() < ends:
        time.sleep(0.05)
    return lock


def _trainer(name: str, trainers: Mapping[str, Trainer]) -> Trainer:
    if name not in trainers:
        hint = f"It has: {', '.join(sorted(trainers))}." if trainers else "Install a newer engine."
        raise DGTalkerError(f"This engine has no trainer {name!r}.", hint)
    return trainers[name]


@contextlib.contextmanager
def _surroundings(job: Job, encode: Callable[[np.ndarray], bytes]) -> Iterator[Run]:
    with open(job.folder / PROGRESS, "ab+", buffering=0, opener=no_link) as lines:
        if lines.tell():
            lines.seek(-1, os.SEEK_END)
            if lines.read(1) != b"\n":
                lines.write(b"\n")  # a process was killed in the middle of a line

        def progress(progress: Progress) -> None:
            lines.write(json.dumps(progress.to_json()).encode() + b"\n")

        def show(picture: np.ndarray) -> None:
            # Windows refuses while somebody reads the last one; the next picture comes soon.
            with contextlib.suppress(DGTalkerError):
                write_whole(job.preview, encode(picture))

        yield Run(folder=job.folder, progress=progress, show=show, cancelled=lambda: job.cancel_wanted)
