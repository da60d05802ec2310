"""A Take: what was found in a recording, before the animator's amounts."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ..errors import DGTalkerError
from ..wire.arrays import pack, unpack
from ..wire.frames import WireError
from .record import FASTEST, SLOWEST

SILENCE = "SIL"

_MAGIC = b"DGTAKE1\n"
_UNITS = 1 << 14
_LARGEST = 1 << 28
"""Bytes of a take in memory: two hours at 60 frames a second are 45 MB."""
_LONGEST = 1e6
"""Seconds of a take."""
_EVENTS = {"utterances": 2, "pauses": 2, "syllables": 3, "closures": 2, "bites": 2}
_OF_LINES = ("utterances", "syllables")


class Phone(NamedTuple):
    """One sound of speech.

    Attributes:
        name: ARPAbet without stress, or ``SIL``.
        start: seconds.
        end: seconds.
    """

    name: str
    start: float
    end: float


class Word(NamedTuple):
    """One word.

    Attributes:
        name: as it is spoken: lower case, numbers in words.
        start: seconds.
        end: seconds.
    """

    name: str
    start: float
    end: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Line:
    """A stretch of a take that blinks, looks, brows and head motion of its own belong to: they stay with it wherever it
    is moved, and whatever is cut off its ends.

    Attributes:
        start, end: seconds of the take.
        origin: when what was heard of it begins, seconds of the take; also before `start`, or below 0.
        duration: of what was heard, seconds.
        seed: what its movements are drawn from.
        utterances, syllables: as a take's, of all that was heard; seconds from `origin`.
    """

    start: float
    end: float
    origin: float
    duration: float
    seed: int
    utterances: np.ndarray
    syllables: np.ndarray


@dataclass(frozen=True, eq=False, kw_only=True)
class Take:
    """What was found in a recording; frame `i` is at `i / fps` seconds.

    Attributes:
        fps: frames per second.
        duration: of the recording, seconds.
        names: controls of `weights`: any of the 52 ARKit names but eyes' blinks and looks, which
            `secondary_motion` makes.
        weights: what the speech asks of them at amounts of 1, float32 (frames, names) within ±2. The lips need not
            touch in it: `closures` and `bites` see to that.
        phones: in order and without overlap, in the sound's time.
        words: in order and without overlap, in the sound's time; none where only single sounds were recognised, and in
            takes of earlier versions.
        utterances: start and end of what is spoken between pauses of breath, seconds (n, 2).
        pauses: start and end of stretches without phones, also within utterances, seconds (n, 2).
        syllables: time of each vowel's middle in seconds; its prominence, 0 usual, 1 clearly; how high it lies,
            semitones above its surroundings, (n, 3).
        closures: when the lips touch for P, B and M, in the face's time, which leads the sound: seconds (n, 2).
        bites: the same for the lower lip at the teeth for F and V.
        seed: what blinks, looks, brows and head motion are drawn from where there is no line.
        lines: in order; none in takes of earlier versions, which are one.
    """

    fps: float
    duration: float
    names: tuple[str, ...]
    weights: np.ndarray
    phones: tuple[Phone, ...]
    utterances: np.ndarray
    pauses: np.ndarray
    syllables: np.ndarray
    closures: np.ndarray
    bites: np.ndarray
    seed: int
    words: tuple[Word, ...] = ()
    lines: tuple[Line, ...] = ()

    def __post_init__(self) -> None:
        if not (SLOWEST <= self.fps <= FASTEST and 0 <= self.duration <= _LONGEST):
            raise DGTalkerError(f"A take cannot last {self.duration} s at {self.fps} frames per second.")
        if self.weights.ndim != 2 or self.weights.shape[1] != len(self.names) or len(set(self.names)) < len(self.names):
            raise DGTalkerError("A take needs one weight per control and frame.")
        if not np.all(np.isfinite(self.weights)):
            raise DGTalkerError("A take holds weights that are not finite numbers.")
        for name, columns in _EVENTS.items():
            events = getattr(self, name)
            if events.ndim != 2 or events.shape[1] != columns or not np.all(np.isfinite(events)):
                raise DGTalkerError(f"The {name} of a take cannot be read.")
        numbers = [number for line in self.lines for number in (line.start, line.end, line.origin, line.duration)]
        if not np.all(np.isfinite(numbers)) or any(line.seed < 0 or line.duration < 0 for line in self.lines):
            raise DGTalkerError("The lines of a take cannot be read.")
        if self.seed < 0 or not np.all(np.isfinite([time for phone in self.phones for time in phone[1:]])):
            raise DGTalkerError("The phones or the seed of a take cannot be read.")
        if not np.all(np.isfinite([time for word in self.words for time in word[1:]])):
            raise DGTalkerError("The words of a take cannot be read.")

    @property
    def frames(self) -> int:
        return self.weights.shape[0]

    def to_bytes(self) -> bytes:
        """A file of its own: about 50 kB a minute at 25 fps. Weights keep 14 bits behind the point."""
        fixed = np.round(np.clip(self.weights, -1.999, 1.999) * _UNITS).astype("<i2")
        # Differences and columns: what hardly moves compresses to nothing.
        steps = np.ascontiguousarray(np.diff(fixed.T, axis=1, prepend=np.int16(0)), "<i2")
        alphabet = sorted({phone.name for phone in self.phones})
        number = {name: i for i, name in enumerate(alphabet)}
        arrays = {
            "low": np.ascontiguousarray(steps.view("u1").reshape(*steps.shape, 2)[:, :, 0]),
            "high": np.ascontiguousarray(steps.view("u1").reshape(*steps.shape, 2)[:, :, 1]),
            "spoken": np.array([number[phone.name] for phone in self.phones], "u1"),
            "times": np.array([phone[1:] for phone in self.phones], "<f4").reshape(-1, 2),
            "word_times": np.array([word[1:] for word in self.words], "<f4").reshape(-1, 2),
            **{name: np.ascontiguousarray(getattr(self, name), "<f4") for name in _EVENTS},
            **{f"line_{name}": _stacked([getattr(line, name) for line in self.lines], name) for name in _OF_LINES},
        }
        specs, buffers = pack(arrays)
        header = {
            "fps": self.fps,
            "duration": self.duration,
            "names": self.names,
            "alphabet": alphabet,
            "seed": self.seed,
            "words": [word.name for word in self.words],
            "lines": [
                [line.start, line.end, line.origin, line.duration, line.seed, len(line.utterances), len(line.syllables)]
                for line in self.lines
            ],
            "arrays": specs,
        }
        text = json.dumps(header).encode()
        return _MAGIC + zlib.compress(b"".join([len(text).to_bytes(8, "little"), text, *buffers]), 6)

    @classmethod
    def from_bytes(cls, data: bytes | bytearray | memoryview) -> Take:
        """Raises DGTalkerError when `data` is not what `to_bytes` writes."""
        try:
            if bytes(data[: len(_MAGIC)]) != _MAGIC:
                raise ValueError("it begins in another way")
            unpacker = zlib.decompressobj()
            content = memoryview(unpacker.decompress(memoryview(data)[len(_MAGIC) :], _LARGEST))
            if not unpacker.eof:
                raise ValueError("its end is missing")
            body = 8 + int.from_bytes(content[:8], "little")
            header = json.loads(bytes(content[8:body]))
            arrays = {name: np.asarray(array) for name, array in unpack(header["arrays"], content[body:]).items()}
            steps = np.ascontiguousarray(np.stack([arrays["low"], arrays["high"]], axis=2)).view("<i2")[:, :, 0]
            fixed = np.cumsum(steps, axis=1, dtype=np.int16)
            times = arrays["times"].tolist()
            alphabet = [str(name) for name in header["alphabet"]]
            spoken = zip(arrays["spoken"].tolist(), times, strict=True)
            words = zip(header["words"], arrays["word_times"].tolist(), strict=True) if "words" in header else ()
            return cls(
                fps=float(header["fps"]),
                duration=float(header["duration"]),
                names=tuple(str(name) for name in header["names"]),
                weights=np.ascontiguousarray(fixed.T.astype(np.float32) / _UNITS),
                phones=tuple(Phone(alphabet[i], start, end) for i, (start, end) in spoken),
                words=tuple(Word(str(name), start, end) for name, (start, end) in words),
                lines=_lines(header.get("lines", []), arrays),
                **{name: arrays[name].astype(np.float64) for name in _EVENTS},
                seed=int(header["seed"]),
            )
        except (LookupError, TypeError, ValueError, OverflowError, RecursionError, zlib.error, WireError) as error:
            raise DGTalkerError(f"The take cannot be read: {error}.", "Animate the head again.") from error


def _stacked(events: list[np.ndarray], name: str) -> np.ndarray:
    return np.ascontiguousarray(np.concatenate([*events, np.empty((0, _EVENTS[name]))]), "<f4")


def _lines(rows: list[list[float]], arrays: dict[str, np.ndarray]) -> tuple[Line, ...]:
    """Raises ValueError where they do not fit together."""
    if not rows:
        return ()
    utterances, syllables = (
        np.split(arrays[f"line_{name}"].astype(np.float64), np.cumsum([int(row[column]) for row in rows])[:-1])
        for name, column in (("utterances", 5), ("syllables", 6))
    )
    lines = tuple(
        Line(
            start=float(row[0]),
            end=float(row[1]),
            origin=float(row[2]),
            duration=float(row[3]),
            seed=int(row[4]),
            utterances=own.reshape(-1, 2),
            syllables=spoken.reshape(-1, 3),
        )
        for row, own, spoken in zip(rows, utterances, syllables, strict=True)
    )
    if any(
        (len(line.utterances), len(line.syllables)) != tuple(row[5:]) for line, row in zip(lines, rows, strict=True)
    ):
        raise ValueError("its lines do not fit together")
    return lines
