"""Milliseconds to render a head of Gaussians, forward and backward, and to pose it.

Run by `python build.py bench raster [--quick] [--threads N …] [--repeats N] [--peer PATH] [--plots FOLDER]`; prints
{"rows": [...], "hardware"} as JSON, and a table on standard error. With `--against REVISION` nothing is measured but
forward and backward, of this renderer and of another revision's in turns. The dense PyTorch renderer beside it and
the float64 reference are measured in the same run, and so is gsplat where there is a GPU: one picture, and one of a
batch of frames, from arrays to arrays. Medians; the least time, which a busy machine disturbs less, stands beside
them.

`--peer PATH`: any other renderer. It is run as `PATH FOLDER WIDTH HEIGHT THREADS` with a folder that holds means,
quats (wxyz), scales, opacities and colours (0 to 1) as raw float32 rows in NAME.bin, K (3 × 3) and world_to_camera
(4 × 4, OpenCV) likewise; the last word that it prints is the milliseconds of one picture.

`--plots FOLDER`: draws benchmarks_*.png there.

Stages: forward; batch (a frame's share of 16 that are drawn at once); backward (gradients of a picture's colours, for
everything); training step (forward, mean square error, backward, `torch.optim.Adam(fused=True)`, with PyTorch on
`torch_threads`: its idle threads wait busily for some milliseconds after each operation, and take time from the
renderer's); pose (52 controls, none of them 0, that change a tenth of the means, quaternions and scales each); pose
dense (52 controls that change every mean); placed; to_scene_linear.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import importlib
import itertools
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import llvmlite.binding
import numba
import numpy as np
import torch

from dgtalker_engine.avatar.kinds.linear.posing import blendshapes, pose
from dgtalker_engine.gaussians import Camera, Gaussians, reference, render, render_many, warm_up
from dgtalker_engine.gaussians.backend import gpu_problem
from dgtalker_engine.gaussians.colour import to_scene_linear
from dgtalker_engine.gaussians.constants import SH_C0
from dgtalker_engine.gaussians.transform import placed
from dgtalker_engine.kernels import thread_pool

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in ("bench", "engine")]
against = importlib.import_module("splats.against")
dense_torch = importlib.import_module("splats.dense_torch")
heads = importlib.import_module("head_cloud")

EYE = (0.3, -0.7, 0.1)
FIELDS = ("means", "quats", "scales", "opacities", "sh")
COUNTS = (5_000, 10_000, 30_000, 50_000, 100_000, 200_000)
SIZES = ((256, 256), (512, 512), (1280, 720), (1920, 1080), (3840, 2160))
USUAL = (512, 512)
CONTROLS = 52
FRAMES = 16


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer sizes, in a minute")
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, thread_pool.thread_count()}))
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--peer", type=Path)
    parser.add_argument("--plots", type=Path)
    parser.add_argument("--against", metavar="REVISION")
    options = parser.parse_args(argv)
    if options.against:
        rows = [row for n in options.threads for row in against.rows(options.against, n, options.repeats)]
        print(json.dumps({"hardware": hardware(), "rows": rows}, indent=1))
        print(against.table(rows), file=sys.stderr)
        return 0

    started = time.perf_counter()
    warm_up()
    ready = time.perf_counter() - started
    bench = Bench(options.repeats)
    most = max(options.threads)
    counts = (10_000, 30_000, 100_000) if options.quick else COUNTS
    for count in counts:
        bench.picture(count, USUAL, most)
        bench.pose(count, most)
    for size in SIZES[:3:2] if options.quick else SIZES:
        if size != USUAL:
            bench.picture(30_000, size, most)
            if size[1] <= 1080:
                bench.picture(100_000, size, most, backward=False)
    for threads in options.threads:
        if threads != most:
            for count in (30_000, 100_000):
                bench.picture(count, USUAL, threads)
            bench.pose(50_000, threads)
    for count, size in ((10_000, (256, 256)), (30_000, (256, 256)), (30_000, USUAL)):
        bench.training_step(count, size, most, 1)
        bench.training_step(count, size, most, most)
    bench.surroundings(100_000, (1920, 1080), most)
    bench.peers(options.peer, most, options.quick)
    if not gpu_problem():
        for count, size in itertools.product(counts, SIZES[1:4:2] if options.quick else SIZES):
            bench.gpu(count, size)
        bench.gpu_training_step(30_000, USUAL)

    print(json.dumps({"hardware": hardware(), "warm_up_s": round(ready, 2), "rows": bench.rows}, indent=1))
    print(table(bench.rows), file=sys.stderr)
    if options.plots:
        importlib.import_module("splats.plots").draw(bench.rows, options.plots)
    return 0


class Bench:
    """The rows so far, and how to get more of them."""

    def __init__(self, repeats: int) -> None:
        self.rows: list[dict] = []
        self.repeats = repeats

    def measure(self, stage: str, backend: str, work: Callable[[], Any], repeats: int = 0, **values) -> None:
        """Adds a row. For `backward`, what is measured is the callable that `work` returns."""
        times = []
        for repeat in range((repeats or self.repeats) + 1):
            prepared = work() if stage == "backward" else work
            started = time.perf_counter()
            prepared()
            if repeat:
                times.append(1000 * (time.perf_counter() - started))
        figures = {"ms": round(statistics.median(times), 2), "least_ms": round(min(times), 2)}
        self.rows.append({"stage": stage, "backend": backend, **values, **figures})

    def picture(self, count: int, size: tuple[int, int], threads: int, *, backward: bool = True) -> None:
        cloud, camera, values = scene(count, size, threads)
        self.measure("forward", "numba", lambda: on_processor(cloud, camera), **values)
        if backward:
            parameters, gradient = leaves(cloud), torch.rand(size[1], size[0], 3)

            def prepare() -> Callable[[], None]:
                image = render(parameters, camera)
                return lambda: image.rgb.backward(gradient)

            torch.set_num_threads(1)
            self.measure("backward", "numba", prepare, **values)

    def training_step(self, count: int, size: tuple[int, int], threads: int, torch_threads: int) -> None:
        cloud, camera, values = scene(count, size, threads)
        wanted = torch.from_numpy(on_processor(cloud, camera).rgb)
        torch.set_num_threads(torch_threads)
        step = training(leaves(cloud), lambda parameters: render(parameters, camera).rgb, wanted)
        self.measure("training step", "numba", step, torch_threads=torch_threads, **values)
        torch.set_num_threads(1)

    def pose(self, count: int, threads: int) -> None:
        cloud, _, values = scene(count, USUAL, threads)
        random = np.random.default_rng(0)
        weights = random.uniform(0.1, 1, CONTROLS).astype(np.float32)
        some = [deltas(random, getattr(cloud, name).numpy(), 0.1) for name in ("means", "quats", "scales")]
        every = [deltas(random, cloud.means.numpy(), 1.0)]
        sizes = {"gaussians": count, "width": 0, "height": 0, "threads": values["threads"]}
        self.measure("pose", "numba", lambda: pose(some, weights), **sizes)
        self.measure("pose dense", "numba", lambda: pose(every, weights), **sizes)

    def surroundings(self, count: int, size: tuple[int, int], threads: int) -> None:
        cloud, camera, values = scene(count, size, threads)
        image = on_processor(cloud, camera)
        self.measure("to_scene_linear", "numba", lambda: to_scene_linear(image.rgb, image.alpha), **values)
        sizes = {**values, "width": 0, "height": 0}
        self.measure("placed", "numba", lambda: placed(cloud, np.eye(4), camera), **sizes)

    def gpu(self, count: int, size: tuple[int, int]) -> None:
        """One picture, and the share of one in a batch of frames that differ."""
        cloud, camera, values = scene(count, size, thread_pool.thread_count())
        self.measure("forward", "gsplat", lambda: render(cloud, camera, backend="cuda"), **values)
        clouds = [dataclasses.replace(cloud, means=cloud.means + 1e-4 * frame) for frame in range(FRAMES)]
        self.measure("batch", "gsplat", lambda: render_many(clouds, [camera] * FRAMES, backend="cuda"), **values)
        for figure in ("ms", "least_ms"):
            self.rows[-1][figure] = round(self.rows[-1][figure] / FRAMES, 3)

    def gpu_training_step(self, count: int, size: tuple[int, int]) -> None:
        """With everything on the GPU, until that has done its work."""
        cloud, camera, values = scene(count, size, thread_pool.thread_count())
        wanted = torch.from_numpy(on_processor(cloud, camera).rgb).cuda()
        parameters = cloud.map(lambda tensor: tensor.cuda().requires_grad_())
        step = training(parameters, lambda parameters: render(parameters, camera).rgb, wanted)
        self.measure("training step", "gsplat", lambda: (step(), torch.cuda.synchronize()), **values)

    def peers(self, peer: Path | None, threads: int, quick: bool) -> None:
        """The dense renderer, the reference and whatever else there is, on pictures that ours has rendered too."""
        torch.set_num_threads(threads)
        for count, size in ((10_000, (256, 256)),) if quick else ((10_000, (256, 256)), (100_000, USUAL)):
            cloud, camera, values = scene(count, size, threads)
            with torch.no_grad():
                draw = functools.partial(dense_torch.render, cloud, camera)
                self.measure("forward", "dense torch", draw, 2, **values)
        cloud, camera, values = scene(10_000, (256, 256), threads)
        self.measure("forward", "numba", lambda: on_processor(cloud, camera), **values)
        wanted = torch.from_numpy(on_processor(cloud, camera).rgb)
        step = training(leaves(cloud), lambda parameters: dense_torch.render(parameters, camera)[..., :3], wanted)
        self.measure("training step", "dense torch", step, 2, torch_threads=threads, **values)
        torch.set_num_threads(1)
        cloud, camera, values = scene(2000, (128, 128), 1)
        self.measure("forward", "reference", lambda: reference.render(cloud, camera), 3, **values)
        self.measure("forward", "numba", lambda: on_processor(cloud, camera), **values)
        if peer:
            for count, size in ((30_000, USUAL), (100_000, USUAL), (100_000, (1920, 1080))):
                cloud, camera, values = scene(count, size, threads)
                figure = round(ask(peer, cloud, camera, threads), 2)
                self.rows.append({"stage": "forward", "backend": peer.name, **values, "ms": figure, "least_ms": figure})


def scene(count: int, size: tuple[int, int], threads: int) -> tuple[Gaussians, Camera, dict]:
    """A head, a camera, and what a row says of them; from now on so many threads render."""
    thread_pool.set_thread_count(threads)
    width, height = size
    values = {"gaussians": count, "width": width, "height": height, "threads": threads}
    return heads.head_cloud(count), heads.look_at(EYE, width, height), values


on_processor = functools.partial(render, backend="cpu")


def leaves(cloud: Gaussians) -> Gaussians:
    return cloud.map(lambda tensor: tensor.clone().requires_grad_())


def training(cloud: Gaussians, draw: Callable[[Gaussians], torch.Tensor], wanted: torch.Tensor) -> Callable[[], None]:
    # A tiny rate: the head must stay as it is while it is measured.
    optimizer = torch.optim.Adam([getattr(cloud, name) for name in FIELDS], lr=1e-7, fused=True)

    def step() -> None:
        optimizer.zero_grad()
        ((draw(cloud) - 0.9 * wanted) ** 2).mean().backward()
        optimizer.step()

    return step


def deltas(random: np.random.Generator, base: np.ndarray, density: float):
    rows = [np.flatnonzero(random.random(len(base)) < density) for _ in range(CONTROLS)]
    offsets = np.cumsum([0, *map(len, rows)])
    values = random.normal(0, 1e-3, (offsets[-1], base.shape[1])).astype(np.float32)
    return blendshapes(base, offsets, np.concatenate(rows), values, unit=base.shape[1] == 4)


def ask(peer: Path, cloud: Gaussians, camera: Camera, threads: int) -> float:
    """The milliseconds that another renderer says it needs."""
    with tempfile.TemporaryDirectory() as folder:
        arrays = {name: getattr(cloud, name).numpy() for name in FIELDS[:4]}
        arrays |= {"colours": (0.5 + SH_C0 * cloud.sh[:, 0]).numpy(), "K": camera.K}
        for name, array in {**arrays, "world_to_camera": camera.world_to_camera}.items():
            (Path(folder) / f"{name}.bin").write_bytes(np.asarray(array, np.float32).tobytes())
        command = [str(peer), folder, str(camera.width), str(camera.height), str(threads)]
        return float(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1])


def table(rows: list[dict]) -> str:
    head = f"{'stage':<16} {'backend':<12} {'Gaussians':>9} {'picture':>11} {'threads':>7} {'ms':>9} {'least':>9}"
    lines = [head]
    for row in rows:
        picture = f"{row['width']} × {row['height']}" if row["width"] else ""
        stage = f"{row['stage']}{'*' if row.get('torch_threads', 1) > 1 else ''}"
        lines.append(
            f"{stage:<16} {row['backend']:<12} {row['gaussians']:>9} {picture:>11} {row['threads']:>7} "
            f"{row['ms']:>9.2f} {row['least_ms']:>9.2f}"
        )
    return "\n".join([*lines, "* with as many threads of PyTorch's as of the renderer's"])


def hardware() -> dict:
    return {
        "processor": llvmlite.binding.get_host_cpu_name(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "numba": numba.__version__,
        "torch": torch.__version__,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
