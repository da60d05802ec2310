"""What `check.sh` runs once gsplat is there: parity, gradients, tests and benches of the GPU's renderer, as JSON.

    python tests/gpu/check.py [--build-seconds N]

Pictures are compared with the processor's (PSNR of colours, alpha, and depth · alpha in metres), gradients likewise
(the norm of the difference over the norm). Each field of a cloud, and the background, has its own figure.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import platform
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dgtalker_engine.gaussians import Camera, Gaussians, Image, backend, render, render_many
from dgtalker_engine.gaussians.arrays import tensors_of
from dgtalker_engine.gaussians.cloud import FIELDS
from dgtalker_engine.gaussians.transform import merged, placed

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests" / folder) for folder in ("engine", "gpu")]
heads = importlib.import_module("head_cloud")
speed, stages = importlib.import_module("speed"), importlib.import_module("stages")

CPU = torch.device("cpu")

PARITY_DB = 75
GRADIENT_ERROR = 5e-3
"""gsplat sums in float32 in any order, with fast functions, and an α near the threshold may fall on either side."""

TESTS = ("test_gaussians_backends.py", "test_gaussians_backend.py", "test_gaussians_transform.py")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build-seconds", type=float, default=0.0)
    options = parser.parse_args(argv)
    started = time.perf_counter()
    report: dict[str, Any] = {"hardware": hardware(), "differs_from_pins": differing(), "gpu_problem": ""}
    report["build_s"] = options.build_seconds
    failures: list[str] = []
    problem = backend.gpu_problem()
    if problem:
        report["gpu_problem"] = problem
        failures.append(problem)
    else:
        device = torch.device("cuda")
        small = heads.look_at((0.2, -0.6, 0.1), 72, 50)
        report["stages"] = list(stages.stages(device, heads.head_cloud(300, degree=2), small))
        report["parity"] = list(parity(device, count=20_000, size=(200, 150)))
        report["gradients"] = list(gradients(device, count=2000, size=(120, 90)))
        report["tests"] = tests()
        report["bench"] = speed.bench(device, count=30_000, side=512)
        failures += failed(report)
    report |= {"seconds": round(time.perf_counter() - started, 1), "failures": failures, "ok": not failures}
    print(json.dumps(report, indent=1))
    return 1 if failures else 0


def failed(report: dict[str, Any]) -> list[str]:
    """What is not as it should be, a sentence each."""
    found = [
        f"{row['case']}: the pictures differ by more than {PARITY_DB} dB allow."
        for row in report["parity"]
        if not min(row["db"]) >= PARITY_DB or not row["stays"]
    ]
    for part in ("stages", "gradients"):
        for row in report[part]:
            wrong = [name for name, error in row["errors"].items() if not error <= GRADIENT_ERROR]
            if wrong:
                found.append(f"{part}, {row['case']}: {', '.join(wrong)} differ.")
    if report["tests"]["returned"]:
        found.append("Tests failed: see their messages on standard error.")
    return found


def cases() -> Iterator[tuple[str, dict[str, Any]]]:
    """Names, and how a picture of each is asked for."""
    for degree in (0, 3):
        for orthographic in (False, True):
            words = [f"degree {degree}", "orthographic" * orthographic]
            asked = {"degree": degree, "orthographic": orthographic}
            yield ", ".join(filter(None, words)), {**asked, "part": False}
            yield ", ".join([*filter(None, words), "a region"]), {**asked, "part": True}


def scenes(
    count: int, size: tuple[int, int], asked: dict[str, Any]
) -> tuple[list[Gaussians], list[Camera], dict[str, Any]]:
    """Three clouds on the processor, the camera of each, and the options of `render_many`."""
    width, height = size
    clouds = [heads.head_cloud(count, degree=asked["degree"], seed=seed) for seed in range(3)]
    eyes = [(0.3 * i, -0.7, 0.2) for i in range(3)]
    cameras = [heads.look_at(eye, width, height, orthographic=asked["orthographic"]) for eye in eyes]
    region = (width // 5, height // 4, width // 2, height // 2) if asked["part"] else None
    return clouds, cameras, {"region": region}


def parity(device: torch.device, count: int, size: tuple[int, int]) -> Iterator[dict[str, Any]]:
    """Three frames in one call, on the GPU and staying there, beside the processor's."""
    for name, asked in cases():
        clouds, cameras, options = scenes(count, size, asked)
        options["background"] = (0.1, 0.2, 0.3)
        there = [cloud.map(lambda tensor: tensor.to(device)) for cloud in clouds]
        found = render_many(there, cameras, **options, backend="cuda")
        expected = render_many(clouds, cameras, **options, backend="cpu")
        stays = all(torch.as_tensor(image.rgb).device.type == device.type for image in found)
        pairs = list(zip(found, expected, strict=True))
        db = [min(figures) for figures in zip(*(decibels(*pair) for pair in pairs), strict=True)]
        yield {"case": name, "db": db, "stays": stays}


def gradients(device: torch.device, count: int, size: tuple[int, int]) -> Iterator[dict[str, Any]]:
    """Of colours, alpha and depth of three frames in one call; and through heads that are placed and merged."""
    for name, asked in cases():
        clouds, cameras, options = scenes(count, size, asked)
        sides = (of_pictures(clouds, cameras, options, *side) for side in ((device, "cuda"), (CPU, "cpu")))
        yield {"case": name, "errors": errors(*sides)}
    clouds, cameras, _ = scenes(count, size, {"degree": 3, "orthographic": False, "part": False})
    sides = (of_placed(clouds[:2], cameras[0], *side) for side in ((device, "cuda"), (CPU, "cpu")))
    yield {"case": "placed and merged", "errors": errors(*sides)}


def errors(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> dict[str, float]:
    return {name: stages.relative(found[name], gradient) for name, gradient in expected.items()}


def of_pictures(
    clouds: list[Gaussians], cameras: list[Camera], options: dict[str, Any], device: torch.device, name: str
) -> dict[str, torch.Tensor]:
    leaves = [stages.leaves_of(cloud, device, torch.float32) for cloud in clouds]
    background = torch.tensor([0.3, 0.5, 0.9], device=device, requires_grad=True)
    images = render_many(leaves, cameras, **options, background=background, backend=name)
    loss(images).backward()
    assert background.grad is not None
    return {**gathered(leaves), "background": background.grad.cpu()}


def of_placed(clouds: list[Gaussians], camera: Camera, device: torch.device, name: str) -> dict[str, torch.Tensor]:
    leaves = [stages.leaves_of(cloud, device, torch.float32) for cloud in clouds]
    turned = np.array([[0, -1.0, 0, 0.05], [1, 0, 0, 0.1], [0, 0, 1, 0], [0, 0, 0, 1]])
    stretched = np.diag([1.0, 1.2, 0.8, 1.0])
    moved = [placed(cloud, matrix, camera) for cloud, matrix in zip(leaves, (turned, stretched), strict=True)]
    loss([render(merged(moved), camera, backend=name)]).backward()
    return gathered(leaves)


def gathered(clouds: list[Gaussians]) -> dict[str, torch.Tensor]:
    """The gradients of each field, of all clouds in a row, on the processor."""
    pairs = zip(FIELDS, zip(*(tensors_of(cloud) for cloud in clouds), strict=True), strict=True)
    return {name: torch.cat([tensor.grad.flatten().cpu() for tensor in tensors]) for name, tensors in pairs}


def loss(images: list[Image]) -> torch.Tensor:
    """A random weight for every number of the pictures; depth counts as much as is seen."""
    random, terms = torch.Generator().manual_seed(0), []
    for image in images:
        depth = torch.where(image.alpha > 0, image.depth, 0) * image.alpha
        for picture in (image.rgb, image.alpha, depth):
            weights = torch.rand(picture.shape, generator=random) - 0.4
            terms.append((picture * weights.to(picture.device)).sum())
    return torch.stack(terms).sum()


def decibels(image: Image, expected: Image) -> tuple[float, float, float]:
    def of(a: Any, b: Any) -> float:
        square = float(np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2))
        return math.inf if square == 0 else -10 * math.log10(square)

    rgb, alpha, depth = arrays_of(image)
    expected_rgb, expected_alpha, expected_depth = arrays_of(expected)
    return of(rgb, expected_rgb), of(alpha, expected_alpha), of(depth * alpha, expected_depth * expected_alpha)


def arrays_of(image: Image) -> list[np.ndarray]:
    return [torch.as_tensor(picture).cpu().numpy() for picture in (image.rgb, image.alpha, image.depth)]


def tests() -> dict[str, Any]:
    """The tests of the engine that need a GPU, with those beside them."""
    paths = [str(ROOT / "tests" / "engine" / "gaussians" / name) for name in TESTS]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-o", "addopts=", *paths]
    finished = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False, timeout=240)
    print(finished.stdout, finished.stderr, sep="\n", file=sys.stderr)
    last = finished.stdout.strip().splitlines()[-1] if finished.stdout.strip() else ""
    return {"returned": finished.returncode, "summary": last}


def hardware() -> dict[str, Any]:
    gpu = torch.cuda.is_available()
    return {
        "gpu": torch.cuda.get_device_name() if gpu else None,
        "capability": list(torch.cuda.get_device_capability()) if gpu else None,
        "gpu_memory_gb": round(torch.cuda.get_device_properties(0).total_memory / 2**30, 1) if gpu else None,
        "cuda": torch.version.cuda,
        "python": platform.python_version(),
        "machine": platform.machine(),
    }


def differing() -> dict[str, dict[str, str | None]]:
    """Packages of another version than the one that is pinned."""
    text = "".join(
        (ROOT / "wheels" / name).read_text(encoding="utf-8") for name in ("engine.txt", "torch.txt", "build_gsplat.py")
    )
    found = {}
    for name in ("torch", "numba", "llvmlite", "numpy", "scipy", "gsplat"):
        pinned = re.search(rf"(?m)^(?:SOURCES = \")?{name}==([^\s;\\]+)", text)
        try:
            here = metadata.version(name)
        except metadata.PackageNotFoundError:
            here = None
        if pinned and (here is None or here.split("+")[0] != pinned[1]):
            found[name] = {"pinned": pinned[1], "here": here}
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
