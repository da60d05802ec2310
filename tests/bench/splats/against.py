"""This renderer beside that of another revision, in turns: what else the machine does meets both alike."""

from __future__ import annotations

import hashlib
import importlib
import io
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
ENGINE = "dgtalker_engine"
STAGES = ("forward", "backward")
FIELDS = ("means", "quats", "scales", "opacities", "sh")
EYE = (0.3, -0.7, 0.1)
SCENES = ((30_000, (512, 512)), (100_000, (512, 512)), (100_000, (1280, 720)), (100_000, (1920, 1080)))


def rows(revision: str, threads: int, repeats: int) -> list[dict]:
    """Medians and the least times of both, in milliseconds, and how many times as fast this one is.

    `same_bits`: whether both made the same picture and gradients to the last bit.
    """
    made: list[dict] = []
    with tempfile.TemporaryDirectory() as folder:
        _unpack(revision, Path(folder))
        theirs, ours = _Renderer(Path(folder), threads), _Renderer(ROOT, threads)
        with theirs, ours:
            for count, size in SCENES:
                scene = f"{count} {size[0]} {size[1]}"
                same = theirs.asked(f"digest {scene}") == ours.asked(f"digest {scene}")
                for stage in STAGES:
                    times: dict[_Renderer, list[float]] = {theirs: [], ours: []}
                    for repeat in range(repeats):
                        for one in (theirs, ours)[:: 1 if repeat % 2 else -1]:
                            times[one].append(float(one.asked(f"{stage} {scene}")))
                    then, now = (statistics.median(times[one]) for one in (theirs, ours))
                    made.append(
                        {"stage": stage, "gaussians": count, "width": size[0], "height": size[1], "threads": threads}
                        | {"against": revision, "ms": round(now, 2), "their_ms": round(then, 2)}
                        | {"least_ms": round(min(times[ours]), 2), "their_least_ms": round(min(times[theirs]), 2)}
                        | {"times_as_fast": round(then / now, 2), "same_bits": same}
                    )
    return made


def table(made: list[dict]) -> str:
    lines = [f"{'stage':<10} {'Gaussians':>9} {'picture':>11} {'threads':>7} {'theirs':>8} {'ours':>8} {'×':>5}"]
    for row in made:
        lines.append(
            f"{row['stage']:<10} {row['gaussians']:>9} {row['width']:>4} × {row['height']:<4} {row['threads']:>7} "
            f"{row['their_ms']:>8.2f} {row['ms']:>8.2f} {row['times_as_fast']:>5.2f}"
        )
    return "\n".join(lines)


def _unpack(revision: str, folder: Path) -> None:
    packed = subprocess.run(
        ["git", "-C", str(ROOT), "archive", revision, ENGINE], capture_output=True, check=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")


class _Renderer:
    """A process with the engine of a folder, asked over its standard input."""

    def __init__(self, folder: Path, threads: int) -> None:
        self.command = [sys.executable, str(Path(__file__).resolve()), str(folder), str(threads)]

    def __enter__(self) -> None:
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __exit__(self, *_: object) -> None:
        self.process.communicate()

    def asked(self, question: str) -> str:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(f"{question}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        if not answer:
            raise RuntimeError(f"the renderer that was asked for {question!r} ended")
        return answer


def _answer(folder: str, threads: int) -> None:
    """Reads questions until there is no more, with the engine in a folder."""
    sys.path[:0] = [folder, str(ROOT / "tests" / "engine")]
    import torch

    from dgtalker_engine.gaussians import Gaussians, render
    from dgtalker_engine.kernels import thread_pool

    heads = importlib.import_module("head_cloud")
    torch.set_num_threads(1)
    thread_pool.set_thread_count(threads)
    for line in sys.stdin:
        stage, count, width, height = line.split()
        cloud, camera = heads.head_cloud(int(count)), heads.look_at(EYE, int(width), int(height))
        parameters = {name: getattr(cloud, name).clone().requires_grad_() for name in FIELDS}
        gradient = torch.linspace(0, 1, camera.height * camera.width * 3).reshape(camera.height, camera.width, 3)
        image = render(cloud if stage == "forward" else Gaussians(**parameters), camera)  # ready from here on
        started = time.perf_counter()
        if stage == "forward":
            image = render(cloud, camera)
        else:
            image.rgb.backward(gradient)
        taken = 1000 * (time.perf_counter() - started)
        if stage == "digest":
            arrays = [image.rgb.detach(), *(parameter.grad for parameter in parameters.values())]
            print(hashlib.sha256(b"".join(array.numpy().tobytes() for array in arrays)).hexdigest(), flush=True)
        else:
            print(taken, flush=True)


if __name__ == "__main__":
    _answer(sys.argv[1], int(sys.argv[2]))
