"""What `bench raster` compares with draws the same picture, and another renderer can be asked."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from dgtalker_engine.gaussians import render

BENCH = Path(__file__).resolve().parents[2] / "bench" / "raster.py"


@pytest.fixture(scope="module")
def bench():
    path = list(sys.path)
    spec = importlib.util.spec_from_file_location("bench_raster", BENCH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path[:] = path


def test_the_dense_renderer_draws_the_same_picture(bench, head, look):
    cloud, camera = head(500, degree=1), look((0.2, -0.6, 0.1), 70, 50)
    dense, ours = bench.dense_torch.render(cloud, camera).numpy(), render(cloud, camera)
    found = np.concatenate([ours.rgb, ours.alpha[..., None], (ours.alpha * ours.depth)[..., None]], axis=-1)
    assert np.sqrt(np.mean((dense - found) ** 2)) < 1e-4


def test_a_training_step_learns_from_either(bench, head, look):
    cloud, camera = bench.leaves(head(200)), look((0.2, -0.6, 0.1), 32, 32)
    wanted = torch.zeros(32, 32, 3)
    for draw in (lambda c: render(c, camera).rgb, lambda c: bench.dense_torch.render(c, camera)[..., :3]):
        bench.training(cloud, draw, wanted)()
        assert all(float(getattr(cloud, name).grad.abs().sum()) > 0 for name in bench.FIELDS)


def test_a_peer_is_asked_as_documented(bench, head, look, tmp_path):
    peer = tmp_path / "peer"
    peer.write_text(
        f"#!{sys.executable}\n"
        "import sys, pathlib\n"
        "folder, width, height, threads = pathlib.Path(sys.argv[1]), *map(int, sys.argv[2:])\n"
        "sizes = [(folder / f'{name}.bin').stat().st_size // 4 for name in\n"
        "         ('means', 'quats', 'scales', 'opacities', 'colours', 'K', 'world_to_camera')]\n"
        "assert sizes == [30, 40, 30, 10, 30, 9, 16] and (width, height, threads) == (64, 48, 2)\n"
        "print('a frame took', 12.5)\n"
    )
    peer.chmod(0o755)
    assert bench.ask(peer, head(10), look((0, -0.6, 0), 64, 48), 2) == 12.5
