from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from tiny import TinyConfig, make, parameters, train
from torch import nn

from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.training import Config, Interrupted, Order, Run, one_torch_thread, run_loop, seed_all, setting

CONFIG = TinyConfig()


@pytest.fixture(scope="module")
def uninterrupted() -> bytes:
    return parameters(train(CONFIG, Run()))


def stopping_after(steps: int):
    """A `cancelled` that lets some steps pass."""
    left = [steps]

    def cancelled() -> bool:
        left[0] -= 1
        return left[0] < 0

    return cancelled


@pytest.mark.parametrize("steps", [1, 7, 199])
def test_a_resumed_training_gives_the_same_bits(tmp_path, uninterrupted, steps):
    with pytest.raises(Cancelled):
        train(CONFIG, Run(folder=tmp_path, cancelled=stopping_after(steps)))
    seed_all(1234)
    assert parameters(train(CONFIG, Run(folder=tmp_path))) == uninterrupted


def test_a_training_cancelled_again_and_again_gives_the_same_bits(tmp_path, uninterrupted):
    for _ in range(6):
        with pytest.raises(Cancelled):
            train(CONFIG, Run(folder=tmp_path, cancelled=stopping_after(31)))
    assert parameters(train(CONFIG, Run(folder=tmp_path))) == uninterrupted


def _train_and_say(folder, pipe):
    told = pipe.send
    run = Run(
        folder=folder, progress=lambda progress: told(progress.step), progress_seconds=0, checkpoint_seconds=0.002
    )
    told(parameters(train(CONFIG, run)))


def test_a_process_killed_at_random_moments_and_resumed_gives_the_same_bits(tmp_path, uninterrupted):
    # Its processes begin with torch loaded.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["torch"])

    def start():
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_train_and_say, args=(tmp_path, theirs))
        process.start()
        theirs.close()
        return process, ours

    random = np.random.default_rng()
    for goal in np.sort(random.integers(1, CONFIG.steps, 4)):
        process, told = start()
        while told.recv() < goal:
            pass
        time.sleep(random.uniform(0, 0.004))
        process.kill()
        process.join()
    process, told = start()
    while not isinstance(result := told.recv(), bytes):
        pass
    process.join()
    assert result == uninterrupted


def test_when_previews_and_checkpoints_come_changes_nothing(tmp_path, uninterrupted):
    shown = []
    run = Run(folder=tmp_path, show=shown.append, preview_seconds=0, checkpoint_seconds=0.05, progress_seconds=0)
    assert parameters(train(CONFIG, run)) == uninterrupted
    assert len(shown) == CONFIG.steps
    assert shown[0].shape == (8, 8, 3)


def test_progress_says_the_step_the_losses_the_seconds_and_those_left(tmp_path):
    seconds = iter(range(100_000))
    told = []
    run = Run(folder=tmp_path, progress=told.append, progress_seconds=0, clock=lambda: next(seconds))
    train(replace(CONFIG, steps=20), run)
    assert [progress.step for progress in told] == list(range(1, 21))
    assert all(progress.of == 20 and progress.losses["error"] > 0 for progress in told)
    assert [a.seconds < b.seconds for a, b in pairwise(told)] == [True] * 19
    assert told[9].eta == pytest.approx(told[9].seconds, rel=0.2)
    assert told[-1].eta == 0


def test_seconds_go_on_after_a_resume(tmp_path):
    seconds = iter(range(100_000))
    told = []
    run = Run(folder=tmp_path, progress=told.append, progress_seconds=0, clock=lambda: next(seconds))
    with pytest.raises(Cancelled):
        train(CONFIG, replace(run, cancelled=stopping_after(50)))
    before = told[-1]
    train(CONFIG, run)
    after = next(progress for progress in told if progress.step == 51)
    assert before.seconds < after.seconds < before.seconds + 10
    assert after.eta > 100


def test_losses_are_averages_since_the_last_progress():
    told = []
    config = Config(steps=10)
    run = Run(progress=told.append, progress_seconds=5.0, clock=iter(np.arange(0, 1000, 1.0)).__next__)
    run_loop(config, lambda step: {"loss": float(step)}, {}, run)
    assert [(progress.step, progress.losses["loss"]) for progress in told] == [(1, 0.0), (6, 3.0), (10, 7.5)]


def test_sigterm_ends_it_between_steps_with_a_checkpoint(tmp_path, uninterrupted):
    step, parts = make(CONFIG)

    def terminated(number):
        if number == 40:
            os.kill(os.getpid(), signal.SIGTERM)
        return step(number)

    usual = signal.getsignal(signal.SIGTERM)
    with pytest.raises(Interrupted):
        run_loop(CONFIG, terminated, parts, Run(folder=tmp_path))
    assert signal.getsignal(signal.SIGTERM) is usual
    steps = []
    train(CONFIG, Run(folder=tmp_path, progress=lambda progress: steps.append(progress.step), progress_seconds=0))
    assert steps[0] == 42


def test_it_runs_in_a_thread_too(uninterrupted):
    result = []
    thread = threading.Thread(target=lambda: result.append(parameters(train(CONFIG, Run()))))
    thread.start()
    thread.join()
    assert result == [uninterrupted]


def test_a_loss_that_is_no_number_ends_it_and_leaves_the_last_good_checkpoint(tmp_path):
    model = nn.Linear(1, 1)
    config = Config(steps=10)

    def step(number):
        if number == 5:
            model.weight.data.fill_(float("nan"))
        return {"loss": model.weight.sum(), "other": 1.0}

    run = Run(folder=tmp_path, checkpoint_seconds=0)
    with pytest.raises(DGTalkerError, match=r"diverged before step 6.*\(loss\)"):
        run_loop(config, step, {"model": model}, run)
    with pytest.raises(DGTalkerError, match="diverged"):
        run_loop(config, step, {"model": model}, run)
    run_loop(config, lambda number: {"loss": 0.0}, {"model": model}, run)
    assert torch.isfinite(model.weight).all()


def test_parameters_that_the_last_step_spoilt_are_not_saved(tmp_path):
    model = nn.Linear(1, 1)
    config = Config(steps=6)

    def step(number):
        if number == 5:
            model.weight.data.fill_(float("nan"))
        return {"loss": 0.0}

    with pytest.raises(DGTalkerError, match=r"before step 6: model \(weight\)"):
        run_loop(config, step, {"model": model}, Run(folder=tmp_path, checkpoint_seconds=0))
    run_loop(config, lambda number: {"loss": 0.0}, {"model": model}, Run(folder=tmp_path))
    assert torch.isfinite(model.weight).all()


def test_an_order_shows_every_sample_once_a_pass_each_pass_in_another_way():
    order = Order(10, seed=3)
    seen = [order.at(step, 4) for step in range(5)]
    samples = [sample for batch in seen for sample in batch]
    passes = [samples[:10], samples[10:]]
    assert [sorted(each) for each in passes] == [list(range(10))] * 2
    assert passes[0] != passes[1]
    assert [Order(10, seed=3).at(step, 4) for step in (4, 0)] == [seen[4], seen[0]]
    assert Order(10, seed=4).at(0, 10) != passes[0]


def test_torch_keeps_to_one_thread_where_kernels_bring_theirs():
    usual = torch.get_num_threads()
    with one_torch_thread():
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == usual


def test_a_setting_without_a_model_counts_steps():
    steps = []
    run_loop(Config(steps=3), lambda step: steps.append(step) or {}, {}, Run())
    assert steps == [0, 1, 2]
    assert setting(1, "x").metadata["text"] == "x"
