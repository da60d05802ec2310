"""Writes the file that the engine ships, and its figures."""

from __future__ import annotations

import json
from pathlib import Path

from ...capture.face_model import FaceModel, read, to_bytes
from ...errors import DGTalkerError
from ...wire.jobs.files import write_whole
from .config import FaceModelConfig
from .figures import reconstruction
from .source import Source


def export(path: Path, learned: FaceModel, source: Source, config: FaceModelConfig) -> dict[str, dict[str, float]]:
    """Writes the model in half precision, with the licence of its source, and measures what was written.

    Returns:
        `figures.reconstruction` of the file's model.

    Raises:
        DGTalkerError: the file cannot be written.
    """
    details = {"notice": source.notice, "config": json.dumps(config.to_json())}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, to_bytes(learned, details))
    except OSError as error:
        raise DGTalkerError(f"The face model {path} cannot be written: {error}.", "Give another place.") from error
    return reconstruction(read(path), source, config)
