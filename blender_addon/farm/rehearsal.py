"""A worker of a farm, here: another Blender, in a profile that has nothing but this extension. No Blender in here."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from pathlib import Path

from dgtalker_engine.errors import Cancelled, DGTalkerError

from ..bridge import another_blender
from .findings import Finding, from_output

MODULE = "bl_ext.user_default.dgtalker"
"""Of the extension in a worker's profile."""

MISSING = (
    "DGTalker is not installed on this worker: install its extension (the zip) and, in its preferences, its engine."
)

EXPRESSION = (
    f"import bpy, sys; 'preflight' in dir(bpy.ops.dgtalker) or sys.exit({MISSING!r}); bpy.ops.dgtalker.preflight()"
)
"""What a worker is told to run: the same as the preflight task of docs/farm/dgtalker_render.js."""

_END = 5.0
_USUAL = 40.0
"""Seconds that a rehearsal takes, about."""


class Rehearsal:
    """The preflight of a saved file in a clean profile; `bridge.modal.Waiting`."""

    def __init__(self, blender: str, file: str, extension: Path) -> None:
        """Starts it.

        Args:
            blender: the program.
            file: the .blend as it is saved.
            extension: the folder of the running extension.

        Raises:
            DGTalkerError: it cannot be started.
        """
        self._profile = tempfile.TemporaryDirectory(prefix="dgtalker-farm-", ignore_cleanup_errors=True)
        self._output = ""
        self._began = time.monotonic()
        self._cancelled = False
        try:
            shutil.copytree(
                extension,
                Path(self._profile.name) / "extensions" / "user_default" / "dgtalker",
                ignore=shutil.ignore_patterns("__pycache__"),
            )
            environment = {**another_blender.inherited(), "BLENDER_USER_RESOURCES": self._profile.name}
            self._process = another_blender.started(command(blender, file), environment, asked=False)
        except OSError as error:
            self._profile.cleanup()
            raise DGTalkerError(f"The rehearsal cannot be started: {error}.", "Is there room on the disk?") from error
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def progress(self) -> tuple[float, str]:
        passed = time.monotonic() - self._began
        return passed / (passed + _USUAL), "a worker looks at the file"

    @property
    def done(self) -> bool:
        return not self._reader.is_alive()

    def wait(self) -> None:
        self._reader.join()

    def cancel(self) -> None:
        self._cancelled = True
        self._process.kill()
        self._reader.join(_END)
        self._profile.cleanup()

    def findings(self) -> list[Finding]:
        """What the worker found, once it is done.

        Raises:
            DGTalkerError: it did not come so far, or was cancelled.
        """
        self._profile.cleanup()
        if self._cancelled:
            raise Cancelled()
        found = from_output(self._output)
        if found is None:
            said = [line.strip() for line in self._output.splitlines() if line.strip()]
            raise DGTalkerError(
                f"The worker ended with status {self._process.returncode} before it had looked at the file.",
                f"It said last: {' '.join(said[-3:])}",
            )
        return found

    def _read(self) -> None:
        self._output = self._process.communicate()[0]


def command(blender: str, file: str) -> list[str]:
    """How a worker is asked to look at a file; status 1 where there is a problem."""
    expression = ["--python-exit-code", "1", "--python-expr", EXPRESSION]
    return [blender, "--background", "--addons", MODULE, file, *expression]
