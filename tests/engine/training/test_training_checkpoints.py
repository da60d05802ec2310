from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from tiny import TinyConfig, make, train
from torch import nn

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.training import Run, checkpoints

CONFIG = TinyConfig(steps=5)


@pytest.fixture
def checkpoint(tmp_path):
    """The file of a finished training."""
    train(CONFIG, Run(folder=tmp_path))
    return tmp_path / checkpoints.FILE


def test_a_checkpoint_of_another_configuration_names_what_differs(checkpoint):
    with pytest.raises(DGTalkerError, match="width was 16 and is 8") as refused:
        train(replace(CONFIG, width=8), Run(folder=checkpoint.parent))
    assert refused.value.hint


@pytest.mark.parametrize("size", [0, 4, 100, -1])
def test_a_truncated_checkpoint_is_refused(checkpoint, size):
    data = checkpoint.read_bytes()
    checkpoint.write_bytes(data[:size])
    with pytest.raises(DGTalkerError, match="damaged") as refused:
        train(CONFIG, Run(folder=checkpoint.parent))
    assert refused.value.hint


def test_a_checkpoint_with_a_flipped_bit_is_refused_wherever_it_is(checkpoint):
    data = checkpoint.read_bytes()
    for place in np.random.default_rng(0).integers(0, len(data), 40):
        damaged = bytearray(data)
        damaged[place] ^= 4
        checkpoint.write_bytes(damaged)
        with pytest.raises(DGTalkerError):
            checkpoints.restore(checkpoint.parent, CONFIG, make(CONFIG)[1])


def test_a_checkpoint_of_other_parts_is_refused(checkpoint):
    parts = make(CONFIG)[1]
    with pytest.raises(DGTalkerError, match="does not fit"):
        checkpoints.restore(checkpoint.parent, CONFIG, {"model": parts["model"]})
    with pytest.raises(DGTalkerError, match="does not fit"):
        checkpoints.restore(checkpoint.parent, CONFIG, {**parts, "model": nn.Linear(2, 2)})


def test_without_a_checkpoint_there_is_nothing_to_restore(tmp_path):
    assert checkpoints.restore(tmp_path, CONFIG, make(CONFIG)[1]) is None


def test_a_model_that_grew_comes_back_grown_and_goes_on_with_its_optimiser(tmp_path):
    model = nn.ParameterDict({"means": torch.zeros(3, 2)})
    optimiser = torch.optim.Adam(model.parameters(), 0.1)

    def step():
        optimiser.zero_grad()
        (model["means"] - 1).square().sum().backward()
        optimiser.step()

    step()
    model["means"].data = torch.cat([model["means"].data, torch.zeros(2, 2)])
    model["means"].grad = None
    for name in ("exp_avg", "exp_avg_sq"):
        old = optimiser.state[model["means"]][name]
        optimiser.state[model["means"]][name] = torch.cat([old, torch.zeros(2, 2)])
    step()
    checkpoints.save(tmp_path, CONFIG, {"model": model, "optimiser": optimiser}, step=2, seconds=1.0)
    step()
    wanted = model["means"].detach().clone()

    model = nn.ParameterDict({"means": torch.zeros(3, 2)})
    optimiser = torch.optim.Adam(model.parameters(), 0.1)
    assert checkpoints.restore(tmp_path, CONFIG, {"model": model, "optimiser": optimiser}) == (2, 1.0)
    step()
    assert torch.equal(model["means"], wanted)


def test_a_full_disk_leaves_the_checkpoint_before(checkpoint, monkeypatch):
    before = checkpoint.read_bytes()

    def full(_descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DGTalkerError, match="No space left"):
        checkpoints.save(checkpoint.parent, CONFIG, make(CONFIG)[1], step=1, seconds=0.0)
    assert checkpoint.read_bytes() == before
    assert [path.name for path in checkpoint.parent.iterdir()] == [checkpoint.name]
