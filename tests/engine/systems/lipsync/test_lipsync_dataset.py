"""What the sound encoder is taught with: sounds of all languages as phones, and variations that keep their times."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
import torch

from dgtalker_engine.speech.lipsync import encoders
from dgtalker_engine.speech.lipsync.spectrum import BANDS
from dgtalker_engine.speech.recognition.result import Phone
from dgtalker_engine.speech.sound import RATE
from dgtalker_engine.systems.lipsync import ipa, sound_training, targets, texts, voices
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
        phones.append(Phone("AA", start, start + 0.2))
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


def test_an_encoder_learns_what_it_is_taught_and_the_same_from_the_same_seed():
    random = np.random.default_rng(0)
    lessons = []
    for number in range(4):
        on = np.repeat(random.random(60) > 0.5, 10)
        energies = np.where(on[:, None], 1.0, -1.0) * np.linspace(0.5, 1.5, BANDS) + random.normal(0, 0.1, (600, BANDS))
        movement = np.zeros((600, len(encoders.CHANNELS)), np.float32)
        movement[:, 0] = 0.3 * on
        classes = np.where(on, encoders.PHONE_CLASSES.index("AA"), 0)
        lessons.append(
            sound_training.Lesson(str(number), number % 2 == 0, energies.astype(np.float16), movement, classes)
        )
    said: list[str] = []

    def teach() -> np.ndarray:
        encoder = sound_training.teach(
            lessons, steps=80, random=np.random.default_rng(5), device="cpu", say=said.append
        )
        return features_of(encoder, lessons[0])

    heard = teach()
    jaw = heard[:, 0] * sound_training.MOVEMENT_SCALE[0]
    assert np.corrcoef(jaw, lessons[0].movement[::2, 0])[0, 1] > 0.8
    assert "step 50 of 80" in said[-1]
    assert teach() == pytest.approx(heard, abs=0.02)


def features_of(encoder: encoders.SoundEncoder, lesson: sound_training.Lesson) -> np.ndarray:
    with torch.inference_mode():
        return encoder(torch.from_numpy(lesson.energies.astype(np.float32).T[None]))[0][0].T.numpy()
