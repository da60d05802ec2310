"""What the encoders listen to: the same however a sound is cut up, whoever made the model."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from speech_tools import RATE, sample

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.speech import front_end, sound
from dgtalker_engine.speech.lipsync import encoders, features
from dgtalker_engine.speech.lipsync.features import PhoneFeatures, SoundFeatures
from dgtalker_engine.speech.lipsync.pretrained import PretrainedFeatures
from dgtalker_engine.speech.lipsync.spectrum import BANDS, log_mel, normalised
from dgtalker_engine.speech.progress import NO_PROGRESS


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return sound.to_speech_rate(*sample(), NO_PROGRESS)


@pytest.fixture
def encoder() -> encoders.SoundEncoder:
    torch.manual_seed(0)
    return encoders.SoundEncoder().eval()


def naive_log_mel(samples: np.ndarray, frame: int) -> np.ndarray:
    """One frame of the spectrum, written out."""
    padded = np.pad(samples, (200, 560))
    window = padded[frame * 160 : frame * 160 + 400].astype(np.float64)
    window = np.append(window[0], window[1:] - 0.97 * window[:-1]) * np.hanning(400)
    angle = -2j * np.pi * np.outer(np.arange(257), np.arange(400)) / 512
    power = np.abs(np.exp(angle) @ window) ** 2
    mel = np.linspace(2595 * np.log10(1 + 60 / 700), 2595 * np.log10(1 + 7600 / 700), BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    energies = np.zeros(BANDS)
    for band in range(BANDS):
        for number in range(257):
            share = np.interp(number * RATE / 512, edges[band : band + 3], [0.0, 1.0, 0.0], left=0, right=0)
            energies[band] += share * power[number]
    return 10 * np.log10(energies + 1e-9)


def test_the_spectrum_is_the_one_that_is_written_in_books(speech):
    whole = log_mel(speech)
    assert whole.shape == (len(speech) // 160 + 1, BANDS)
    for frame in (0, 100, 217, len(whole) - 1):
        assert whole[frame] == pytest.approx(naive_log_mel(speech, frame), abs=0.05)


def test_louder_sounds_and_duller_microphones_are_heard_alike(speech):
    usual = normalised(log_mel(speech))
    louder = normalised(log_mel(8 * speech))
    duller = normalised(log_mel(speech) + np.linspace(0, -12, BANDS, dtype=np.float32))
    loud = usual.mean(axis=1) > 0
    assert np.abs(louder - usual)[loud].mean() < 0.02
    assert np.abs(duller - usual)[loud].mean() < 0.1


def test_a_long_sound_heard_in_pieces_is_heard_as_a_whole(speech, encoder, monkeypatch):
    heard = SoundFeatures(encoder, np.ones(len(encoders.CHANNELS)))
    long = np.tile(speech, 12)[: 40 * RATE + 77] * np.linspace(0.1, 1, 40 * RATE + 77, dtype=np.float32)
    monkeypatch.setattr(features, "_PIECE", 10**6)
    whole = heard.extract(long)
    monkeypatch.setattr(features, "_PIECE", 500)
    assert heard.extract(long) == pytest.approx(whole, abs=0.01)
    assert whole.shape == (len(long) // 160 + 1, heard.width)


@pytest.mark.parametrize("length", [1, 159, 161, 1600])
def test_the_shortest_sounds_have_features(encoder, length):
    heard = SoundFeatures(encoder, np.ones(len(encoders.CHANNELS))).extract(np.full(length, 0.1, np.float32))
    assert heard.shape == (length // 160 + 1, len(encoders.CHANNELS) + encoders.CLASSES)
    assert np.isfinite(heard).all()


def test_phones_say_when_the_lips_touch(speech):
    analysis = front_end.analyse(speech, RATE, processes=1)
    found = PhoneFeatures(analysis.phones, analysis.syllables, analysis.duration).extract(speech)
    assert found.shape == (len(speech) // 160 + 1, len(encoders.CHANNELS))
    touching = found[:, encoders.CHANNELS.index("closure")]
    for phone in analysis.phones:
        middle = int(((phone.start + phone.end) / 2 - 0.06) / 0.01)
        if phone.name in ("P", "B", "M"):
            assert touching[middle - 2 : middle + 2].max() == 1.0
        elif phone.name in ("AA", "AE") and phone.end - phone.start > 0.15:
            assert touching[middle] == 0.0


KINDS = {
    "wav2vec2": ("Wav2Vec2Config", "Wav2Vec2Model"),
    "hubert": ("HubertConfig", "HubertModel"),
    "wavlm": ("WavLMConfig", "WavLMModel"),
}
SMALL = {
    "hidden_size": 24, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 32,
    "conv_dim": (16,) * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 2,
}  # fmt: skip


@pytest.fixture(scope="module", params=list(KINDS))
def checkpoint(request, tmp_path_factory):
    """A folder as `transformers` saves models, with small random weights."""
    transformers = pytest.importorskip("transformers")
    config, model = (getattr(transformers, name) for name in KINDS[request.param])
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp(request.param)
    model(config(**SMALL)).save_pretrained(folder)
    return folder, model


def test_a_pretrained_model_is_read_from_its_folder(checkpoint, speech):
    folder, model = checkpoint
    found = PretrainedFeatures(str(folder))
    heard = found.extract(speech)
    assert heard.shape == (len(speech) // 160 + 1, 24)
    # The same by transformers alone: two of three layers up, a state every 20 ms.
    with torch.inference_mode():
        standard = torch.from_numpy((speech - speech.mean()) / speech.std())[None]
        answer = model.from_pretrained(folder).eval()(standard, output_hidden_states=True)
    states = answer.hidden_states[2][0].numpy()
    place = (np.arange(len(states)) + 0.5) * len(speech) / len(states) / 160
    middle = states[len(states) // 2]
    row = place[len(states) // 2]
    share = row - int(row)
    between = heard[int(row)] * (1 - share) + heard[int(row) + 1] * share
    assert np.abs(between - middle).max() < 0.5 * np.abs(middle).max()


def test_a_long_sound_keeps_a_pretrained_model_in_time(checkpoint):
    heard = PretrainedFeatures(str(checkpoint[0])).extract(np.random.default_rng(0).normal(0, 0.1, 45 * RATE))
    assert heard.shape == (4501, 24)
    assert (np.abs(heard).sum(axis=1) > 0).all()


def test_what_is_no_pretrained_model_is_refused_with_what_to_do(tmp_path):
    transformers = pytest.importorskip("transformers")
    with pytest.raises(DGTalkerError, match="There is no folder"):
        PretrainedFeatures(str(tmp_path / "nothing" / "here"))
    with pytest.raises(DGTalkerError, match="cannot be loaded"):
        PretrainedFeatures(str(tmp_path))
    transformers.BertConfig(hidden_size=8, num_attention_heads=2).save_pretrained(tmp_path)
    with pytest.raises(DGTalkerError, match="is a bert model") as caught:
        PretrainedFeatures(str(tmp_path))
    assert "hubert" in caught.value.hint
