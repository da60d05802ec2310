"""Sound files to samples, and samples to what the recogniser hears."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ..errors import DGTalkerError
from ..files import is_file, printable
from ..performance.channels import weights as channel_weights
from .progress import ProgressCall, Stage

RATE = 16000
"""Sampling rate of everything behind `to_speech_rate`, Hz."""

_BLOCK = 4.0
_LOUDEST = 100.0
_UNKNOWN = (1 << 63) - 1
"""Frames of a file that does not say how many it has, as libsndfile tells it."""


def read_audio(path: Path | str) -> tuple[np.ndarray, int]:
    """Reads WAV, FLAC, OGG, MP3 and whatever else libsndfile knows, mixed down to one channel.

    Returns:
        samples float32 (n,), and their rate in Hz.

    Raises:
        DGTalkerError: the file is missing, empty, or no sound that can be read.
    """
    with _opened(path) as file:
        try:
            channels = file.read(dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            raise _unreadable(path, error) from error
        rate = file.samplerate
    if len(channels) == 0:
        raise DGTalkerError(f"The sound file {path} holds no sound.", "Export it again.")
    return channels @ channel_weights([channels]), int(rate)


def read_speech(path: Path | str, progress: ProgressCall | None = None) -> np.ndarray:
    """Reads a sound file of any length a few seconds at a time: float16 (n,) at `RATE`.

    Raises:
        DGTalkerError: as `read_audio`.
        Cancelled: from `progress`.
    """
    job = Stage(progress, "Reading the sound")
    with _opened(path) as file:
        size = int(_BLOCK * file.samplerate)
        length = max(file.frames, 1)

        def blocks(first: float, last: float) -> Iterator[np.ndarray]:
            done = 0
            file.seek(0)
            while len(block := file.read(size, dtype="float32", always_2d=True)):
                job.report(first + (last - first) * done / length)
                done += len(block)
                yield block

        try:
            mix = channel_weights(blocks(0.0, 0.3)) if file.channels > 1 else np.ones(1, np.float32)
            mono = (_finite(block @ mix)[0] for block in blocks(0.3 if file.channels > 1 else 0.0, 1.0))
            samples = _resampled(mono, file.samplerate, length, np.float16)
        except soundfile.SoundFileError as error:
            raise _unreadable(path, error) from error
    if len(samples) == 0:
        raise DGTalkerError(f"The sound file {path} holds no sound.", "Export it again.")
    return samples


def checked(samples: np.ndarray, sample_rate: float) -> tuple[np.ndarray, bool]:
    """Samples that are safe to work on.

    Returns:
        samples (n,): 16-bit integers as they are, float16 and float32 (others as float32) at most 40 dB over full scale
        and with silence in place of values that are not finite; and whether there were any of those.

    Raises:
        DGTalkerError: no samples, more than one channel, or an impossible rate.
    """
    samples = np.asarray(samples)
    if samples.ndim != 1:
        raise DGTalkerError(f"The sound has the shape {samples.shape}.", "Mix it down to one channel first.")
    if len(samples) == 0:
        raise DGTalkerError("The sound is empty.", "Give at least one sample.")
    if not 1000 <= sample_rate <= 768000:
        raise DGTalkerError(f"The sound has a sampling rate of {sample_rate} Hz.", "It must be 1000 to 768000 Hz.")
    if samples.dtype == np.int16:
        return samples, False
    return _finite(samples if samples.dtype == np.float16 else samples.astype(np.float32, copy=False))


def to_speech_rate(samples: np.ndarray, sample_rate: float, progress: Stage) -> np.ndarray:
    """Resamples to `RATE`, a few seconds at a time so that cancelling is prompt.

    Args:
        samples: `checked`.

    Returns:
        (n,), full scale ±1: float16 if the samples were, so that two hours take 230 MB, else float32. The noise of
        rounding to float16 lies 66 dB under whatever is said, be it ever so quiet; `excerpt` gives what can be
        calculated with.
    """
    kind = np.float16 if samples.dtype == np.float16 else np.float32
    if samples.dtype == kind and sample_rate == RATE:
        return samples
    size = int(_BLOCK * sample_rate)

    def blocks() -> Iterator[np.ndarray]:
        for start in range(0, len(samples), size):
            progress.report(start / len(samples))
            block = samples[start : start + size]
            yield block.astype(np.float32) * np.float32(1 / 32768 if block.dtype == np.int16 else 1)

    return _resampled(blocks(), sample_rate, len(samples), kind)


def excerpt(samples: np.ndarray, start: float, end: float) -> np.ndarray:
    """Samples at `RATE` between two times in seconds, float32."""
    return samples[int(start * RATE) : int(end * RATE)].astype(np.float32)


def _resampled(blocks: Iterable[np.ndarray], sample_rate: float, length: int, kind: type[np.floating]) -> np.ndarray:
    """Blocks of float32 at any rate to `RATE`; `length` is of all of them, as far as that is known."""
    stream = soxr.ResampleStream(sample_rate, RATE, 1, dtype="float32") if sample_rate != RATE else None
    result = np.empty(int(length * RATE / sample_rate) + 1, kind)
    filled = 0

    def put(block: np.ndarray) -> None:
        nonlocal result, filled
        if filled + len(block) > len(result):  # the header of the file promised less
            result = np.concatenate([result[:filled], np.empty(len(block) + len(result) // 2, kind)])
        result[filled : filled + len(block)] = block
        filled += len(block)

    taken = 0
    for block in blocks:
        taken += len(block)
        put(stream.resample_chunk(block) if stream else block)
    if stream:
        put(stream.resample_chunk(np.zeros(0, np.float32), last=True))
    # The resampler rounds the length up; a sample more could be a frame more.
    return result[: min(filled, max(int(taken * RATE / sample_rate), 1))]


def _finite(samples: np.ndarray) -> tuple[np.ndarray, bool]:
    """Samples with silence in place of what is no number and nothing far too loud; whether anything was no number."""
    # A sum that is finite has finite terms, and needs no array as large as the sound to find out.
    with np.errstate(invalid="ignore", over="ignore"):
        usual = bool(np.isfinite(np.add.reduce(samples, dtype=np.float64)))
        usual = usual and float(samples.max(initial=0)) <= _LOUDEST and float(samples.min(initial=0)) >= -_LOUDEST
    if usual:
        return samples, False
    finite = np.isfinite(samples)
    return np.clip(np.where(finite, samples, samples.dtype.type(0)), -_LOUDEST, _LOUDEST), not bool(finite.all())


def _opened(path: Path | str) -> soundfile.SoundFile:
    path = Path(path)
    if not is_file(path):
        raise DGTalkerError(f"There is no sound file {printable(path)}.", "Check the path.")
    if path.stat().st_size == 0:
        raise DGTalkerError(f"The sound file {path} is empty.", "Export it again.")
    try:
        file = soundfile.SoundFile(path)
    except (soundfile.SoundFileError, OSError) as error:
        raise _unreadable(path, error) from error
    if file.frames == _UNKNOWN:
        file.close()
        # libsndfile would lose the last seconds of such a FLAC, which programs write into pipes.
        raise DGTalkerError(f"The sound file {path} does not say how long it is.", "Convert it to WAV.")
    return file


def _unreadable(path: Path | str, error: Exception) -> DGTalkerError:
    return DGTalkerError(f"The sound file {path} cannot be read: {error}.", "Convert it to WAV, FLAC, OGG or MP3.")
