"""A process that listens too: `pool` starts it, sends it tasks on stdin, and reads their answers from stdout."""

from __future__ import annotations

import contextlib
import os
import queue
import threading
import time
from typing import IO, Any

import numpy as np

from ...errors import DGTalkerError
from ...wire.json_lines import pipes, receive, send
from ..progress import Stage
from .phones import run_task
from .recogniser import warm_up

_INTERVAL = 0.05
"""Seconds between reports of progress. They also notice that nobody waits for the answer any more."""

_Task = tuple[dict[str, Any], np.ndarray]
"""A task, and its sound."""


def main() -> None:
    """Works until stdin ends or nobody reads stdout."""
    requests, answers = pipes()
    tasks: queue.SimpleQueue[_Task] = queue.SimpleQueue()
    # It listens while the models load, which takes seconds: whoever started it may be gone before.
    threading.Thread(target=_listen, args=(requests, tasks), name="pool", daemon=True).start()
    last = 0.0

    def progress(fraction: float, text: str) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _INTERVAL:
            last = now
            send(answers, {"fraction": fraction})

    try:
        warm_up()
        while True:
            task, sound = tasks.get()
            try:
                send(answers, {"answer": run_task(task["kind"], sound, task["words"], Stage(progress))})
            except DGTalkerError as error:
                send(answers, {"error": [error.message, error.hint, error.code]})
    except OSError:  # nobody wants it any more
        os._exit(0)


def _listen(requests: IO[bytes], tasks: queue.SimpleQueue[_Task]) -> None:
    """Takes tasks, and ends the process as soon as whoever sends them has ended."""
    with contextlib.suppress(EOFError, OSError, ValueError):
        while True:
            task = receive(requests)
            tasks.put((task, np.frombuffer(requests.read(task["bytes"]), np.float32)))
    os._exit(0)


if __name__ == "__main__":
    main()
