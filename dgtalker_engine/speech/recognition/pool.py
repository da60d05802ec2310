"""Many stretches of sound listened to at once, each processor with a process of its own.

pocketsphinx keeps Python's lock, so threads would wait for each other. The process that asks works too, and starts
helpers only where they save more time than they take to load their models. What is heard does not depend on who hears
it: every stretch begins with a recogniser that remembers nothing.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import DGTalkerError
from ..analysis.activity import Span
from ..progress import Progress
from ..sound import part
from .json_lines import receive, send

_MOST = 5
"""Processes; each holds 130 MB of models, and all of them with two hours of sound less than 1.5 GB."""

_ENOUGH = 12.0
"""Seconds of speech for which a further process is started."""

_WAIT = 0.02


@dataclass(frozen=True)
class Job:
    """Something to find out about stretches of sound, one after the other: a task of `phones.do`, and its words."""

    task: str
    spans: tuple[Span, ...]
    words: tuple[list[str], ...] = ()

    @property
    def seconds(self) -> float:
        return sum(span.end - span.start for span in self.spans)

    def sound(self, samples: np.ndarray) -> np.ndarray:
        """What there is to hear, float32 (n,)."""
        return np.concatenate([part(samples, span.start, span.end) for span in self.spans])


Do = Callable[[str, np.ndarray, Sequence[list[str]], Progress], Any]


def size(seconds: float) -> int:
    """How many processes listen to so much speech."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(min(processors, _MOST, int(seconds / _ENOUGH) + 1), 1)


def share(samples: np.ndarray, jobs: Sequence[Job], do: Do, progress: Progress, processes: int = 0) -> list[Any]:
    """Does jobs, the longest sounds of which take about a second each, and returns their answers in order.

    Args:
        samples: of the whole recording, at `sound.RATE`.
        jobs: what to do.
        do: does one of them here; helpers have it from `phones.do`.
        processes: how many work; 0 chooses.

    Raises:
        DGTalkerError: from a job, or because a helper ended unexpectedly.
        Cancelled: from `progress`; helpers end at once.
    """
    lengths = [job.seconds for job in jobs]
    work = _Work(samples, jobs, lengths, progress)
    helpers: list[_Helper] = []
    try:
        for _ in range((processes or size(sum(lengths))) - 1):
            helpers.append(_Helper(work))
        for number in work:
            report = Progress(lambda fraction, _, number=number: work.report(number, fraction))
            work.answer(number, do(jobs[number].task, jobs[number].sound(samples), jobs[number].words, report))
        work.wait()
    finally:
        for helper in helpers:
            helper.stop()
    return work.answers


class _Work:
    """The jobs that are left, shared by threads, and the answers."""

    def __init__(self, samples: np.ndarray, jobs: Sequence[Job], lengths: Sequence[float], progress: Progress) -> None:
        self.samples, self.jobs = samples, jobs
        self.answers: list[Any] = [None] * len(jobs)
        self._weights = np.array(lengths) / max(sum(lengths), 1e-9)
        self._done = np.zeros(len(jobs))
        self._progress = progress
        self._left = iter(range(len(jobs)))
        self._missing = len(jobs)
        self._changed = threading.Condition()
        self._error: DGTalkerError | None = None

    def __iter__(self) -> Iterator[int]:
        return self

    def __next__(self) -> int:
        with self._changed:
            if self._error is not None:
                raise StopIteration
            return next(self._left)

    def note(self, number: int, fraction: float) -> None:
        """How far a job is, from any thread."""
        self._done[number] = max(self._done[number], fraction)

    def report(self, number: int, fraction: float) -> None:
        """The same from the thread that waits; tells the user."""
        self.note(number, fraction)
        self._progress.report(float(self._done @ self._weights))

    def answer(self, number: int, answer: Any) -> None:
        self.note(number, 1.0)
        with self._changed:
            self.answers[number] = answer
            self._missing -= 1
            self._changed.notify()

    def fail(self, error: DGTalkerError) -> None:
        with self._changed:
            self._error = self._error or error
            self._changed.notify()

    def wait(self) -> None:
        """Until helpers have answered what they took."""
        while True:
            with self._changed:
                if self._error is not None:
                    raise self._error
                if self._missing == 0:
                    return
                self._changed.wait(_WAIT)
            self._progress.report(float(self._done @ self._weights))


class _Helper:
    """A process, and the thread that hands it jobs."""

    def __init__(self, work: _Work) -> None:
        # Ctrl-C is for the process that asks, which then ends this one.
        flags = 0
        if sys.platform == "win32":
            flags = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-m", f"{__package__}.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            creationflags=flags,
            start_new_session=True,
        )
        self._stopped = False
        self._thread = threading.Thread(target=self._work, args=(work,), name="helper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the process, whatever it does."""
        self._stopped = True
        self._process.kill()
        self._process.wait()
        self._thread.join()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what was not read any more
                stream.close()  # type: ignore[union-attr]

    def _work(self, work: _Work) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            for number in work:
                job = work.jobs[number]
                sound = job.sound(work.samples)
                header = {"task": job.task, "words": job.words, "bytes": sound.nbytes}
                send(self._process.stdin, header, sound.tobytes())
                while "answer" not in (message := receive(self._process.stdout)):
                    if "error" in message:
                        raise DGTalkerError(*message["error"])
                    work.note(number, message["fraction"])
                work.answer(number, message["answer"])
        except DGTalkerError as error:
            work.fail(error)
        except (EOFError, OSError):
            if not self._stopped:
                work.fail(
                    DGTalkerError(
                        f"A process that listens ended unexpectedly (exit code {self._process.wait()}).",
                        "The engine's log has the details; please report this.",
                    )
                )
        except (MemoryError, ValueError, KeyError, TypeError) as error:  # else nobody would know, and all would wait
            work.fail(DGTalkerError(f"Listening failed: {error!r}.", "Please report this."))
