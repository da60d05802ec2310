"""Synthetic voices that say when each phone is spoken: espeak-ng in many languages, flite in English."""

from __future__ import annotations

import ctypes
import ctypes.util
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from ...speech.recognition.recogniser import SILENCE
from ...speech.recognition.result import SpokenPhone
from ...speech.sound import RATE
from .ipa import arpabet
from .texts import LANGUAGES, sentence

_SYNCHRONOUS, _PHONES_AS_IPA = 2, 3
_UTF8 = 1
_PHONE_EVENT = 7
_RATE_PARAMETER, _PITCH_PARAMETER, _RANGE_PARAMETER = 1, 3, 4

_TIMBRES = ("", "+m1", "+m2", "+m3", "+m4", "+m5", "+m6", "+m7", "+f1", "+f2", "+f3", "+f4", "+f5", "+croak", "+klatt2")
_FLITE = ("kal16", "awb", "rms", "slt")
_FLITE_PHONES = {"pau": SILENCE, "ax": "AH", "axr": "ER", "ih": "IH", "hv": "HH"}


@dataclass(frozen=True)
class Spoken:
    """A sound with known phones.

    Attributes:
        name: tells sounds apart; the part before the first slash is the voice.
        samples: float32 (n,) at `sound.RATE`.
        phones: in order.
    """

    name: str
    samples: np.ndarray
    phones: tuple[SpokenPhone, ...]


class _Identity(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("milliseconds", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user", ctypes.c_void_p),
        ("id", _Identity),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Espeak:
    """espeak-ng's library, of which a process can have one. Raises OSError where it is not installed."""

    def __init__(self) -> None:
        self._library = ctypes.CDLL(ctypes.util.find_library("espeak-ng") or "libespeak-ng.so.1")
        self._rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, None, _PHONES_AS_IPA)
        self._sound: list[np.ndarray] = []
        self._events: list[tuple[float, str]] = []
        self._callback = _Callback(self._take)
        self._library.espeak_SetSynthCallback(self._callback)

    def _take(self, wave, count, events) -> int:
        if wave and count:
            self._sound.append(np.ctypeslib.as_array(wave, (count,)).copy())
        i = 0
        while events[i].type:
            if events[i].type == _PHONE_EVENT:
                name = bytes(events[i].id.string).split(b"\0")[0].decode("utf-8", "ignore")
                self._events.append((events[i].sample / self._rate, name))
            i += 1
        return 0

    def say(self, text: str, voice: str, *, words_a_minute: int, pitch: int, liveliness: int) -> Spoken | None:
        """Nothing where the voice does not exist or says nothing."""
        self._sound.clear()
        self._events.clear()
        if self._library.espeak_SetVoiceByName(voice.encode()):
            return None
        for parameter, value in (
            (_RATE_PARAMETER, words_a_minute),
            (_PITCH_PARAMETER, pitch),
            (_RANGE_PARAMETER, liveliness),
        ):
            self._library.espeak_SetParameter(parameter, value, 0)
        data = text.encode()
        self._library.espeak_Synth(data, len(data) + 1, 0, 1, 0, _UTF8, None, None)
        if not self._sound or len(self._events) < 4:
            return None
        samples = np.concatenate(self._sound).astype(np.float32) / 32768
        times = [time for time, _ in self._events] + [len(samples) / self._rate]
        phones = []
        for (start, name), end in zip(self._events, times[1:], strict=True):
            names = arpabet(name)
            edges = np.linspace(start, end, len(names) + 1)
            spans = zip(names, edges, edges[1:], strict=False)
            phones += [SpokenPhone(p, float(first), float(last)) for p, first, last in spans if last > first]
        return Spoken(f"{voice}/", soxr.resample(samples, self._rate, RATE), tuple(phones))


def espeak_voices(random: np.random.Generator, seconds: float) -> Iterator[Spoken]:
    """Sentences in all `LANGUAGES`, by voices of all kinds, until there are enough seconds."""
    espeak = Espeak()
    done, count = 0.0, 0
    while done < seconds:
        language = LANGUAGES[count % len(LANGUAGES)]
        spoken = espeak.say(
            sentence(language, random),
            language + str(random.choice(_TIMBRES)),
            words_a_minute=int(random.integers(120, 240)),
            pitch=int(random.integers(15, 90)),
            liveliness=int(random.integers(20, 90)),
        )
        count += 1
        if spoken is not None:
            done += len(spoken.samples) / RATE
            yield Spoken(f"{spoken.name}{count}", spoken.samples, spoken.phones)


def flite_voices(random: np.random.Generator, seconds: float) -> Iterator[Spoken]:
    """English sentences by flite's voices. Raises OSError where it is not installed."""
    if shutil.which("flite") is None:
        raise OSError("flite is not installed")
    done, count = 0.0, 0
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "voice.wav"
        while done < seconds:
            voice = _FLITE[count % len(_FLITE)]
            stretch = float(random.uniform(0.75, 1.2))
            command = ["flite", "-voice", voice, "--setf", f"duration_stretch={stretch:.3f}", "-psdur"]
            answer = subprocess.run(
                [*command, "-t", sentence("en-us", random), "-o", str(wav)], capture_output=True, text=True, check=True
            )
            samples, rate = soundfile.read(wav, dtype="float32")
            phones, clock = [], 0.0
            for word in answer.stdout.split():
                name, end = word.rsplit(":", 1)
                name = _FLITE_PHONES.get(name, name.upper())
                phones.append(SpokenPhone(name, clock, float(end)))
                clock = float(end)
            count += 1
            done += len(samples) / rate
            yield Spoken(f"flite-{voice}/{count}", soxr.resample(samples, rate, RATE), tuple(phones))
