"""What the sound encoder learns from: every voice that this machine has, as it is and varied."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import DGTalkerError
from ...speech.lipsync.spectrum import log_mel, normalised
from ...speech.sound import RATE
from . import recordings, targets
from .augment import varied
from .config import LipsyncConfig
from .voices import Spoken, espeak_voices, flite_voices


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A sound and what is to be said of it.

    Attributes:
        voice: who speaks.
        real: whether a person does.
        energies: `spectrum.normalised`, float16 (n, bands).
        movement: `targets.movement`, float32 (n, channels).
        classes: `targets.phone_classes`, int64 (n,).
    """

    voice: str
    real: bool
    energies: np.ndarray
    movement: np.ndarray
    classes: np.ndarray


def gather(config: LipsyncConfig, data: Path | None, say: Callable[[str], None]) -> list[Sample]:
    """Samples of all voices; the same programs and recordings give the same ones.

    Args:
        config: how much of what, and the seed of what is drawn.
        data: a folder of folders with recordings of people and perhaps their transcripts, `recordings.sentences`.
        say: told what there is, and what is missing.

    Raises:
        DGTalkerError: no voice at all.
    """
    random = np.random.default_rng(config.data_seed)
    sources: list[tuple[str, bool, Iterator[Spoken]]] = [
        ("espeak-ng", False, espeak_voices(random, config.espeak_seconds)),
        ("flite", False, flite_voices(random, config.flite_seconds)),
    ]
    for language in recordings.PROMPTS:
        sources.append((f"prompts in {language}", True, recordings.prompts(language, config.prompt_seconds)))
    folders = sorted(path for path in data.iterdir() if path.is_dir()) if data else []
    sources += [(folder.name, True, recordings.sentences(folder)) for folder in folders]
    spoken: list[tuple[Spoken, bool]] = []
    for name, real, voices in sources:
        try:
            sounds = [voice for voice in voices if len(voice.samples) > config.shortest * RATE]
        except OSError as error:
            say(f"{name}: left out, {error}")
            continue
        spoken += [(voice, real) for voice in sounds]
        say(f"{name}: {len(sounds)} sounds, {sum(len(voice.samples) for voice in sounds) / RATE / 60:.1f} minutes")
    if not spoken:
        raise DGTalkerError("There is no voice to learn from.", "Install espeak-ng and flite (Debian: apt install).")
    crowd = [voice for voice, _ in spoken]
    samples = []
    for voice, real in spoken:
        samples.append(_sample(voice, real))
        variants = config.real_variants if real else config.synthetic_variants
        samples += [_sample(varied(voice, random, crowd), real) for _ in range(variants)]
    return samples


def _sample(spoken: Spoken, real: bool) -> Sample:
    energies = normalised(log_mel(spoken.samples))
    return Sample(
        voice=spoken.name.partition("/")[0],
        real=real,
        energies=energies.astype(np.float16),
        movement=targets.movement(spoken),
        classes=targets.phone_classes(spoken.phones, len(energies)),
    )
