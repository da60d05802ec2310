"""Many chunks of sound listened to at once, each processor with a process of its own.

pocketsphinx keeps Python's lock, so threads would wait for each other. The process that asks works too, and starts
workers only where they save more time than they take to load their models. What is recognised does not depend on who
listens: every chunk begins with a recogniser that remembers nothing.
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
from ...wire.json_lines import receive, send
from ..analysis.activity import Span
from ..progress import Stage
from ..sound import excerpt

_MOST = 4
"""Processes; each holds 130 MB of models, and all of them, with Whisper and two hours of sound, less than 1.5 GB."""

_ENOUGH = 12.0
"""Seconds of speech for which a further process is started."""

_WAIT = 0.02


@dataclass(frozen=True)
class Task:
    """Something to find out about chunks of sound, one after the other: a kind of `phones.run_task`, and its words."""

    kind: str
    spans: tuple[Span, ...]
    words: tuple[list[str], ...] = ()

    @property
    def seconds(self) -> float:
        return sum(span.end - span.start for span in self.spans)

    def sound(self, samples: np.ndarray) -> np.ndarray:
        """What there is to hear, float32 (n,)."""
        return np.concatenate([excerpt(samples, span.start, span.end) for span in self.spans])


RunTask = Callable[[str, np.ndarray, Sequence[list[str]], Stage], Any]


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def process_count(seconds: float) -> int:
    """How many processes listen to so much speech."""
    return max(min(processors(), _MOST, int(seconds / _ENOUGH) + 1), 1)


def run_tasks(
    samples: np.ndarray, tasks: Sequence[Task], run_task: RunTask, progress: Stage, *, processes: int = 0
) -> list[Any]:
    """Runs tasks, the longest sounds of which take about a second each, and returns their answers in order.

    Args:
        samples: of the whole recording, at `sound.RATE`.
        tasks: what to find out.
        run_task: runs one of them here; workers have it from `phones`.
        processes: how many work; 0 chooses.

    Raises:
        DGTalkerError: from a task, or because a worker ended unexpectedly.
        Cancelled: from `progress`; workers end at once.
    """
    lengths = [task.seconds for task in tasks]
    queue = _TaskQueue(samples, tasks, lengths, progress)
    workers: list[_Worker] = []
    try:
        for _ in range((processes or process_count(sum(lengths))) - 1):
            workers.append(_Worker(queue))
        for number in queue:
            report = Stage(lambda fraction, _, number=number: queue.report(number, fraction))
            queue.answer(
                number, run_task(tasks[number].kind, tasks[number].sound(samples), tasks[number].words, report)
            )
        queue.wait()
    finally:
        for worker in workers:
            worker.stop()
    return queue.answers


class _TaskQueue:
    """The tasks that are left, shared by threads, and the answers."""

    def __init__(self, samples: np.ndarray, tasks: Sequence[Task], lengths: Sequence[float], progress: Stage) -> None:
        self.samples, self.tasks = samples, tasks
        self.answers: list[Any] = [None] * len(tasks)
        self._weights = np.array(lengths) / max(sum(lengths), 1e-9)
        self._done = np.zeros(len(tasks))
        self._progress = progress
        self._left = iter(range(len(tasks)))
        self._missing = len(tasks)
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
        """How far a task is, from any thread."""
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
        """Until workers have answered what they took."""
        while True:
            with self._changed:
                if self._error is not None:
                    raise self._error
                if self._missing == 0:
                    return
                self._changed.wait(_WAIT)
            self._progress.report(float(self._done @ self._weights))


class _Worker:
    """A process, and the thread that hands it tasks."""

    def __init__(self, queue: _TaskQueue) -> None:
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
        self._thread = threading.Thread(target=self._run, args=(queue,), name="worker", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends the process, whatever it does."""
        self._stopped = True
        self._process.kill()
        self._process.wait()
        self._thread.join()
        for stream in (self._process.stdin, self._process.stdout):
            with suppress(OSError):  # what was not read any more
                stream.close()  # pyright: ignore[reportOptionalMemberAccess] (both are pipes)

    def _run(self, queue: _TaskQueue) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            for number in queue:
                task = queue.tasks[number]
                sound = task.sound(queue.samples)
                header = {"kind": task.kind, "words": task.words, "bytes": sound.nbytes}
                send(self._process.stdin, header, sound.tobytes())
                while "answer" not in (message := receive(self._process.stdout)):
                    if "error" in message:
                        raise DGTalkerError(*message["error"])
                    queue.note(number, message["fraction"])
                queue.answer(number, message["answer"])
        except DGTalkerError as error:
            queue.fail(error)
        except (EOFError, OSError):
            if not self._stopped:
                queue.fail(
                    DGTalkerError(
                        f"A process that listens ended unexpectedly (exit code {self._process.wait()}).",
                        "The engine's log has the details; please report this.",
                    )
                )
        except (MemoryError, ValueError, KeyError, TypeError) as error:  # else nobody would know, and all would wait
            queue.fail(DGTalkerError(f"Listening failed: {error!r}.", "Please report this."))
