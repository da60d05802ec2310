"""Milliseconds to render a head of Gaussians on the processor, and to make its picture scene-linear.

Run by `python build.py bench raster [--gaussians N …] [--sizes WxH …] [--threads N …] [--repeats N]`; prints JSON. The
float64 reference renders a small picture in the same run, and so does the renderer that is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import llvmlite.binding
import numba
import numpy as np

from dgtalker_engine.gaussians import reference, render, warm_up
from dgtalker_engine.gaussians.colour import to_scene_linear
from dgtalker_engine.gaussians.cpu import workers
from dgtalker_engine.gaussians.transform import placed

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine" / "gaussians"))
from head_cloud import head_cloud, look_at

EYE = (0.3, -0.7, 0.1)
SMALL = (2000, 128, 128)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gaussians", type=int, nargs="+", default=[30_000, 50_000, 100_000])
    parser.add_argument("--sizes", type=size, nargs="+", default=[(512, 512), (1280, 720), (1920, 1080)])
    parser.add_argument("--threads", type=int, nargs="+", default=sorted({1, workers.thread_count()}))
    parser.add_argument("--degree", type=int, default=0, help="of the spherical harmonics")
    parser.add_argument("--repeats", type=int, default=20)
    options = parser.parse_args(argv)

    started = time.perf_counter()
    warm_up()
    ready = time.perf_counter() - started
    rows = [row for threads in options.threads for row in of_threads(threads, options)]
    rows += small(options.repeats)
    print(json.dumps({"hardware": hardware(), "warm_up_s": round(ready, 2), "rows": rows}, indent=1))
    return 0


def of_threads(threads: int, options: argparse.Namespace) -> list[dict]:
    """Rows of the renderer and of what surrounds it, with so many threads."""
    workers.set_thread_count(threads)
    rows = []
    for count in options.gaussians:
        cloud = head_cloud(count, degree=options.degree)
        for width, height in options.sizes:
            camera = look_at(EYE, width, height)
            values = {"gaussians": count, "width": width, "height": height, "threads": threads}
            rows.append(row("render", "numba", values, options.repeats, render, cloud, camera))
            if count == options.gaussians[-1]:
                image = render(cloud, camera)
                rows.append(
                    row("to_scene_linear", "numba", values, options.repeats, to_scene_linear, image.rgb, image.alpha)
                )
        values = {"gaussians": count, "width": 0, "height": 0, "threads": threads}
        rows.append(row("placed", "numba", values, options.repeats, placed, cloud, np.eye(4), camera))
        stretched = np.diag([1.0, 2.0, 1.0, 1.0])
        rows.append(row("placed, stretched", "numba", values, options.repeats, placed, cloud, stretched, camera))
    workers.set_thread_count(None)
    return rows


def small(repeats: int) -> list[dict]:
    """The reference and the renderer on one small picture."""
    count, width, height = SMALL
    cloud, camera = head_cloud(count), look_at(EYE, width, height)
    values = {"gaussians": count, "width": width, "height": height}
    return [
        row("render", "reference", {**values, "threads": 1}, 3, reference.render, cloud, camera),
        row("render", "numba", {**values, "threads": workers.thread_count()}, repeats, render, cloud, camera),
    ]


def row(stage: str, backend: str, values: dict, repeats: int, work: Callable, *arguments: object) -> dict:
    """The median of some repeats, and the least, which a busy machine disturbs less."""
    work(*arguments)
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work(*arguments)
        times.append(1000 * (time.perf_counter() - started))
    return {
        "stage": stage,
        "backend": backend,
        **values,
        "ms": round(statistics.median(times), 2),
        "least_ms": round(min(times), 2),
    }


def size(text: str) -> tuple[int, int]:
    width, height = text.split("x")
    return int(width), int(height)


def hardware() -> dict:
    return {
        "processor": llvmlite.binding.get_host_cpu_name(),
        "machine": platform.machine(),
        "processors": os.cpu_count(),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "python": platform.python_version(),
        "numba": numba.__version__,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
