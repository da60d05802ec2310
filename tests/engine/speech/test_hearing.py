"""What networks that move faces are given of a sound: phones that no voice changes, and a sound in several timbres."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.speech import front_end
from dgtalker_engine.speech.hearing import moments
from dgtalker_engine.speech.hearing.moments import PHONE_INPUTS, RATE, Heard, heard, sound_input, sound_of
from dgtalker_engine.speech.hearing.timbre import Timbre
from dgtalker_engine.speech.lipsync.encoders import CHANNELS, CLASSES
from dgtalker_engine.speech.recognition.result import SpokenPhone

PHONES = [SpokenPhone("AA", 0.5, 0.9), SpokenPhone("M", 0.9, 1.1), SpokenPhone("IY", 1.1, 1.6)]


@pytest.fixture(scope="module")
def analysis() -> front_end.Analysis:
    """Two seconds in which a buzzing voice speaks for one."""
    time = np.arange(32000) / 16000
    voice = 0.3 * np.sign(np.sin(2 * np.pi * 120 * time)) * ((time > 0.5) & (time < 1.6))
    return front_end.analyse(voice.astype(np.float32), 16000, phones_known=PHONES)


def test_a_sound_is_heard_in_each_timbre_and_its_phones_once(analysis):
    found = heard(analysis, sound_input(), timbres=[Timbre(1.3, 1.1), Timbre(0.8, 0.9)])
    count = len(found)
    assert count == pytest.approx(2 * RATE, abs=1)
    assert found.phones.shape == (count, PHONE_INPUTS)
    assert found.sound.shape == (3, count, len(CHANNELS) + CLASSES)
    assert found.words.shape == (count, CLASSES)
    assert found.blank is None
    assert np.abs(found.sound[1] - found.sound[0]).max() > 0.05
    assert 0 <= found.words.min() <= found.words.max() <= 1


def test_nothing_is_heard_in_silence(analysis):
    found = heard(analysis, sound_input())
    assert found.speaking[RATE]
    assert not found.speaking[:10].any()
    assert not found.sound[0, :10].any()
    assert not found.words[:10].any()


def test_a_recogniser_that_the_user_has_gives_its_letters(analysis, tmp_path):
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(1)
    config = transformers.Wav2Vec2Config(
        hidden_size=24, num_hidden_layers=3, num_attention_heads=2, intermediate_size=32, conv_dim=(16, 16),
        conv_stride=(20, 16), conv_kernel=(20, 16), num_conv_pos_embeddings=4, num_conv_pos_embedding_groups=2,
        vocab_size=7, pad_token_id=2, num_feat_extract_layers=2,
    )  # fmt: skip
    transformers.Wav2Vec2ForCTC(config).save_pretrained(tmp_path)
    sound = sound_input(str(tmp_path))
    found = heard(analysis, sound)
    assert sound.name == str(tmp_path)
    assert found.sound.shape[2] == sound.width == 24
    assert found.words.shape == (len(found), 7)
    assert found.blank == 2


def test_our_own_features_are_named_in_files():
    assert sound_input().name == moments.OWN


def test_features_that_this_machine_lacks_are_refused_and_nothing_is_downloaded(tmp_path):
    with pytest.raises(DGTalkerError, match="no folder facebook/wav2vec2-base") as given:
        sound_input("facebook/wav2vec2-base")
    assert "our own sound features" in given.value.hint
    with pytest.raises(DGTalkerError, match="not on this machine") as named:
        sound_of(str(tmp_path / "gone"))
    assert "without --wav2vec" in named.value.hint
    assert sound_of(moments.OWN).name == moments.OWN


def test_what_is_heard_around_a_moment_stays_as_it_is_before_the_beginning_and_after_the_end():
    ramp = np.arange(10, dtype=np.float32)[:, None]
    phones = np.zeros((10, PHONE_INPUTS), np.float32)
    known = Heard(phones=phones, sound=ramp[None], words=ramp, speaking=np.ones(10, bool))
    around = known.around(np.array([0.0, 0.1, 0.19]), 3, 0.04)[..., PHONE_INPUTS:]
    np.testing.assert_allclose(around[..., 0], [[0, 0, 2], [3, 5, 7], [7.5, 9, 9]], atol=1e-5)
