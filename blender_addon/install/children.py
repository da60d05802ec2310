"""Programs that an installation runs: their output goes into its log, and they end with it. No Blender."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.files import no_link

from .control import Control

LOG = "install.log"
_POLL = 0.1


class Children:
    """Runs programs one after the other; cancel ends the one that runs.

    Args:
        folder: of the log, and that they run in.
        control: of the installation.
        lock: the descriptor of the installation's lock, which they inherit: whoever comes next waits for them, too.
    """

    def __init__(self, folder: Path, control: Control, lock: int) -> None:
        self._log, self.control, self._lock = folder / LOG, control, lock

    def run(self, what: str, command: Sequence[object], watch: Callable[[], None] = lambda: None) -> str:
        """What it printed, once it has ended well. `watch` is called meanwhile.

        Raises:
            DGTalkerError: it failed.
            Cancelled: by the control.
        """
        # Neither Blender's variables nor pip's files and variables have a say in what is installed.
        variables = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PIP_"))}
        variables |= {"PIP_CONFIG_FILE": os.devnull, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONUTF8": "1"}
        inherited = {} if sys.platform == "win32" else {"pass_fds": (self._lock,), "start_new_session": True}
        flags = subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0
        with open(self._log, "w+", encoding="utf-8", errors="replace", opener=no_link) as log:
            process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self._log.parent,
                env=variables,
                creationflags=flags,
                **inherited,
            )
            try:
                if sys.platform == "win32":
                    from ..bridge.windows import end_with_this_process

                    end_with_this_process(process)
                while process.poll() is None:
                    watch()
                    self.control.sleep(_POLL)
            finally:
                if process.poll() is None:
                    _end(process)
            log.seek(0)
            text = log.read()
        if process.returncode:
            last = next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "")
            raise DGTalkerError(
                f"{what} failed: {last or f'exit code {process.returncode}'}", f"All of it is in {self._log}."
            )
        return text


def _end(process: subprocess.Popen[str]) -> None:
    """With all that it has started: nobody may write into a folder that is given up."""
    if sys.platform == "win32":
        process.kill()  # what it started is in its job, and goes with Blender
    else:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
