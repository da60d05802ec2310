"""Whisper on PyTorch: the file that it is read from, what it hears, and the words that it writes."""

from __future__ import annotations

import struct

import numpy as np
import pytest
import torch
from speech_tools import sample

from dgtalker_engine import speech
from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.speech import sound
from dgtalker_engine.speech.analysis.activity import Span
from dgtalker_engine.speech.progress import NO_PROGRESS, Stage
from dgtalker_engine.speech.recognition import spelling
from dgtalker_engine.speech.whisper import ctranslate2_file, decoder, encoder, features, model, vocabulary, words
from dgtalker_engine.speech.whisper.encoder import WIDTH


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
    read = ctranslate2_file.read(written(kept))
    assert set(read) == set(kept)
    assert read["encoder/conv1/weight"] == pytest.approx(kept["encoder/conv1/weight"].astype(np.float32))
    assert read["encoder/num_heads"] == 6


@pytest.mark.parametrize("data", [b"", b"no model at all", written({}, version=5)])
def test_what_is_no_file_of_ctranslate2_is_refused(data):
    with pytest.raises(ValueError, match="file"):
        ctranslate2_file.read(data)


def test_another_model_than_the_known_one_is_refused(tmp_path):
    with pytest.raises(DGTalkerError, match="cannot be read"):
        model.load(tmp_path)
    (tmp_path / "model.bin").write_bytes(written({}))
    with pytest.raises(DGTalkerError, match="not the model Whisper tiny") as error:
        model.load(tmp_path)
    assert "Repair the engine" in error.value.hint


def test_that_the_model_is_not_installed_is_said_before_anything_is_listened_to(monkeypatch):
    monkeypatch.setattr(model, "_PACKAGE", "no_such_package_of_models")
    model.installed.cache_clear()
    said = []
    with pytest.raises(DGTalkerError, match="not installed") as error:
        speech.animate(*sample(), fps=25, progress=lambda _, text: said.append(text))
    assert "Repair the engine" in error.value.hint
    assert not said
    assert speech.animate(np.zeros(16000, np.float32), 16000, fps=25, encoders=None).take.weights.shape[0] == 25


def test_the_spectrum_is_whispers():
    """Radford et al. 2022, section 2.2: 80 bands of mel, 25 ms every 10 ms, 8 powers of ten, about 0."""
    tone = np.sin(2 * np.pi * 1000.0 * np.arange(16000) / 16000).astype(np.float32)
    energies = encoder.log_mel(tone).numpy()
    assert energies.shape == (encoder.MEL_BANDS, 100)
    # Slaney's scale is linear up to 1 kHz, which is 15 mel of 45.2: band 15 / 45.245 · 81 − 1.
    assert set(energies[:, 50].argsort()[-2:]) == {25, 26}
    assert energies.max() - energies.min() == pytest.approx(2.0, abs=1e-5)


def as_pytorchs(layer: torch.nn.Module, names: dict[str, str]) -> dict[str, torch.Tensor]:
    """A layer's tensors as PyTorch's own calls them, with the names that go beyond those of every layer."""
    own = layer.state_dict()
    names = names | {"self_attn.out_proj": "attention.outwards"}
    names |= {"linear1": "feed_forward.inwards", "linear2": "feed_forward.outwards"}
    state = {f"{k}.{part}": own[f"{v}.{part}"] for k, v in names.items() for part in ("weight", "bias")}
    return state | {f"self_attn.in_proj_{part}": own[f"attention.inwards.{part}"] for part in ("weight", "bias")}


def test_a_layer_is_the_transformer_of_the_paper():
    """Against PyTorch's own pre-norm layer with the same weights."""
    torch.manual_seed(0)
    layer = encoder.WhisperEncoder().eval().layers[0]
    pytorchs = torch.nn.TransformerEncoderLayer(
        WIDTH, 6, 4 * WIDTH, 0.0, "gelu", batch_first=True, norm_first=True
    ).eval()
    pytorchs.load_state_dict(as_pytorchs(layer, {"norm1": "attention.norm", "norm2": "feed_forward.norm"}))
    x = torch.randn(40, WIDTH)
    with torch.no_grad():
        assert torch.allclose(layer(x), pytorchs(x[None])[0], atol=1e-5)


def test_a_stretch_is_heard_as_in_the_whole_and_the_rows_between_are_means():
    heard = features.installed()
    samples = sound.to_speech_rate(*sample(), NO_PROGRESS)
    whole = heard.extract(samples)
    assert whole.shape == (len(samples) // 160 + 1, WIDTH)
    assert whole[101] == pytest.approx((whole[100] + whole[102]) / 2, abs=1e-5)
    part = heard.stretch(samples, 101, 180)
    assert np.corrcoef(part.ravel(), whole[101:180].ravel())[0, 1] > 0.98


def test_a_layer_of_the_decoder_is_the_transformer_of_the_paper():
    """Against PyTorch's own pre-norm layer with the same weights; token by token as all at once."""
    torch.manual_seed(0)
    layer = decoder.DecoderLayer().eval()
    pytorchs = torch.nn.TransformerDecoderLayer(
        WIDTH, 6, 4 * WIDTH, 0.0, "gelu", batch_first=True, norm_first=True
    ).eval()
    own = layer.state_dict()
    names = {"norm1": "attention.norm", "norm2": "cross.norm", "norm3": "feed_forward.norm"}
    state = as_pytorchs(layer, names | {"multihead_attn.out_proj": "cross.outwards"})
    for part in ("weight", "bias"):
        state[f"multihead_attn.in_proj_{part}"] = torch.cat([own[f"cross.{n}.{part}"] for n in ("asking", "hearing")])
    pytorchs.load_state_dict(state)
    x, heard = torch.randn(7, WIDTH), torch.randn(30, WIDTH)
    with torch.no_grad():
        mask = torch.nn.Transformer.generate_square_subsequent_mask(7)
        wanted = pytorchs(x[None], heard[None], tgt_mask=mask, tgt_is_causal=True)[0]
        kept = encoder.heads(layer.cross.hearing(heard), 2)
        answers, before = [], kept[:, :, :0]
        for rows in (x[:2], *x[2:, None]):
            answer, before = layer(rows, kept, before)
            answers.append(answer)
        assert torch.allclose(torch.cat(answers), wanted, atol=1e-5)


def test_tokens_are_written_in_letters_that_stand_for_bytes():
    tokens = model.installed().tokens
    assert len(tokens) == decoder.TOKENS
    assert (tokens[vocabulary.START], tokens[vocabulary.END]) == ("<|startoftranscript|>", "<|endoftext|>")
    assert tokens[vocabulary.NO_TIMES] == "<|notimestamps|>"
    assert vocabulary.text(["Ġcaf", "Ã©", "Ġâ", "Ļ", "ª"]) == " café ♪"
    assert [vocabulary.is_spoken(token) for token in ("Ġsix", "Ġ6", "Ġ(", "'s", "%", "<|0.00|>")] == [
        *(True, False, False, True, False, False)
    ]


def test_words_are_those_that_are_said_and_do_not_hang_on_what_else_is_listened_to():
    samples = sound.to_speech_rate(*sample(), NO_PROGRESS)
    span = Span(0.0, len(samples) / sound.RATE)
    (alone,) = words.hear(samples, [span], NO_PROGRESS)
    assert " ".join(spelling.words(alone.text)) == "hello my favorite movie has a big purple fish would you watch"
    assert alone.likelihood > -0.4
    both = words.hear(np.concatenate([samples, samples[::-1]]), [span, Span(span.end, 2 * span.end)], NO_PROGRESS)
    assert both[0] == alone
    assert both[1].likelihood < -0.8, "spoken backwards it is no English"


def test_whoever_cancels_does_not_wait_for_the_words():
    samples = np.tile(sound.to_speech_rate(*sample(), NO_PROGRESS), 4)
    length = len(samples) / 4 / sound.RATE

    def cancel(fraction, _):
        if fraction > 0:
            raise Cancelled

    model.installed()
    with pytest.raises(Cancelled):
        words.hear(samples, [Span(i * length, (i + 1) * length) for i in range(4)], Stage(cancel))
