"""Sound files to samples, and samples to what the recogniser hears."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import soxr

from ..errors import DGTalkerError
from .progress import Progress

RATE = 16000
"""Sampling rate of everything behind `to_speech_rate`, Hz."""

_BLOCK = 4.0
_LOUDEST = 100.0


def read_audio(path: Path | str) -> tuple[np.ndarray, int]:
    """Reads WAV, FLAC, OGG, MP3 and whatever else libsndfile knows, mixed down to one channel.

    Returns:
        samples float32 (n,), and their rate in Hz.

    Raises:
        DGTalkerError: the file is missing, empty, or no sound that can be read.
    """
    path = Path(path)
    if not path.is_file():
        raise DGTalkerError(f"There is no sound file {path}.", "Check the path.")
    if path.stat().st_size == 0:
        raise DGTalkerError(f"The sound file {path} is empty.", "Export it again.")
    try:
        channels, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.SoundFileError, OSError) as error:
        raise DGTalkerError(
            f"The sound file {path} cannot be read: {error}.", "Convert it to WAV, FLAC, OGG or MP3."
        ) from error
    if len(channels) == 0:
        raise DGTalkerError(f"The sound file {path} holds no sound.", "Export it again.")
    return np.ascontiguousarray(channels.mean(axis=1, dtype=np.float32)), int(rate)


def checked(samples: np.ndarray, sample_rate: float) -> tuple[np.ndarray, bool]:
    """Samples that are safe to work on.

    Returns:
        samples float32 (n,), at most 40 dB over full scale, with silence in place of values that are not finite; and
        whether there were any of those.

    Raises:
        DGTalkerError: no samples, more than one channel, or an impossible rate.
    """
    samples = np.asarray(samples)
    if samples.ndim != 1:
        raise DGTalkerError(f"The sound has the shape {samples.shape}.", "Mix it down to one channel first.")
    if len(samples) == 0:
        raise DGTalkerError("The sound is empty.", "Give at least one sample.")
    if not np.isfinite(sample_rate) or not 1000 <= sample_rate <= 768000:
        raise DGTalkerError(f"The sound has a sampling rate of {sample_rate:g} Hz.", "It must be 1000 to 768000 Hz.")
    samples = samples.astype(np.float32, copy=False)
    finite = np.isfinite(samples)
    broken = not bool(finite.all())
    samples = np.where(finite, samples, np.float32(0)) if broken else samples
    return np.clip(samples, -_LOUDEST, _LOUDEST), broken


def to_speech_rate(samples: np.ndarray, sample_rate: float, progress: Progress) -> np.ndarray:
    """Resamples to `RATE`, a few seconds at a time so that cancelling is prompt: float32 (n,)."""
    stream = soxr.ResampleStream(sample_rate, RATE, 1, dtype="float32")
    size = int(_BLOCK * sample_rate)
    blocks = []
    for start in range(0, len(samples), size):
        progress.report(start / len(samples))
        blocks.append(stream.resample_chunk(samples[start : start + size], last=start + size >= len(samples)))
    return np.concatenate(blocks)
