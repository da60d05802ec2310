"""How fast the GPU's renderer is: a frame, a batch of frames, a step of training."""

from __future__ import annotations

import importlib
import math
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dgtalker_engine.gaussians import Camera, Gaussians, render, render_many
from dgtalker_engine.gaussians.arrays import tensors_of

sys.path.append(str(Path(__file__).resolve().parents[1] / "engine"))
heads = importlib.import_module("head_cloud")

ONE_FRAME_RATIO, BATCH_FRAMES_PER_SECOND = 1.15, 1000
"""The bars of the benches; they are reported, and no failure."""


def bench(device: torch.device, count: int, side: int, frames: int = 64) -> dict[str, Any]:
    """Milliseconds, medians: a frame beside the bare call of gsplat, frames of a batch, a step of training.

    Clouds lie on the GPU, and pictures stay there, but where it says from arrays to arrays.
    """
    camera = heads.look_at((0.3, -0.7, 0.1), side, side)
    cloud = heads.head_cloud(count)
    there = cloud.map(lambda tensor: tensor.to(device))
    here, moved = ([replace(c, means=c.means + 1e-4 * i) for i in range(frames)] for c in (cloud, there))
    cameras = [camera] * frames
    bare = bare_call(there, camera, device)
    frame = median(lambda: render(there, camera, backend="cuda"), device)
    batch = median(lambda: render_many(moved, cameras, backend="cuda"), device, 5)
    through = median(lambda: render_many(here, cameras, backend="cuda"), device, 5)
    figures = {
        "one_frame_ms": frame,
        "one_frame_from_arrays_to_arrays_ms": median(lambda: render(cloud, camera, backend="cuda"), device),
        "bare_gsplat_call_ms": bare,
        "one_frame_ratio": frame / bare,
        "batch_frames_per_s": 1000 * frames / batch,
        "batch_from_arrays_to_arrays_frames_per_s": 1000 * frames / through,
        "training_step_ms": median(training(cloud, camera, device), device),
    }
    bars_met = {
        "one_frame_ratio": figures["one_frame_ratio"] <= ONE_FRAME_RATIO,
        "batch_frames_per_s": figures["batch_frames_per_s"] >= BATCH_FRAMES_PER_SECOND,
    }
    rounded = {name: round(value, 3) for name, value in figures.items()}
    return {"gaussians": count, "side": side, "batch": frames, **rounded, "bars_met": bars_met}


def bare_call(cloud: Gaussians, camera: Camera, device: torch.device) -> float:
    """What `gsplat.rasterization` takes by itself, everything being on the GPU."""
    gsplat = importlib.import_module("gsplat")
    viewmats, Ks = (
        torch.tensor(np.float32(matrix), device=device)[None] for matrix in (camera.world_to_camera, camera.K)
    )
    degree = math.isqrt(cloud.sh.shape[1]) - 1

    def call() -> None:
        gsplat.rasterization(
            *tensors_of(cloud), viewmats, Ks, camera.width, camera.height,
            sh_degree=degree, packed=False, render_mode="RGB+ED",
        )  # fmt: skip

    return median(call, device)


def training(cloud: Gaussians, camera: Camera, device: torch.device) -> Callable[[], None]:
    """Forward, mean square error, backward and Adam."""
    leaves = cloud.map(lambda tensor: tensor.to(device, copy=True).requires_grad_())
    with torch.no_grad():
        wanted = 0.9 * torch.as_tensor(render(leaves, camera, backend="cuda").rgb).to(device)
    # A tiny rate: the head must stay as it is while it is measured.
    optimizer = torch.optim.Adam(tensors_of(leaves), lr=1e-7, fused=device.type == "cuda")

    def step() -> None:
        optimizer.zero_grad()
        ((render(leaves, camera, backend="cuda").rgb - wanted) ** 2).mean().backward()
        optimizer.step()

    return step


def median(work: Callable[[], Any], device: torch.device, repeats: int = 20) -> float:
    times = []
    for repeat in range(repeats + 3):
        synchronize(device)
        started = time.perf_counter()
        work()
        synchronize(device)
        if repeat >= 3:
            times.append(1000 * (time.perf_counter() - started))
    return statistics.median(times)


def synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
