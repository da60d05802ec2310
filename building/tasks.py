"""What is made and measured: the demo, the packages, the built-in heads, the models, figures; and the linters."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from .catalogue import PLATFORMS
from .environments import BLENDERS, CUDA, TOOLS, WORKSHOP, ensure
from .packaging import ensure_engine, list_extensions, package, remember_engine
from .repository import ROOT, WHEELS, BuildError, run, say
from .wheelhouse import fill

ASSETS = ROOT / "dgtalker_engine" / "avatar" / "assets"

MODELS = {
    "speech": "dgtalker_engine.systems.lipsync",
    "face-model": "dgtalker_engine.systems.face_model",
    "motion": "dgtalker_engine.systems.gaussiantalker.motion",
    "prior": "dgtalker_engine.systems.dgtalker.prior",
    "d3talker-prior": "dgtalker_engine.systems.d3talker",
}
"""The models that `train` makes, and the module that trains each."""
LEARN_FROM_CLIPS = ("speech", "motion")
"""Those that take videos of faces; motion tracks them itself."""


def make_packages(
    out: Path, cuda: bool, wheelhouse: Path | None, platforms: list[str] | None, extensions: Path | None
) -> None:
    """The wheel and the zip, the engine installed; where asked for gsplat's wheel, a folder of packages, and one that
    Blenders update from."""
    if cuda:
        recipe = WHEELS / "build_gsplat.py"
        run([sys.executable, recipe, "--check"])  # before gigabytes of PyTorch with CUDA are fetched
        run([ensure(CUDA).executable, recipe])
    wheel, archive = package(out)
    if extensions:
        extensions.mkdir(parents=True, exist_ok=True)
        if archive.parent.resolve() != extensions.resolve():
            shutil.copy(archive, extensions)
        list_extensions(extensions)
        say(f"{extensions / 'index.json'} lists the extension: its address is the one of a repository in Blender")
    if wheelhouse:
        fill(wheelhouse, platforms or list(PLATFORMS))
    remember_engine(ensure_engine(wheel))
    say(f"install {archive} in Blender: Edit ▸ Preferences ▸ Get Extensions ▸ Install from Disk…")


def lint() -> None:
    """Format, lint and types, against the packages of every environment that code runs in."""
    python = ensure(TOOLS).executable
    for environment in (WORKSHOP, *BLENDERS.values()):
        ensure(environment)
    run([python, "-m", "ruff", "format", "--check"])
    run([python, "-m", "ruff", "check"])
    # Each thread reads anew what all import: two take three quarters of the time of one, and many much memory.
    run([python, "-m", "pyright", "--threads", min(4, os.cpu_count() or 1)])


def demo(audio: Path | None, out: Path) -> None:
    """A talking shot from a recording, made by the real extension."""
    started = time.monotonic()
    sound = audio or ROOT / "tests" / "demo" / "sample.wav"
    if not sound.is_file():
        raise BuildError(f"There is no sound file {sound}.")
    wheel, archive = package()
    engine = ensure_engine(wheel)
    blender = ensure(BLENDERS["5.2"]).executable
    say(f"the environments are ready after {time.monotonic() - started:.1f} s")
    script = ROOT / "tests" / "demo" / "talking_shot.py"
    run([blender, script, "--zip", archive, "--engine", engine, "--audio", sound.resolve(), "--out", out.resolve()])


def avatar(names: list[str], check: bool, sheets: bool) -> None:
    """The built-in heads made anew, or checked, or drawn."""
    workshop = [ensure(WORKSHOP).executable, "-m", "dgtalker_engine.heads"]
    if check:
        run([*workshop, "--check", *names])
        return
    if names or not sheets:
        run([*workshop, "--blender", ensure(BLENDERS["5.2"]).executable, "-o", ASSETS, *names])
    if sheets:
        run([*workshop[:-1], "dgtalker_engine.heads.sheets"])


def train(model: str, clips: Path | None, arguments: list[str]) -> None:
    """A model made anew: from what its training finds or makes itself, and from the faces in `clips`."""
    if clips and model not in LEARN_FROM_CLIPS:
        raise BuildError(f"{model} does not learn from clips. Its options: python build.py train {model} -h")
    python = ensure(WORKSHOP).executable
    with tempfile.TemporaryDirectory() as folder:
        if clips and model == "motion":
            arguments = ["--videos", str(clips.resolve()), *arguments]
        elif clips:
            say(f"tracking the faces of the videos in {clips}")
            run([python, "-m", "dgtalker_engine.capture.landmarks", folder, clips.resolve()])
            arguments = ["--tracked", folder, *arguments]
        run([python, "-m", MODELS[model], *arguments])


def bench(name: str, arguments: list[str]) -> None:
    """The figures of tests/bench/NAME.py as JSON."""
    scripts = {path.stem: path for path in sorted((ROOT / "tests" / "bench").glob("*.py"))}
    if name not in scripts:
        raise BuildError(f"There is no bench {name}; there are: {', '.join(scripts)}.")
    wheel, archive = package()
    engine = ensure_engine(wheel)
    in_blender = "import bpy" in scripts[name].read_text(encoding="utf-8")
    python = ensure(BLENDERS["5.2"] if in_blender else WORKSHOP).executable
    variables = {**os.environ, "DGTALKER_ENGINE_PYTHON": str(engine), "DGTALKER_ZIP": str(archive)}
    run([python, scripts[name], *arguments], env=variables)
