"""Whisper's encoder on PyTorch: the file that it is read from, what it hears, and where it says so."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import torch
from speech_tools import sample

from dgtalker_engine import speech
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.speech import sound
from dgtalker_engine.speech.lipsync import ctranslate2_file, whisper
from dgtalker_engine.speech.lipsync.encoders import WHISPER_WIDTH
from dgtalker_engine.speech.progress import NO_PROGRESS


def written(tensors: dict[str, np.ndarray], version: int = 6) -> bytes:
    """A file as CTranslate2 writes it."""

    def text(name: str) -> bytes:
        return struct.pack("<H", len(name) + 1) + name.encode() + b"\0"

    kinds = {"float32": 0, "int8": 1, "int16": 2, "int32": 3, "float16": 4}
    data = struct.pack("<I", version) + text("WhisperSpec") + struct.pack("<II", 3, len(tensors))
    for name, tensor in tensors.items():
        data += text(name) + struct.pack(f"<B{tensor.ndim}I", tensor.ndim, *tensor.shape)
        data += struct.pack("<BI", kinds[str(tensor.dtype)], tensor.nbytes) + tensor.tobytes()
    return data + struct.pack("<I", 1) + text("decoder/projection/weight") + text("decoder/embeddings/weight")


def test_tensors_come_back_from_a_file_of_ctranslate2():
    kept = {
        "encoder/conv1/weight": np.arange(24, dtype=np.float16).reshape(2, 3, 4) / 8,
        "encoder/num_heads": np.int16(6).reshape(()),
        "decoder/embeddings/weight": np.zeros((5, 2), np.float32),
    }
    read = ctranslate2_file.read(written(kept), "encoder/")
    assert set(read) == {"encoder/conv1/weight", "encoder/num_heads"}
    assert read["encoder/conv1/weight"] == pytest.approx(kept["encoder/conv1/weight"].astype(np.float32))
    assert read["encoder/num_heads"] == 6


@pytest.mark.parametrize("data", [b"", b"no model at all", written({}, version=5)])
def test_what_is_no_file_of_ctranslate2_is_refused(data):
    with pytest.raises(ValueError, match="file"):
        ctranslate2_file.read(data, "")


def test_another_model_than_the_known_one_is_refused(tmp_path):
    path = tmp_path / "model.bin"
    with pytest.raises(DGTalkerError, match="cannot be read"):
        whisper.load(path)
    path.write_bytes(written({}))
    with pytest.raises(DGTalkerError, match="not the model Whisper tiny") as error:
        whisper.load(path)
    assert "Repair the engine" in error.value.hint


def test_that_the_model_is_not_installed_is_said_before_anything_is_listened_to(monkeypatch):
    monkeypatch.setattr(whisper, "_PACKAGE", "no_such_package_of_models")
    whisper.installed.cache_clear()
    said = []
    with pytest.raises(DGTalkerError, match="not installed") as error:
        speech.animate(*sample(), fps=25, progress=lambda _, text: said.append(text))
    assert "Repair the engine" in error.value.hint
    assert not said
    assert speech.animate(np.zeros(16000, np.float32), 16000, fps=25, encoders=None).take.weights.shape[0] == 25


def test_the_spectrum_is_whispers():
    """Radford et al. 2022, section 2.2: 80 bands of mel, 25 ms every 10 ms, 8 powers of ten, about 0."""
    tone = np.sin(2 * np.pi * 1000.0 * np.arange(16000) / 16000).astype(np.float32)
    energies = whisper.log_mel(tone).numpy()
    assert energies.shape == (whisper.MEL_BANDS, 100)
    # Slaney's scale is linear up to 1 kHz, which is 15 mel of 45.2: band 15 / 45.245 · 81 − 1.
    assert set(energies[:, 50].argsort()[-2:]) == {25, 26}
    assert energies.max() - energies.min() == pytest.approx(2.0, abs=1e-5)


def test_a_layer_is_the_transformer_of_the_paper():
    """Against PyTorch's own pre-norm layer with the same weights."""
    torch.manual_seed(0)
    layer = whisper.WhisperEncoder().eval().layers[0]
    model = torch.nn.TransformerEncoderLayer(
        WHISPER_WIDTH, 6, 4 * WHISPER_WIDTH, 0.0, "gelu", batch_first=True, norm_first=True
    ).eval()
    own = layer.state_dict()
    names = {"norm1": "attention_norm", "norm2": "wide_norm", "linear1": "wide_in", "linear2": "wide_out"}
    names |= {"self_attn.out_proj": "attention_out"}
    state = {f"{k}.{part}": own[f"{v}.{part}"] for k, v in names.items() for part in ("weight", "bias")}
    state |= {f"self_attn.in_proj_{part}": own[f"attention_in.{part}"] for part in ("weight", "bias")}
    model.load_state_dict(state)
    x = torch.randn(40, WHISPER_WIDTH)
    with torch.no_grad():
        assert torch.allclose(layer(x), model(x[None])[0], atol=1e-5)


def test_a_stretch_is_heard_as_in_the_whole_and_the_rows_between_are_means():
    features = whisper.installed()
    samples = sound.to_speech_rate(*sample(), NO_PROGRESS)
    whole = features.extract(samples)
    assert whole.shape == (len(samples) // 160 + 1, WHISPER_WIDTH)
    assert whole[101] == pytest.approx((whole[100] + whole[102]) / 2, abs=1e-5)
    part = features.stretch(samples, 101, 180)
    heard = np.corrcoef(part.ravel(), whole[101:180].ravel())[0, 1]
    assert heard > 0.98
