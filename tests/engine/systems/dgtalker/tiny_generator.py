"""A generator that has learned nothing, with what it needs to be personalised in seconds."""

from __future__ import annotations

import pytest
import torch

from dgtalker_engine.capture.face_model import FaceModel
from dgtalker_engine.systems.dgtalker.config import DGTalkerConfig
from dgtalker_engine.systems.dgtalker.generator import Generator
from dgtalker_engine.systems.dgtalker.places import even_template
from dgtalker_engine.systems.dgtalker.prior.config import PriorConfig

TINY = DGTalkerConfig(
    steps=60, share=0.8, inversion_share=0.2, inversion_frames=4, half_share=0.0, planes_rate=4.0, navigation_steps=12
)


def tiny_generator(model: FaceModel) -> Generator:
    sizes = PriorConfig(resolution=32, channel_base=256, channel_max=16, width=120, gaussians=3000).generator()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("dgtalker_engine.systems.dgtalker.places.plane_layout", lambda model: model.uv)
        template = even_template(model, sizes.gaussians)
    torch.manual_seed(0)
    generator = Generator(sizes, template, model)
    with torch.no_grad():
        generator.shared[3:6].fill_(3.0)  # larger than at first: a cloud without holes
        generator.shared[-1 - 22].fill_(2.0)
        for name, parameter in generator.synthesis.named_parameters():
            if name.endswith("torgb.weight"):
                parameter.mul_(0.1)
    return generator.eval().requires_grad_(False)
