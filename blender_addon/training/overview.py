"""The jobs of this user as panels show them, read from their folders beside Blender's main thread. Needs no Blender."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire import jobs
from dgtalker_engine.wire.jobs import Job, State
from dgtalker_engine.wire.jobs.folder import REQUEST

from .. import systems
from . import pictures


@dataclass(frozen=True, kw_only=True, eq=False)
class Picture:
    """A job's newest preview.

    Attributes:
        stamp: when it was written, so that it is read once.
        pixels: `pictures.icon`; None where it could not be read.
    """

    stamp: int
    pixels: np.ndarray | None


@dataclass(frozen=True, kw_only=True)
class JobView:
    """What is known of a job at one moment.

    Attributes:
        job: its folder.
        request: what it is to do.
        state: what has become of it.
        stopping: it runs, and was asked to stop.
        discarded: it was asked to stop because it is to be removed.
        progress: its last line: stage, step, of, and of all stages fraction, seconds, eta.
        error: why it failed.
        result: what its trainer returned.
        picture: its newest preview.
        output_there: whether the file that it writes is there.
        output_is_newer: whether that was written after the job was made: nobody has agreed to replace it.
    """

    job: Job
    request: jobs.Request
    state: State
    stopping: bool = False
    discarded: bool = False
    progress: Mapping[str, Any]
    error: str = ""
    result: Mapping[str, Any]
    picture: Picture | None = None
    output_there: bool = False
    output_is_newer: bool = False

    @property
    def id(self) -> str:
        return self.job.folder.name

    @property
    def name(self) -> str:
        """Of the head."""
        return Path(self.request.output).stem

    @property
    def busy(self) -> bool:
        """Whether it changes by itself."""
        return self.state is State.RUNNING

    @property
    def fraction(self) -> float:
        """How much of it is done, 0 to 1."""
        if self.state is State.FINISHED:
            return 1.0
        return min(1.0, max(0.0, self._number("fraction")))

    @property
    def stage_text(self) -> str:
        """What it is doing, and how much of that is done: ``Tracking the face: 40%``; empty where it has not said."""
        stage = str(self.progress.get("stage", ""))
        step, of = self._number("step"), self._number("of")
        done = f": {min(1.0, step / of):.0%}" if stage and of > 0 else ""
        return f"{STAGES.get(stage, stage.capitalize())}{done}"

    @property
    def state_text(self) -> str:
        """One or two words for its state."""
        if self.discarded:
            return "Removing…"
        if self.stopping:
            return "Pausing…"
        return STATE_TEXTS[self.state]

    @property
    def time_text(self) -> str:
        """How long it will take, or has taken; empty where nobody knows."""
        if self.state is State.RUNNING and not self.stopping and "eta" in self.progress:
            return f"{duration(self._number('eta'))} left"
        if self.state is State.FINISHED and self._number("seconds") > 0:
            return f"took {duration(self._number('seconds'))}"
        return ""

    def _number(self, key: str) -> float:
        value = self.progress.get(key)
        return float(value) if isinstance(value, int | float) else 0.0


STAGES = {
    "capture": "Reading the video",
    "train": "Training",
    "bake": "Making the head",
}
"""What the stages of a job are called; docs/training.md."""

STATE_TEXTS = {
    State.WAITING: "Waiting",
    State.RUNNING: "Running",
    State.CANCELLED: "Paused",
    State.INTERRUPTED: "Interrupted",
    State.FAILED: "Failed",
    State.FINISHED: "Ready",
}


def duration(seconds: float) -> str:
    """``40 s``, ``12 min``, ``1 h 05 min``: no more exact than an estimate can be."""
    if seconds < 55:
        return f"{max(5, 5 * round(seconds / 5))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def read(parent: Path, before: Sequence[JobView] = ()) -> tuple[JobView, ...]:
    """The jobs below a folder that make heads, the newest first; pictures that have not changed are not read again."""
    pictures_before = {view.id: view.picture for view in before}
    views = (_view(job, pictures_before.get(job.folder.name)) for job in reversed(jobs.known(parent)))
    return tuple(view for view in views if view is not None)


def _view(job: Job, picture: Picture | None) -> JobView | None:
    try:
        request = job.request
    except DGTalkerError:  # another version's
        return None
    if not systems.label_of(request.trainer):
        return None
    state = job.state
    return JobView(
        job=job,
        request=request,
        state=state,
        stopping=state is State.RUNNING and job.cancel_wanted,
        progress=job.progress or {},
        error=str(job.error or "") if state is State.FAILED else "",
        result=job.result or {} if state is State.FINISHED else {},
        picture=_picture(job.preview, picture),
        output_there=Path(request.output).is_file(),
        output_is_newer=_written(Path(request.output)) > _written(job.folder / REQUEST),
    )


def _written(path: Path) -> float:
    """When; 0 where it is not there."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _picture(path: Path, before: Picture | None) -> Picture | None:
    try:
        stamp = path.stat().st_mtime_ns
    except OSError:
        return before
    if before is not None and before.stamp == stamp:
        return before
    try:
        return Picture(stamp=stamp, pixels=pictures.icon(pictures.read(path)))
    except DGTalkerError:  # what was seen last stays
        return Picture(stamp=stamp, pixels=before.pixels if before else None)


class Reader:
    """Reads jobs in a thread, for whoever may not wait for a disk.

    Attributes:
        views: as last read; another tuple each time.
    """

    def __init__(self) -> None:
        self.views: tuple[JobView, ...] = ()
        self._discarded: dict[str, Job] = {}
        self._problems: dict[str, str] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @property
    def reading(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def begin(self, parent: Path) -> None:
        """Begins to read, unless it is being done."""
        if not self.reading:
            self._thread = threading.Thread(target=self.read, args=(parent,), name="dgtalker jobs", daemon=True)
            self._thread.start()

    def read(self, parent: Path) -> None:
        """Reads now; and removes what was discarded and has ended."""
        with self._lock:
            jobs.finish_removals(parent)
            for job in list(self._discarded.values()):
                self._remove(job)
            self.views = tuple(map(self._with_removal, read(parent, self.views)))

    def discard(self, job: Job) -> None:
        """Lets a job be removed as soon as it has ended, with the next reading."""
        self._problems.pop(job.folder.name, None)
        self._discarded[job.folder.name] = job

    def _remove(self, job: Job) -> None:
        try:
            gone = job.state is not State.RUNNING and jobs.remove(job)
        except DGTalkerError as error:
            self._problems[job.folder.name] = str(error)
            gone = True
        if gone:
            del self._discarded[job.folder.name]

    def _with_removal(self, view: JobView) -> JobView:
        problem = self._problems.get(view.id, "")
        return replace(view, discarded=view.id in self._discarded, error=problem or view.error)
