"""What a film's streams hold from a time on, whatever is wrong with the file; PyAV decodes it."""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DGTalkerError
from . import packages

_EARLIER = (0.0, 2.0, 12.0)
"""Seconds before a time at which reading begins, one after the other, until what comes is not behind it already: in
files without an index (MPEG-TS, MPEG-PS) a seek ends where no picture can be decoded until the next key frame."""


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """Raises DGTalkerError for an error of FFmpeg's."""
    av = packages.load("av")
    try:
        yield
    except av.error.FFmpegError as error:
        hint = "Look whether a player can show it; if so, convert it to MP4."
        raise DGTalkerError(f"The video {path} cannot be read: {error.strerror}.", hint) from error


def stream_of(container: Any, kind: str) -> Any:
    """The first stream of a kind, "video" or "audio", that can be decoded; None where there is none."""
    streams = getattr(container.streams, kind)
    return next((stream for stream in streams if stream.codec_context is not None), None)


def decoded(path: Path, kind: str, start: float) -> Iterator[Any]:
    """The frames of `stream_of`, from one at `start` or before it on: from the first one on where `start` is 0.

    Raises:
        DGTalkerError: the file cannot be read at all.
    """
    av = packages.load("av")
    with readable(path):
        for earlier in (*_EARLIER, math.inf) if start > 0 else (math.inf,):
            with av.open(str(path)) as container:
                stream = stream_of(container, kind)
                if kind == "video":
                    stream.thread_type = "AUTO"
                if earlier < math.inf and not _seek(av, container, stream, start - earlier):
                    continue
                frames = whole(container, stream)
                first = next(frames, None)
                if earlier < math.inf and (first is None or first.time is None or first.time > start + 1e-6):
                    continue
                yield from itertools.chain(() if first is None else (first,), frames)
                return


def whole(container: Any, stream: Any) -> Iterator[Any]:
    """The frames that can be decoded: damaged packets are passed over, and a file that breaks off ends there.

    Raises:
        FFmpegError: none can be.
    """
    av = packages.load("av")
    timed_by_decoding = container.format.name == "avi"  # it keeps no other times: where pictures are reordered, pts lie
    packets, failed, count = container.demux(stream), None, 0
    while True:
        try:
            packet = next(packets, None)
        except av.error.InvalidDataError as error:
            failed, packet = error, None
        if packet is None:
            break
        try:
            frames = packet.decode()
        except av.error.InvalidDataError as error:
            failed = error
            continue
        for frame in frames:
            count += 1
            if timed_by_decoding:
                frame.pts = frame.dts
            yield frame
    if failed is not None and count == 0:
        raise failed


def mono(frames: Iterable[Any], rate: int) -> Iterator[tuple[float, np.ndarray]]:
    """Blocks of sound of decoded frames: the time of the first sample in s, and float32 samples (n,) at `rate` Hz."""
    av = packages.load("av")
    resampler, kind, time = None, None, 0.0
    for frame in itertools.chain(frames, (None,)):
        last = kind
        kind = None if frame is None else (frame.format.name, frame.layout.name, frame.sample_rate)
        if kind != last and resampler is not None:
            for samples in _samples(resampler, None):
                yield time, samples
                time += len(samples) / rate
        if frame is None:
            return
        if kind != last:  # recordings of broadcasts go from two channels to one, and back
            resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
        time = float(frame.time or 0.0)
        for samples in _samples(resampler, frame):
            yield time, samples
            time += len(samples) / rate


def _samples(resampler: Any, frame: Any) -> Iterator[np.ndarray]:
    for block in resampler.resample(frame):
        yield block.to_ndarray()[0].astype(np.float32)


def _seek(av: Any, container: Any, stream: Any, time: float) -> bool:
    try:
        container.seek(max(0, math.floor(time / stream.time_base)), stream=stream, backward=True)
    except av.error.FFmpegError:  # some files have no place to go to
        return False
    return True
