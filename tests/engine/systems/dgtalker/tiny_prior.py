"""A prior of a second: heads of 1200 Gaussians that nobody has trained, but whose codes show. Run: it writes a file."""

from __future__ import annotations

import sys
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from dgtalker_engine.capture import face_model
from dgtalker_engine.systems.dgtalker import places
from dgtalker_engine.systems.dgtalker.generator import Generator
from dgtalker_engine.systems.dgtalker.population.people import Population
from dgtalker_engine.systems.dgtalker.prior import train as training
from dgtalker_engine.systems.dgtalker.prior.config import PriorConfig
from dgtalker_engine.systems.dgtalker.prior.file import to_bytes

CONFIG = PriorConfig(first_people=1, resolution=16, channel_base=128, channel_max=16, width=120, gaussians=1200)
_SHOWN = 3.0
"""How many times as much of a code is seen as in a training's first step."""


def generator() -> Generator:
    model = face_model.load()
    with (
        mock.patch.object(places, "plane_layout", return_value=model.uv),
        mock.patch.object(training, "_IDENTITY_STEPS", 5),
        mock.patch.object(training, "_importance", return_value=torch.ones(CONFIG.generator().code_size)),
    ):
        torch.manual_seed(0)
        template = places.even_template(model, CONFIG.gaussians)
        population = Population(model, template, CONFIG.generator())
        made = training.begun(population, CONFIG, np.random.default_rng(0))
    with torch.no_grad():
        for name, parameter in made.synthesis.named_parameters():
            if name.endswith("torgb.weight"):
                parameter.mul_(_SHOWN)
    return made.eval().requires_grad_(False)


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(to_bytes(generator()))
