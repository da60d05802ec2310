"""What the sound encoder learns from: sounds of all languages as phones, and variations that keep their times."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from dgtalker_engine.speech.lipsync import encoders
from dgtalker_engine.speech.recognition.result import SpokenPhone
from dgtalker_engine.speech.sound import RATE
from dgtalker_engine.systems.lipsync import ipa, targets, texts, voices
from dgtalker_engine.systems.lipsync.augment import varied
from dgtalker_engine.systems.lipsync.voices import Spoken


@pytest.mark.parametrize(
    ("sound", "phones"),
    [("m", ["M"]), ("tʃ", ["CH"]), ("ts", ["T", "S"]), ("ɑː", ["AA"]), ("yː", ["UW"]), ("ˈø", ["UH"]), ("", ["SIL"]),
     ("ʔ", ["SIL"]), ("ã", ["AA"]), ("ç", ["HH"]), ("ts.h", ["T", "S", "HH"]), ("5", ["SIL"])],
)  # fmt: skip
def test_sounds_of_other_languages_are_the_phones_whose_mouth_is_most_alike(sound, phones):
    assert ipa.arpabet(sound) == phones


def test_a_varied_sound_keeps_its_phones_in_their_places():
    """Bursts in silence are still where their phones say, whatever was done to the sound."""
    samples = np.zeros(3 * RATE, np.float32)
    phones = []
    random = np.random.default_rng(3)
    for start in (0.5, 1.2, 2.1):
        samples[int(start * RATE) : int((start + 0.2) * RATE)] = random.normal(0, 0.3, int(0.2 * RATE))
        phones.append(SpokenPhone("AA", start, start + 0.2))
    speeds = set()
    for _ in range(12):
        other = varied(Spoken("x/1", samples, tuple(phones)), random, [])
        assert np.isfinite(other.samples).all()
        speeds.add(round(3 / (len(other.samples) / RATE), 2))
        for phone in other.phones:

            def power(start: float, sound: np.ndarray = other.samples) -> float:
                return float((sound[int(start * RATE) : int((start + 0.1) * RATE)] ** 2).mean())

            assert power(phone.start + 0.03) > 1.5 * power(phone.start - 0.13)
    assert len(speeds) > 6


def test_every_language_has_sentences():
    random = np.random.default_rng(0)
    for language in texts.LANGUAGES:
        assert len(texts.sentence(language, random)) > 3


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not installed")
def test_a_synthetic_voice_says_when_it_speaks_each_phone():
    spoken = voices.Espeak().say("mama", "en-us", words_a_minute=150, pitch=50, liveliness=50)
    assert spoken is not None
    assert [phone.name for phone in spoken.phones if phone.name != "SIL"][:3] == ["M", "AA", "M"]
    movement = targets.movement(spoken)
    closure = movement[:, encoders.CHANNELS.index("closure")]
    jaw = movement[:, encoders.CHANNELS.index("jaw")]
    vowel = next(phone for phone in spoken.phones if phone.name == "AA")
    inside = int(((vowel.start + vowel.end) / 2 - 0.06) / 0.01)
    assert closure.max() == 1.0
    assert jaw[inside] > 2 * jaw[closure == 1.0].min()
