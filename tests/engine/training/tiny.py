"""A tiny model with everything that a resumed training must get right: dropout, a schedule, samples in an order."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from dgtalker_engine.training import Config, Order, Run, run_loop, seed_all, setting
from dgtalker_engine.wire.jobs import Request


@dataclass(frozen=True, kw_only=True)
class TinyConfig(Config):
    steps: int = setting(200, "how many steps to train", least=1)
    width: int = setting(16, "units of the hidden layer", least=1)
    rate: float = setting(1e-2, "learning rate at the beginning", least=0.0)


def make(config: TinyConfig):
    """The step and the parts of a training."""
    generator = seed_all(config.seed)
    samples = torch.from_numpy(np.random.default_rng(9).normal(size=(37, 4)).astype(np.float32))
    model = nn.Sequential(
        nn.Linear(4, config.width), nn.BatchNorm1d(config.width), nn.Dropout(0.2), nn.Linear(config.width, 1)
    )
    optimiser = torch.optim.AdamW(model.parameters(), config.rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.rate, total_steps=config.steps)
    order = Order(len(samples), config.seed)

    def step(number: int) -> dict[str, torch.Tensor]:
        batch = samples[order.at(number, 8)]
        noise = torch.from_numpy(generator.normal(size=batch.shape).astype(np.float32))
        wanted = batch.prod(dim=1, keepdim=True) + random.random() * 0.01
        wanted = wanted + float(np.random.random()) * 0.01  # noqa: NPY002
        error = (model(batch + 0.1 * noise) - wanted).square().mean()
        optimiser.zero_grad()
        error.backward()
        optimiser.step()
        schedule.step()
        return {"error": error}

    return step, {"model": model, "optimiser": optimiser, "schedule": schedule, "random": generator}


def train(config: TinyConfig, run: Run) -> nn.Module:
    step, parts = make(config)
    run_loop(config, step, parts, run, preview=lambda: np.full((8, 8, 3), np.random.random()))  # noqa: NPY002
    return parts["model"]


def parameters(model: nn.Module) -> bytes:
    """Every bit of a model."""
    return b"".join(tensor.numpy().tobytes() for tensor in model.state_dict().values())


def train_job(request: Request, run: Run) -> dict[str, float]:
    """The trainer of the tests' jobs; `pace` makes steps as slow as those of a real model."""
    values = dict(request.config)
    pace = float(values.pop("pace", 0.0))
    config = TinyConfig.from_json(values)
    step, parts = make(config)

    def paced(number: int) -> dict[str, torch.Tensor]:
        time.sleep(pace)
        return step(number)

    often = replace(run, progress_seconds=0.0, preview_seconds=0.03, checkpoint_seconds=0.01)
    run_loop(config, paced, parts, often, preview=lambda: np.full((8, 8, 3), 0.5))
    Path(request.output).write_bytes(parameters(parts["model"]))
    return {"weights": float(sum(each.numel() for each in parts["model"].parameters()))}
