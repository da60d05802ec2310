"""Where live samples come from: a microphone, or a sound file at the pace of one."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import miniaudio
import numpy as np
import soxr

from ...errors import DGTalkerError
from ..sound import read_audio
from .decimation import CAPTURE_RATE

BLOCK = 0.01
"""Seconds of sound that are asked for at a time."""

_SILENT = 2.0
"""Seconds without any samples after which a microphone counts as gone: drivers do not always say so."""

_HINT = (
    "Plug a microphone in, choose another one in the list, or allow Blender to use it in the system's privacy settings."
)


def microphones() -> list[str]:
    """Names of the inputs that the system has now, the usual one first.

    Raises:
        DGTalkerError: the system's sound cannot be asked.
    """
    try:
        found = miniaudio.Devices().get_captures()
    except miniaudio.MiniaudioError as error:
        raise DGTalkerError(f"The system's sound cannot be used: {_said(error)}.", _HINT) from error
    return list(dict.fromkeys(str(each["name"]) for each in found))


class Microphone:
    """One of the system's inputs, mono at `CAPTURE_RATE`, whatever it has itself."""

    def __init__(self, name: str) -> None:
        """Opens it; an empty name is the system's usual one.

        Raises:
            DGTalkerError: there is none of that name, none at all, or it may not be used.
        """
        self._blocks: SimpleQueue[np.ndarray] = SimpleQueue()
        self._name = name or "the microphone"
        try:
            self._devices = miniaudio.Devices()  # owns what its identities point to
            found = {str(each["name"]): each["id"] for each in self._devices.get_captures()}
            if name and name not in found:
                raise DGTalkerError(f"The microphone {name} is not there any more.", _HINT)
            self._device = miniaudio.CaptureDevice(
                input_format=miniaudio.SampleFormat.FLOAT32,
                nchannels=1,
                sample_rate=CAPTURE_RATE,
                buffersize_msec=round(1000 * BLOCK),
                device_id=found.get(name),
                app_name="DGTalker",
            )
            if self._device.backend == "Null":
                raise DGTalkerError("This computer has no microphone.", _HINT)
            taking = self._taking()
            next(taking)
            self._device.start(taking)
        except miniaudio.MiniaudioError as error:
            raise DGTalkerError(f"There is no sound from {self._name}: {_said(error)}.", _HINT) from error

    def blocks(self) -> Iterator[np.ndarray]:
        """Samples, float32 (n,), as they come in: more at once for who is late, who has less work with them then.

        Raises:
            DGTalkerError: nothing comes in any more.
        """
        try:
            while True:
                waiting = [self._blocks.get(timeout=_SILENT)]
                while not self._blocks.empty():
                    waiting.append(self._blocks.get())
                yield np.concatenate(waiting)
        except Empty:
            raise DGTalkerError(f"Nothing is heard from {self._name} any more: was it unplugged?", _HINT) from None
        finally:
            self._device.close()

    def _taking(self) -> Generator[None, Any, None]:
        while True:
            data = yield
            self._blocks.put(np.frombuffer(data, np.float32))


class FileSource:
    """A sound file, from its beginning to its end once, as fast as it would be spoken."""

    def __init__(self, path: Path) -> None:
        """Raises DGTalkerError as `sound.read_audio` does."""
        samples, rate = read_audio(path)
        self._samples = soxr.resample(samples, rate, CAPTURE_RATE).astype(np.float32)

    def blocks(self) -> Iterator[np.ndarray]:
        """Samples, float32 (n,), as a microphone has them: whole blocks, once all of them would have been spoken."""
        begun, size, start = time.monotonic(), round(BLOCK * CAPTURE_RATE), 0
        while start < len(self._samples):
            end = min(start + size, len(self._samples))
            time.sleep(max(begun + end / CAPTURE_RATE - time.monotonic(), 0.0))
            spoken = int((time.monotonic() - begun) / BLOCK) * size
            yield self._samples[start : max(end, spoken)]
            start = max(end, spoken)


def _said(error: Exception) -> str:
    """What a library says of a failure, in a sentence's middle."""
    return " ".join(str(each) for each in error.args if isinstance(each, str)) or type(error).__name__
