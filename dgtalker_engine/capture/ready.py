"""Whether videos can be captured on this machine: `python -m dgtalker_engine.capture.ready` says so.

A process of its own asks, since what it loads is large and stays loaded.
"""

from __future__ import annotations

import functools
import subprocess
import sys

from ..errors import DGTalkerError
from . import packages
from .faces import FaceLandmarker
from .person_mask import PersonMask

_SECONDS = 60.0


@functools.cache
def ask() -> str:
    """`check`, in another process; what is there stays, so it is asked until it was found once.

    Raises:
        DGTalkerError: as `check`.
    """
    command = [sys.executable, "-I", "-m", "dgtalker_engine.capture.ready"]
    try:
        answer = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
            creationflags=subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise DGTalkerError(
            f"Whether faces can be tracked was not found out: {error}.", "Try again in a while."
        ) from error
    if answer.returncode:
        message, _, hint = answer.stdout.strip().partition("\n")
        raise DGTalkerError(message or "What tracks faces cannot be loaded.", hint or packages.INSTALL)
    return answer.stdout.strip()


def check() -> str:
    """The versions of what captures videos, after each part of it was made once.

    Raises:
        DGTalkerError: something is missing or broken.
    """
    versions = [f"{name} {packages.load(name).__version__}" for name in ("mediapipe", "av", "cv2")]
    with FaceLandmarker(most=1, video=False), PersonMask():
        return ", ".join(versions)


def main() -> int:
    try:
        print(check())
    except DGTalkerError as error:
        print(error.message, error.hint, sep="\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
