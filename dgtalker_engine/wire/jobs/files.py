"""The folder that a job writes to."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ...errors import DGTalkerError


def check_writable(folder: Path) -> None:
    """Whether files can be made in a folder. Raises DGTalkerError where they cannot."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise DGTalkerError(
            f"Nothing can be written to {folder}: {error.strerror}.", "Choose a folder that you may write to."
        ) from error
