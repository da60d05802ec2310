"""Writes the file that the engine ships, or leaves the one that was there."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from safetensors import SafetensorError

from ...errors import DGTalkerError
from ...files import write_whole
from ...speech.lipsync.weights import Encoders
from .model import ExpressionEncoder, LipEncoder, SoundEncoder


def export(
    path: Path,
    *,
    sound: SoundEncoder,
    scale: np.ndarray,
    lips: LipEncoder,
    expression: ExpressionEncoder,
    clips: Sequence[str],
) -> Encoders:
    """Writes all encoders, and returns them as the engine reads them: in half precision.

    Args:
        path: of the file; it is replaced when the new one is whole and can be read.
        sound, scale: the sound encoder, and the units of its movement.
        lips, expression: what moves the rig's halves.
        clips: names of the videos that the lips learned from.

    Raises:
        DGTalkerError: the file cannot be written.
    """
    encoders = Encoders(sound=sound, scale=scale, lips=lips, expression=expression, clips=tuple(clips))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory() as folder:
            fresh = Path(folder) / path.name
            encoders.save(fresh)
            written = Encoders.load(fresh)
            write_whole(path, fresh.read_bytes())
    except (OSError, SafetensorError) as error:
        raise DGTalkerError(f"The speech model {path} cannot be written: {error}.", "Give another place.") from error
    return written
