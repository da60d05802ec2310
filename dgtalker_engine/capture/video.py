"""Videos as they are shown: upright, in the time of the file, as long as they can be read. PyAV reads them."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from ..errors import DGTalkerError
from ..files import is_file, printable, replacing
from . import hdr, packages
from .decoding import decoded, mono, readable, stream_of, whole

_UNSPECIFIED, _BT709, _BT2020 = 2, 1, 9
"""Of colour matrices, as FFmpeg numbers them."""

_HD_HEIGHT = 700
"""Pixels from which on players take BT.709 where a file does not say its colour matrix."""

_DIGESTED = 2**20

_SUFFIXES = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v"}


def videos_in(folder: Path) -> list[Path]:
    """The videos of a folder, by their names' endings, sorted."""
    return sorted(path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES)


@dataclass(frozen=True, kw_only=True)
class Video:
    """What is known of a video before its pictures are read.

    Attributes:
        path: of the file.
        width, height: pixels of the upright picture with square pixels.
        rotation: degrees counter-clockwise by which the stored pictures are turned to stand upright: 0, 90, 180, 270.
        begins: time of its first picture, s: recordings of broadcasts do not begin at 0.
        seconds: that it says it lasts; 0 where it does not.
        fps: that it says it has, pictures per second.
        has_sound: whether there is any that can be decoded.
        has_lost_sound: whether there is some that cannot be.
        hdr: whether its colours are meant for bright screens (PQ or HLG); they are brought to those of ordinary ones.
    """

    path: Path
    width: int
    height: int
    rotation: int
    begins: float
    seconds: float
    fps: float
    has_sound: bool
    has_lost_sound: bool
    hdr: bool

    @classmethod
    def open(cls, path: Path) -> Video:
        """Looks into a file.

        Raises:
            DGTalkerError: there is none, it is no video, or its first picture cannot be read.
        """
        av = packages.load("av")
        if not is_file(path):
            raise DGTalkerError(f"There is no video {printable(path)}.", "Check the path.")
        with readable(path), av.open(str(path)) as container:
            if not container.streams.video:
                raise DGTalkerError(f"{path} holds no pictures.", "Give a video with a face in it.")
            stream = stream_of(container, "video")
            if stream is None:
                raise DGTalkerError(f"The pictures of {path} cannot be decoded.", "Convert it to MP4 (H.264).")
            first = next(whole(container, stream), None)
            if first is None:
                raise DGTalkerError(f"{path} holds no pictures.", "Give a video with a face in it.")
            rotation = round(first.rotation / 90) * 90 % 360
            width = round(first.width * float(stream.sample_aspect_ratio or 1))
            width, height = (width, first.height) if rotation % 180 == 0 else (first.height, width)
            return cls(
                path=path,
                width=width,
                height=height,
                rotation=rotation,
                begins=float(first.time or 0.0),
                seconds=(container.duration or 0) / 1e6,
                fps=float(stream.average_rate or stream.base_rate or 25),
                has_sound=stream_of(container, "audio") is not None,
                has_lost_sound=bool(container.streams.audio) and stream_of(container, "audio") is None,
                hdr=_is_hdr(first),
            )

    def frames(
        self, start: float = 0.0, end: float = math.inf, *, longest_side: int | None = None
    ) -> Iterator[tuple[float, np.ndarray]]:
        """Pictures from `start` until before `end` (s): each one's time in s, which rises, and uint8 (H, W, 3) sRGB.

        One picture is in memory at a time. A file that breaks off ends there.

        Args:
            start, end: seconds in the file's time.
            longest_side: pixels that no side exceeds: larger pictures are made smaller while they are decoded.

        Raises:
            DGTalkerError: the file cannot be read at all.
        """
        shrink = min(1.0, longest_side / max(self.width, self.height)) if longest_side else 1.0
        stored = (self.width, self.height) if self.rotation % 180 == 0 else (self.height, self.width)
        width, height = (max(2, round(side * shrink)) for side in stored)
        last, step = -math.inf, 1 / self.fps
        for frame in decoded(self.path, "video", start):
            time = float(frame.time) if frame.time is not None else max(last, self.begins - step) + step
            if time <= last:
                continue
            if time >= end:
                return
            last = time
            if time < start - 1e-6:
                continue
            picture = _rgb(frame, width, height)
            yield time, np.rot90(picture, self.rotation // 90) if self.rotation else picture

    def sound(self) -> tuple[np.ndarray, int, float]:
        """All sound: mono float32 samples (n,), none where there is no sound, their rate in Hz, the first's time in s.

        Raises:
            DGTalkerError: it cannot be read.
        """
        if not self.has_sound:
            return np.zeros(0, np.float32), 16000, 0.0
        rate = self._sound_rate()
        blocks = list(mono(decoded(self.path, "audio", 0.0), rate))
        samples = np.concatenate([np.zeros(0, np.float32), *(samples for _, samples in blocks)])
        return samples, rate, blocks[0][0] if blocks else 0.0

    def sound_begins(self) -> float:
        """Time of the first sample of the sound, s; that of the first picture where there is none."""
        if not self.has_sound:
            return self.begins
        first = next(mono(decoded(self.path, "audio", 0.0), self._sound_rate()), None)
        return self.begins if first is None else first[0]

    def write_sound(self, path: Path, start: float, end: float, check: Callable[[], object] = bool) -> bool:
        """Writes the sound between two times as mono 16 bit WAV, silence where there is none; whether there is any.

        Args:
            path: of the WAV.
            start, end: seconds in the file's time.
            check: is called again and again; raises `Cancelled` to stop.

        Raises:
            DGTalkerError: the sound cannot be read or written.
        """
        if not self.has_sound:
            return False
        rate = self._sound_rate()
        wanted, done = round((end - start) * rate), 0
        with replacing(path) as temporary, soundfile.SoundFile(temporary, "w", rate, 1, "PCM_16", format="WAV") as file:
            for time, samples in mono(decoded(self.path, "audio", start), rate):
                check()
                place = round((time - start) * rate)
                if place > done:
                    file.write(np.zeros(min(place, wanted) - done, np.float32))
                    done = min(place, wanted)
                piece = samples[max(0, done - place) : max(0, wanted - place)]
                file.write(piece)
                done += len(piece)
                if done >= wanted:
                    break
            file.write(np.zeros(wanted - done, np.float32))
        return True

    def _sound_rate(self) -> int:
        """Hz."""
        av = packages.load("av")
        with readable(self.path), av.open(str(self.path)) as container:
            return int(stream_of(container, "audio").codec_context.sample_rate)

    def digest(self) -> str:
        """SHA-256 of the file's length, beginning and end: enough to tell videos apart."""
        with self.path.open("rb") as file:
            length = file.seek(0, os.SEEK_END)
            digest = hashlib.sha256(str(length).encode())
            for place in (0, max(0, length - _DIGESTED)):
                file.seek(place)
                digest.update(file.read(_DIGESTED))
        return digest.hexdigest()


def _is_hdr(frame: Any) -> bool:
    return frame.color_trc in (hdr.PQ, hdr.HLG)


def _rgb(frame: Any, width: int, height: int) -> np.ndarray:
    matrix = frame.colorspace
    if matrix == _UNSPECIFIED and _is_hdr(frame):
        matrix = _BT2020
    elif matrix == _UNSPECIFIED and frame.height >= _HD_HEIGHT:
        matrix = _BT709
    options = {} if matrix == _UNSPECIFIED else {"src_colorspace": matrix}
    if (width, height) != (frame.width, frame.height):
        options["interpolation"] = "AREA"
    if _is_hdr(frame):
        signal = frame.reformat(width=width, height=height, format="rgb48le", **options).to_ndarray()
        return hdr.to_srgb(signal, frame.color_trc)
    return frame.reformat(width=width, height=height, format="rgb24", **options).to_ndarray()


def on_grid(
    pictures: Iterable[tuple[float, np.ndarray]], start: float, fps: float
) -> Iterator[tuple[int, float, np.ndarray]]:
    """Frames at a constant rate: number, time from `start` and picture, of each frame the one that is nearest to it.

    Args:
        pictures: times, seconds, rising, and pictures.
        start: time of frame 0.
        fps: frames per second; no more than there are pictures.
    """
    held: tuple[int, float, np.ndarray] | None = None
    away = 0.0
    for time, picture in pictures:
        place = (time - start) * fps
        number = round(place)
        if held is None or number != held[0] or abs(place - number) < away:
            if held is not None and number != held[0]:
                yield held
            held, away = (number, time - start, picture), abs(place - number)
    if held is not None:
        yield held
