"""A process that listens too: `pool` starts it, sends it tasks on stdin, and reads their answers from stdout."""

from __future__ import annotations

import os
import sys
import time

import numpy as np

from ...errors import DGTalkerError
from ...wire.json_lines import receive, send
from ..progress import Stage
from .phones import run_task
from .recogniser import warm_up

_INTERVAL = 0.05
"""Seconds between reports of progress. They also notice that nobody waits for the answer any more."""


def main() -> None:
    """Works until stdin ends or nobody reads stdout."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print belongs in the log
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
            task = receive(sys.stdin.buffer)
            sound = np.frombuffer(sys.stdin.buffer.read(task["bytes"]), np.float32)
            try:
                send(answers, {"answer": run_task(task["kind"], sound, task["words"], Stage(progress))})
            except DGTalkerError as error:
                send(answers, {"error": [error.message, error.hint, error.code]})
    except (EOFError, OSError):  # the work is done, or nobody wants it any more
        os._exit(0)


if __name__ == "__main__":
    main()
