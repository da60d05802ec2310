"""Recordings of people, with their phones found by aligning transcripts, or recognised where there are none."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ...speech import front_end, sound
from ...speech.analysis import activity
from ...speech.passages import Passage
from ...speech.progress import NO_PROGRESS
from ...speech.recognition import spelling
from ...speech.recognition.recogniser import SILENCE, ready
from ...speech.recognition.result import SpokenPhone
from .voices import Espeak, Spoken

# Mean log-likelihood a frame below which phones do not fit: English, and other languages' in English models.
_ENGLISH_FITS, _FOREIGN_FITS = -3.5, -5.0

_SHORTEST = 1.0

PROMPTS = {"en": "en_US_f_Allison", "it": "it_IT_m_Carlo", "ru": "ru_RU_f_IvrvoiceRU"}
"""Languages of Debian's packages asterisk-core-sounds-XX-g722, and their folders."""

_PROMPTS, _TEXTS = Path("/usr/share/asterisk/sounds"), Path("/usr/share/doc")


def sentences(folder: Path) -> Iterator[Spoken]:
    """English sentences; transcripts are in LJ Speech's ``metadata.csv`` or in NAME.txt, where there are any."""
    table = folder / "metadata.csv"
    lines = table.read_text(encoding="utf-8").splitlines() if table.is_file() else []
    texts = {line.split("|")[0]: line.split("|")[-1] for line in lines}
    for path in sorted(folder.glob("*")):
        if path.suffix.lower() not in (".wav", ".flac", ".ogg", ".mp3"):
            continue
        beside = path.with_suffix(".txt")
        text = beside.read_text(encoding="utf-8") if beside.is_file() else texts.get(path.stem, "")
        samples, rate = sound.read_audio(path)
        passages = [Passage(0.0, len(samples) / rate, transcript=text)] if text.strip() else []
        analysis = front_end.analyse(samples, rate, passages, processes=1)
        recognition = analysis.recognition
        if analysis.chunks and not recognition.wordless and not recognition.misfits:
            name = f"{folder.name}-{path.stem.split('_')[0][:5]}/{path.stem}"
            yield Spoken(name, analysis.samples, tuple(recognition.phones))


def prompts(language: str, seconds: float) -> Iterator[Spoken]:
    """A voice of a telephone exchange, in a language of `PROMPTS`, until there are enough seconds.

    Raises:
        OSError: its Debian packages, ffmpeg, or for other languages than English espeak-ng, are not installed.
    """
    folder = _PROMPTS / PROMPTS[language]
    listing = _TEXTS / f"asterisk-core-sounds-{language}" / f"core-sounds-{language}.txt.gz"
    if not folder.is_dir() or shutil.which("ffmpeg") is None:
        raise OSError(f"asterisk-core-sounds-{language}-g722 or ffmpeg is not installed")
    espeak = None if language == "en" else Espeak()
    done = 0.0
    for line in gzip.decompress(listing.read_bytes()).decode("utf-8").splitlines():
        name, _, text = line.partition(":")
        path = folder / f"{name.strip()}.g722"
        if line.startswith(";") or not path.is_file() or not text.strip() or any(sign in text for sign in "[]<>"):
            continue
        command = ["ffmpeg", "-v", "error", "-f", "g722", "-i", str(path), "-f", "f32le", "-ar", str(sound.RATE), "-"]
        samples = np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)
        phones = _aligned(samples, text, language, espeak)
        if phones:
            done += len(samples) / sound.RATE
            yield Spoken(f"prompts-{language}/{name}", samples, tuple(phones))
        if done > seconds:
            return


def _aligned(samples: np.ndarray, text: str, language: str, espeak: Espeak | None) -> list[SpokenPhone]:
    """Phones of a text of at most ten seconds; none where they don't fit."""
    if not _SHORTEST < len(samples) / sound.RATE < activity.LONGEST + 3:
        return []
    recogniser = ready(NO_PROGRESS)
    words = spelling.words(text) if espeak is None else re.findall(r"[^\W\d_]+", text.lower())
    alignable = []
    for word in words:
        name = word if espeak is None else f"{language}_{word}"
        if espeak is None and not recogniser.knows(name):
            return []
        if espeak is not None and not recogniser.knows(name):
            said = espeak.say(word, language, words_a_minute=160, pitch=50, liveliness=50)
            sounds = [p.name for p in said.phones if p.name != SILENCE] if said else []
            if not sounds:
                continue
            recogniser.add_word(name, sounds)
        alignable.append(name)
    if not alignable:
        return []
    recogniser.adapt_channel(samples, NO_PROGRESS)
    segments = recogniser.word_times(samples, alignable, NO_PROGRESS)
    timed = recogniser.phone_times(samples, segments, NO_PROGRESS) if segments else []
    spoken = [(segment.end - segment.start, fit) for segment, fit in timed if segment.name != SILENCE]
    if not spoken:
        return []
    fit = sum(length * value for length, value in spoken) / sum(length for length, _ in spoken)
    if fit < (_ENGLISH_FITS if espeak is None else _FOREIGN_FITS):
        return []
    return [SpokenPhone(segment.name, segment.start, segment.end) for segment, _ in timed]
