"""What the sound encoder is taught with: every voice that this machine has, as it is and varied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ...errors import DGTalkerError
from ...speech.lipsync.spectrum import log_mel, normalised
from ...speech.sound import RATE
from . import recordings, targets
from .augment import varied
from .sound_training import Lesson
from .voices import Spoken, espeak_voices, flite_voices

_ESPEAK, _FLITE, _PROMPTS = 900.0, 300.0, 240.0
"""Seconds of each kind."""

_VARIANTS = {True: 2, False: 1}
"""Varied copies of each sound of real people, and of machines."""

_LEAST = 0.8


def gather(data: Path | None, random: np.random.Generator, say: Callable[[str], None]) -> list[Lesson]:
    """Lessons of all voices.

    Args:
        data: a folder of folders with recordings of people and perhaps their transcripts, `recordings.sentences`.
        say: told what was found, and what is missing.

    Raises:
        DGTalkerError: no voice at all.
    """
    sources: list[tuple[str, bool, Iterator[Spoken]]] = [
        ("espeak-ng", False, espeak_voices(random, _ESPEAK)),
        ("flite", False, flite_voices(random, _FLITE)),
        *((f"prompts in {language}", True, recordings.prompts(language, _PROMPTS)) for language in recordings.PROMPTS),
    ]
    folders = sorted(path for path in data.iterdir() if path.is_dir()) if data else []
    sources += [(folder.name, True, recordings.sentences(folder)) for folder in folders]
    spoken: list[tuple[Spoken, bool]] = []
    for name, real, voices in sources:
        try:
            found = [voice for voice in voices if len(voice.samples) > _LEAST * RATE]
        except OSError as error:
            say(f"{name}: left out, {error}")
            continue
        spoken += [(voice, real) for voice in found]
        say(f"{name}: {len(found)} sounds, {sum(len(voice.samples) for voice in found) / RATE / 60:.1f} minutes")
    if not spoken:
        raise DGTalkerError("There is no voice to learn from.", "Install espeak-ng and flite (Debian: apt install).")
    crowd = [voice for voice, _ in spoken]
    lessons = []
    for voice, real in spoken:
        lessons.append(_lesson(voice, real))
        lessons += [_lesson(varied(voice, random, crowd), real) for _ in range(_VARIANTS[real])]
    return lessons


def _lesson(spoken: Spoken, real: bool) -> Lesson:
    energies = normalised(log_mel(spoken.samples))
    classes = targets.phone_classes(spoken.phones, len(energies))
    movement = targets.movement(spoken)
    return Lesson(spoken.name.partition("/")[0], real, energies.astype(np.float16), movement, classes)
