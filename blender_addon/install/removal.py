"""Removing engines that were installed here. No Blender."""

from __future__ import annotations

import shutil
from pathlib import Path

from dgtalker_engine.errors import DGTalkerError

from ..bridge import find
from .control import Control
from .environment import check_unused, fresh, remove_unfinished
from .installation import locked
from .plan import DOWNLOADS, PYTHONS


def uninstall(python: Path, control: Control) -> None:
    """Removes an engine that was installed by the button; with the last one all that was downloaded, too.

    Raises:
        DGTalkerError: it was not installed by the button, or a training runs on it.
        Cancelled: by `control`, while another installation is under way.
    """
    home, environment = find.data_folder(), find.installed(python)
    if environment is None:
        raise DGTalkerError(f"{python} was not installed by DGTalker.", "It is left alone.")
    with locked(home, control):
        check_unused(environment)
        control.say("Removing the engine")
        try:
            # Out of its place first: what is left of it, where something fails, is no engine to anybody.
            gone = fresh(environment.with_name(f"{environment.name}.tmp"))
            if environment.exists():
                environment.replace(gone)
            find.forget(python)
            remove_unfinished(home)
            if not list(home.glob("env-*")):
                for folder in (home / DOWNLOADS, home / PYTHONS):
                    if folder.exists():
                        shutil.rmtree(folder)
        except OSError as error:
            raise DGTalkerError(
                f"{environment} cannot be removed: {error.strerror or error}.",
                "Close the other Blenders and trainings that use it, then remove it again.",
            ) from error
