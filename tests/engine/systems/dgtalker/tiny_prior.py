"""A prior of seconds: heads of 1200 Gaussians that nobody has trained, but whose codes show. Run: it writes a file."""

from __future__ import annotations

import sys
from pathlib import Path
from unittest import mock

import numpy as np
import torch

from dgtalker_engine.capture import face_model
from dgtalker_engine.systems.dgtalker import places
from dgtalker_engine.systems.dgtalker.generator import Generator
from dgtalker_engine.systems.dgtalker.population import transfer
from dgtalker_engine.systems.dgtalker.population.people import Population
from dgtalker_engine.systems.dgtalker.prior import basis
from dgtalker_engine.systems.dgtalker.prior import train as training
from dgtalker_engine.systems.dgtalker.prior.config import PriorConfig
from dgtalker_engine.systems.dgtalker.prior.file import to_bytes

CONFIG = PriorConfig(
    component_people=8,
    first_people=8,
    known_people=16,
    sketch_gaussians=1200,
    basis=4,
    basis_resolution=8,
    resolution=16,
    channel_base=128,
    channel_max=16,
    width=120,
    gaussians=1200,
)


def generator() -> Generator:
    model = face_model.load()
    with (
        mock.patch.object(places, "plane_layout", return_value=model.uv),
        mock.patch.object(transfer, "_DIRECTIONS", 16),
        mock.patch.object(basis, "_COMPARED", 1),
        mock.patch.object(training, "_CODES_STEPS", 40),
    ):
        torch.manual_seed(0)
        template = places.even_template(model, CONFIG.gaussians)
        population = Population(model, template, CONFIG.generator())
        made = training.begun(population, CONFIG, np.random.default_rng(0), lambda _: None)
    return made.eval().requires_grad_(False)


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(to_bytes(generator()))
