"""What people share, learned from several of them: the general field, and how motion is heard. And its file.

No static field and no individual field is in it: nothing of what somebody looks like, or does their own way. How sound
is heard is the individual field's: people share it while they are trained together, and a head learns it anew.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from ... import model_files
from ...capture.face_model import FaceModel
from ...errors import DGTalkerError
from .config import D3TalkerConfig
from .model import D3Talker

SHARED = ("motion", "general")
"""The modules of a head that begin with what people share."""
SHIPPED = Path(__file__).with_name("prior.safetensors")
_FORMAT = "d3talker prior 1"
_AGAIN = "Make it in the repository from captured clips with: python build.py train d3talker-prior."
_SIZES = ("levels", "coarsest", "finest", "table_entries", "table_features", "code", "regions")


def to_bytes(model: D3Talker, config: D3TalkerConfig, face_model: FaceModel) -> bytes:
    """A file that `read` reads, of a head whose shared modules were trained with several people."""
    tensors = {name: tensor.detach().half().contiguous() for name, tensor in _shared(model).items()}
    about = {"sizes": {name: getattr(config, name) for name in _SIZES}, "face_model": face_model.digest}
    return save(tensors, {"format": _FORMAT, "about": json.dumps(about)})


def chosen(config: D3TalkerConfig, face_model: FaceModel) -> dict[str, Tensor] | None:
    """What a head begins with: of the configuration's file, or of the engine's own where it has this face model.

    Args:
        config: of the head.
        face_model: its.

    Returns:
        for `start_from`; None: with nothing.

    Raises:
        DGTalkerError: as `read`.
    """
    if not config.pretrained:
        return None
    if config.prior:
        return read(Path(config.prior), config, face_model)
    with model_files.opened(SHIPPED, "prior", _FORMAT, _AGAIN) as (metadata, _):
        ours = json.loads(metadata["about"])["face_model"]
    return read(SHIPPED, config, face_model) if ours == face_model.digest else None


def read(path: Path, config: D3TalkerConfig, face_model: FaceModel) -> dict[str, Tensor]:
    """What `start_from` takes.

    Args:
        path: of the file.
        config: of the head that begins with it.
        face_model: its.

    Raises:
        DGTalkerError: the file is missing, damaged, of another version, of other sizes, or of another face model.
    """
    with model_files.opened(path, "prior", _FORMAT, _AGAIN) as (metadata, tensors):
        about = json.loads(metadata["about"])
        if about["face_model"] != face_model.digest:
            raise DGTalkerError(f"{path} was trained with another face model.", _AGAIN)
        if about["sizes"] != {name: getattr(config, name) for name in _SIZES}:
            raise DGTalkerError(
                f"{path} has fields of other sizes.", f"Its sizes: {about['sizes']}. Without it: pretrained false."
            )
        if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
            raise ValueError("its numbers are not finite")
        return {name: tensor.float() for name, tensor in tensors.items()}


@torch.no_grad()
def start_from(model: D3Talker, shared: dict[str, Tensor]) -> None:
    """Gives a head that begins what people share.

    Raises:
        DGTalkerError: something of that is missing, or of another shape.
    """
    own = _shared(model)
    if any(name not in shared or shared[name].shape != tensor.shape for name, tensor in own.items()):
        raise DGTalkerError("The prior has not what this head begins with.", _AGAIN)
    for name, tensor in own.items():
        tensor.copy_(shared[name])


def _shared(model: D3Talker) -> dict[str, Tensor]:
    return {name: tensor for name, tensor in model.state_dict().items() if name.split(".")[0] in SHARED}
