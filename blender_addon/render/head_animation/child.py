"""Another Blender, without a window, that does a task of `child_script` and ends with this one. No Blender in here."""

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path
from typing import Any

from dgtalker_engine.errors import Cancelled, DGTalkerError

from ...bridge import another_blender

_SCRIPT = Path(__file__).with_name("child_script.py")
_MARK = "DGTALKER_CHILD "
_HINT = "The pictures that were rendered are kept. See the output properties, and whether the disk has room."


class Child:
    """A task that is being done; `bridge.modal.Waiting`."""

    def __init__(self, blender: str, what: str, task: dict[str, Any]) -> None:
        """Starts it.

        Args:
            blender: the program; empty where Blender is a module of the Python that runs.
            what: is being done, for progress and errors: "Encoding the film".
            task: `work` names the function of `child_script`, and `unfinished` is the path of what it makes.

        Raises:
            DGTalkerError: it cannot be started.
        """
        self._what = what
        self._fraction = 0.0
        self._error = ""
        self._is_finished = self._cancelled = False
        self._last: list[str] = []
        options = ["--background", "--factory-startup", "--python-exit-code", "1", "--python"] if blender else []
        environment = another_blender.inherited("OCIO")  # which leads to other colours
        try:
            command = [blender or sys.executable, *options, str(_SCRIPT)]
            self._process = another_blender.started(command, environment, asked=True)
        except OSError as error:
            raise DGTalkerError(f"{what}: another Blender cannot be started: {error}.", _HINT) from error
        self._reader = threading.Thread(target=self._read, args=[json.dumps(task)], daemon=True)
        self._reader.start()

    @property
    def progress(self) -> tuple[float, str]:
        return self._fraction, self._what

    @property
    def done(self) -> bool:
        return not self._reader.is_alive()

    def wait(self, seconds: float | None = None) -> bool:
        """Whether it is done, for which this waits a while, or as long as it takes."""
        self._reader.join(seconds)
        return self.done

    def cancel(self) -> None:
        self._cancelled = True
        self._process.kill()
        self._reader.join()

    def result(self) -> None:
        """Nothing, once it is done well.

        Raises:
            DGTalkerError: it failed; Cancelled where it was cancelled.
        """
        if self._cancelled:
            raise Cancelled
        if self._error or not self._is_finished:
            said = self._error or f"Blender ended with status {self._process.returncode}. {' '.join(self._last)}"
            raise DGTalkerError(f"{self._what} failed: {said.strip()}", _HINT)

    def _read(self, task: str) -> None:
        given, said = self._process.stdin, self._process.stdout
        assert given is not None
        assert said is not None
        try:
            given.write(f"{task}\n")
            given.flush()
        except OSError:  # it has ended already, and says why
            pass
        for line in said:
            if not line.startswith(_MARK):
                self._last = [*self._last, line.strip()][-3:]
                continue
            words = json.loads(line.removeprefix(_MARK))
            self._fraction = words.get("progress", self._fraction)
            self._error = words.get("error", self._error)
            self._is_finished = self._is_finished or "done" in words
        self._process.wait()
        given.close()
