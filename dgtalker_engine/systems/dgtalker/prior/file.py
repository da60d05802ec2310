"""A trained prior as a file: safetensors, in half precision."""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor

from .... import model_files
from ....capture.face_model import FaceModel
from ....errors import DGTalkerError
from ..config import GeneratorConfig
from ..generator import Generator
from ..template import Template

SHIPPED = Path(__file__).with_name("prior.safetensors")
VARIABLE = "DGTALKER_PRIOR"
"""The environment variable with the path of a prior to use in place of the shipped one."""

_FORMAT = "dgtalker prior 1"
_AGAIN = (
    "Make it in the repository, in hours, with: python build.py train prior. "
    f"The environment variable {VARIABLE} says where one lies elsewhere."
)
_TEMPLATE = {"uv": torch.float32, "points": torch.float32, "triangles": torch.int32}


def chosen() -> Path:
    """The file of the prior to use: the user's own, which `VARIABLE` names, or the shipped one."""
    return Path(os.environ.get(VARIABLE) or SHIPPED)


def to_bytes(generator: Generator) -> bytes:
    """A file that `read` reads."""
    assert generator.face_model is not None
    tensors: dict[str, Tensor] = {}
    for name, tensor in generator.state_dict().items():
        if name != "points":  # which follow from the face model
            tensors[name] = tensor.detach().cpu().to(_TEMPLATE.get(name, torch.float16)).contiguous()
    about = {"config": generator.config.to_json(), "face_model": generator.face_model.digest}
    return save(tensors, {"format": _FORMAT, "about": json.dumps(about)})


def read(path: Path, model: FaceModel) -> Generator:
    """The generator of a file, for use, not for training.

    Args:
        path: of the file.
        model: the face model that it was trained with.

    Raises:
        DGTalkerError: the file is missing, damaged, of another version, or trained with another face model.
    """
    with model_files.opened(path, "prior", _FORMAT, _AGAIN) as (metadata, tensors):
        about = json.loads(metadata["about"])
        if about["face_model"] != model.digest:
            raise DGTalkerError(f"{path} was trained with another face model.", _AGAIN)
        config = GeneratorConfig.from_json(about["config"])
        generator = Generator(config, Template.empty(config.gaussians), model)
        if bool(tensors["triangles"].min() < 0) or bool(tensors["triangles"].max() >= len(model.faces)):
            raise ValueError("its places lie outside the face model")
        corners = model.neutral[model.faces[tensors["triangles"].long()]]
        tensors["points"] = (tensors["barycentrics"][:, :, None] * corners).sum(dim=1)
        generator.load_state_dict({name: tensors[name].to(own) for name, own in generator.state_dict().items()})
        if not all(bool(tensor.isfinite().all()) for tensor in tensors.values() if tensor.is_floating_point()):
            raise ValueError("its numbers are not finite")
    return generator.eval().requires_grad_(False)
