#!/usr/bin/env python3
"""Every task of this repository; standard library only, Python 3.10 or newer.

    python build.py demo [AUDIO] [--out DIR]   a talking shot from a recording, made by the real extension
    python build.py test [pytest arguments]    every test, on both Blenders
    python build.py lint                       format, lint and types
    python build.py package [--out DIR]        the engine's wheel and the extension's zip; --cuda: gsplat's wheel, too
    python build.py avatar [NAME…]             the built-in heads, made anew with Cycles; --check: are they up to date?
    python build.py train speech [--clips DIR]  the model that moves lips, made anew; further options: train speech -h
    python build.py bench NAME [arguments]     wire, keys, render, raster or speech: figures as JSON

Each environment is made once, under .build/, when a task first needs it.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent
BUILD = ROOT / ".build"
WHEELS = ROOT / "wheels"
MANIFEST = ROOT / "blender_addon" / "blender_manifest.toml"
ASSETS = ROOT / "dgtalker_engine" / "avatar" / "assets"
VIDEOS = {".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v"}
TORCH_CPU_INDEX = "https://download.pytorch.org/whl/cpu"


class BuildError(Exception):
    """A task cannot go on; the text says why and what to do."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment: its name, the Python that it needs and the files that pin its packages."""

    name: str
    python: str | None
    locks: tuple[str, ...]

    @property
    def folder(self) -> Path:
        return BUILD / "envs" / self.name

    @property
    def executable(self) -> Path:
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def stamp(self) -> str:
        locks = b"".join((WHEELS / lock).read_bytes() for lock in self.locks)
        return hashlib.sha256(f"{self.python} {ROOT}".encode() + locks).hexdigest()


ENGINE = Environment("engine", "3.11", ("engine.txt", "pretrained.txt", "test.txt", "test-engine.txt"))
BLENDERS = {
    "4.5": Environment("blender-4.5", "3.11", ("blender-4.5.txt", "test.txt")),
    "5.2": Environment("blender-5.2", "3.13", ("blender-5.2.txt", "test.txt")),
}
TOOLS = Environment("tools", None, ("tools.txt",))
CUDA_BUILD = Environment("cuda-build", "3.11", ("cuda-build.txt",))
CAPTURE = Environment("capture", "3.11", ("capture.txt",))


def say(text: str) -> None:
    print(f"build.py: {text}", file=sys.stderr, flush=True)


def check_python(version: tuple[int, int] = sys.version_info[:2]) -> None:
    if version < (3, 10):
        raise BuildError(f"This is Python {version[0]}.{version[1]}; Python 3.10 or newer is needed.")


def run(command: Iterable[object], **options: object) -> None:
    """Run a command in the repository; BuildError when it fails."""
    words = [str(word) for word in command]
    code = subprocess.run(words, **{"cwd": ROOT, **options}).returncode  # type: ignore[call-overload]
    if code:
        raise BuildError(f"`{' '.join(words)}` failed with exit code {code}; its messages are above.")


# --- environments ------------------------------------------------------------------------------------------------


def find_python(version: str) -> Path:
    """A Python of this minor version that can make environments; fetched with uv where the machine has none."""
    suffix = "python.exe" if os.name == "nt" else "bin/python"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates: list[list[str]] = [[sys.executable], [f"python{version}"], ["py", f"-{version}"]]
    candidates += [[str(folder / suffix)] for folder in sorted(pyenv.glob(f"{version}.*"))]
    check = f"import sys, venv, ensurepip; assert sys.version_info[:2] == {tuple(map(int, version.split('.')))}"
    for candidate in candidates:
        if shutil.which(candidate[0]):
            probe = [*candidate, "-c", f"{check}; print(sys.executable)"]
            answer = subprocess.run(probe, capture_output=True, text=True)
            if answer.returncode == 0:
                return Path(answer.stdout.strip())
    say(f"this machine has no Python {version}; fetching one with uv")
    tools = ensure(TOOLS).executable
    run([tools, "-m", "pip", "install", "-qq", "uv"])
    place = {**os.environ, "UV_PYTHON_INSTALL_DIR": str(BUILD / "pythons")}
    run([tools, "-m", "uv", "python", "install", "--no-bin", version], env=place)
    found = [tools, "-m", "uv", "python", "find", "--managed-python", version]
    return Path(subprocess.run(found, env=place, capture_output=True, text=True, check=True).stdout.strip())


def torch_index() -> list[str]:
    """Where a Linux machine without an NVIDIA GPU gets the small CPU build of PyTorch (PyPI's brings CUDA)."""
    if not sys.platform.startswith("linux") or shutil.which("nvidia-smi"):
        return []
    try:
        urllib.request.urlopen(urllib.request.Request(TORCH_CPU_INDEX, method="HEAD"), timeout=5).close()
    except OSError as error:
        say(f"PyTorch comes from pip's own index: {TORCH_CPU_INDEX} cannot be reached ({error})")
        return []
    return ["--extra-index-url", TORCH_CPU_INDEX]


def ensure(environment: Environment) -> Environment:
    """Make the environment unless it is there already, with exactly the packages of its locks."""
    mark = environment.folder / "build-stamp"
    if mark.is_file() and mark.read_text() == environment.stamp:
        return environment
    started = time.monotonic()
    python = find_python(environment.python) if environment.python else Path(sys.executable)
    say(f"making the environment {environment.name} with {python} (once; this downloads packages)")
    if environment.folder.exists():
        try:
            shutil.rmtree(environment.folder)
        except OSError as error:
            raise BuildError(
                f"{environment.folder} cannot be removed ({error}); close the Blender that uses it."
            ) from error
    run([python, "-m", "venv", environment.folder])
    locks = [word for lock in environment.locks for word in ("-r", WHEELS / lock)]
    index = torch_index() if environment is ENGINE else []
    run([environment.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", *index, *locks])
    mark.write_text(environment.stamp)
    say(f"{environment.name} is ready after {time.monotonic() - started:.0f} s")
    return environment


def ensure_engine(wheel: Path) -> Path:
    """Install the engine's wheel into the engine's environment, compile its kernels, and return its Python."""
    python = ensure(ENGINE).executable
    mark = ENGINE.folder / "wheel-stamp"
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if not mark.is_file() or mark.read_text() != digest:
        say("installing the engine and compiling its kernels")
        mark.unlink(missing_ok=True)
        pip = [python, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
        run([*pip, "--no-deps", "--no-index", "--force-reinstall", wheel])
        run([python, "-I", "-m", "dgtalker_engine", "warm"])
        mark.write_text(digest)
    return python


def remember_engine(python: Path) -> None:
    """Tell the extension in this user's Blender where the engine is (blender_addon/bridge/find.py reads it)."""
    if sys.platform == "win32":
        data = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        data = Path.home() / "Library" / "Application Support"
    else:
        data = Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share"))
    folder = data / "dgtalker"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "engine.json").write_text(json.dumps({"python": str(python)}), encoding="utf-8")


# --- package -----------------------------------------------------------------------------------------------------


def build_wheel() -> Path:
    tools = ensure(TOOLS).executable
    with tempfile.TemporaryDirectory() as folder:
        run([tools, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], stdout=subprocess.DEVNULL)
        (built,) = Path(folder).glob("*.whl")
        wheel = WHEELS / built.name
        for old in WHEELS.glob("dgtalker_engine-*.whl"):
            if old != wheel:
                old.unlink()
        shutil.move(built, wheel)
    return wheel


def build_extension(wheel: Path, out: Path) -> Path:
    """Pack the extension with the engine's wheel and validate it with Blender's own validator."""
    blender = ensure(BLENDERS["5.2"])
    (command,) = blender.folder.rglob("bl_pkg/cli/blender_ext.py")
    version = re.search(r'(?m)^version = "(.+)"', MANIFEST.read_text(encoding="utf-8"))
    assert version
    out.mkdir(parents=True, exist_ok=True)
    archive = out / f"dgtalker-{version[1]}.zip"
    with tempfile.TemporaryDirectory() as folder:
        stage = Path(folder) / "dgtalker"
        shutil.copytree(MANIFEST.parent, stage, ignore=shutil.ignore_patterns("__pycache__", "wheels"))
        (stage / "wheels").mkdir()
        shutil.copy(wheel, stage / "wheels")
        manifest = MANIFEST.read_text(encoding="utf-8")
        bundled = f'wheels = ["./wheels/{wheel.name}"]\n\n[permissions]'
        (stage / MANIFEST.name).write_text(manifest.replace("[permissions]", bundled), encoding="utf-8")
        quiet = {"stdout": subprocess.DEVNULL}
        run([blender.executable, command, "validate", stage], **quiet)
        run([blender.executable, command, "build", "--source-dir", stage, "--output-filepath", archive], **quiet)
        run([blender.executable, command, "validate", archive], **quiet)
    return archive


def package(out: Path = ROOT / "dist") -> tuple[Path, Path]:
    """The engine's wheel and the extension's zip."""
    wheel = build_wheel()
    return wheel, build_extension(wheel, out)


# --- tasks -------------------------------------------------------------------------------------------------------


def task_package(out: Path, cuda: bool) -> None:
    if cuda:
        recipe = WHEELS / "build_gsplat.py"
        run([sys.executable, recipe, "--check"])  # before gigabytes of PyTorch with CUDA are fetched
        run([ensure(CUDA_BUILD).executable, recipe])
    wheel, archive = package(out)
    remember_engine(ensure_engine(wheel))
    say(f"install {archive} in Blender: Edit ▸ Preferences ▸ Get Extensions ▸ Install from Disk…")


def suites(arguments: list[str]) -> dict[str, tuple[Environment, list[str]]]:
    """For each suite its environment and pytest's arguments; paths among the arguments choose the suites."""
    rooms = {"engine": ("tests/engine", ENGINE)}
    rooms |= {f"blender-{version}": ("tests/addon", blender) for version, blender in BLENDERS.items()}
    paths = [word for word in arguments if word.replace("\\", "/").startswith("tests/")]
    others = [word for word in arguments if word not in paths]
    chosen: dict[str, tuple[Environment, list[str]]] = {}
    for suite, (room, environment) in rooms.items():
        mine = [path for path in paths if path.replace("\\", "/").startswith(room)]
        if mine or not paths:
            chosen[suite] = (environment, [*(mine or [room]), *others])
    return chosen


def task_test(arguments: list[str]) -> int:
    """Every suite on the installed wheel and the installed zip; judged by JUnit files, since bpy may crash at exit."""
    chosen = suites(arguments)
    if not chosen:
        raise BuildError("None of these paths is below tests/engine or tests/addon.")
    wheel, archive = package()
    variables = {**os.environ, "DGTALKER_ENGINE_PYTHON": str(ensure_engine(wheel)), "DGTALKER_ZIP": str(archive)}
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for suite, (environment, words) in chosen.items():
        say(f"testing {suite}")
        report = BUILD / "junit" / f"{suite}.xml"
        report.unlink(missing_ok=True)
        command = [ensure(environment).executable, "-I", "-m", "pytest"]
        command += ["-p", "no:cacheprovider", f"--junitxml={report}", *words]
        subprocess.run([str(word) for word in command], cwd=ROOT, env=variables)
        if not report.is_file():
            say(f"{suite} ended without a report")
            counts["failed"] += 1
            continue
        for result in ElementTree.parse(report).iter("testsuite"):
            bad = int(result.attrib["failures"]) + int(result.attrib["errors"])
            skipped = int(result.attrib["skipped"])
            counts["failed"] += bad
            counts["skipped"] += skipped
            counts["passed"] += int(result.attrib["tests"]) - bad - skipped
    print(f"{counts['passed']} passed, {counts['failed']} failed, {counts['skipped']} skipped", flush=True)
    return 1 if counts["failed"] or not counts["passed"] else 0


def task_lint() -> None:
    python = ensure(TOOLS).executable
    for environment in (ENGINE, *BLENDERS.values()):
        ensure(environment)
    run([python, "-m", "ruff", "format", "--check"])
    run([python, "-m", "ruff", "check"])
    run([python, "-m", "pyright"])


def task_demo(audio: Path | None, out: Path) -> None:
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


def task_avatar(names: list[str], check: bool, sheets: bool) -> None:
    workshop = [ensure(ENGINE).executable, "-m", "dgtalker_engine.heads"]
    if check:
        run([*workshop, "--check", *names])
        return
    if names or not sheets:
        run([*workshop, "--blender", ensure(BLENDERS["5.2"]).executable, "-o", ASSETS, *names])
    if sheets:
        run([*workshop[:-1], "dgtalker_engine.heads.sheets"])


def task_train(clips: Path | None, arguments: list[str]) -> None:
    python = ensure(ENGINE).executable
    with tempfile.TemporaryDirectory() as folder:
        if clips:
            videos = [path for path in sorted(clips.resolve().iterdir()) if path.suffix.lower() in VIDEOS]
            say(f"tracking the faces of {len(videos)} clips")
            run([ensure(CAPTURE).executable, ROOT / "tests" / "bench" / "lips" / "track.py", folder, *videos])
            arguments = ["--tracked", folder, *arguments]
        run([python, "-m", "dgtalker_engine.systems.lipsync", *arguments])


def task_bench(name: str, arguments: list[str]) -> None:
    scripts = {path.stem: path for path in sorted((ROOT / "tests" / "bench").glob("*.py"))}
    if name not in scripts:
        raise BuildError(f"There is no bench {name}; there are: {', '.join(scripts)}.")
    wheel, archive = package()
    engine = ensure_engine(wheel)
    in_blender = "import bpy" in scripts[name].read_text(encoding="utf-8")
    python = ensure(BLENDERS["5.2"]).executable if in_blender else engine
    variables = {**os.environ, "DGTALKER_ENGINE_PYTHON": str(engine), "DGTALKER_ZIP": str(archive)}
    if name == "speech":
        variables["DGTALKER_CAPTURE_PYTHON"] = str(ensure(CAPTURE).executable)
    run([python, scripts[name], *arguments], env=variables)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    tasks = parser.add_subparsers(dest="task", required=True)
    demo = tasks.add_parser("demo", help="a talking shot from a recording")
    demo.add_argument("audio", type=Path, nargs="?", help="a sound file (default: the bundled sample)")
    demo.add_argument("--out", type=Path, default=Path("demo"), help="the folder for frames, film and .blend")
    tasks.add_parser("test", help="every test; further arguments go to pytest", add_help=False)
    tasks.add_parser("lint", help="format, lint and types")
    pack = tasks.add_parser("package", help="the engine's wheel and the extension's zip")
    pack.add_argument("--out", type=Path, default=ROOT / "dist", help="the folder for the zip")
    pack.add_argument("--cuda", action="store_true", help="also gsplat's wheel, for NVIDIA GPUs; needs nvcc")
    avatar = tasks.add_parser("avatar", help="make the built-in heads anew: minutes each")
    avatar.add_argument("names", nargs="*", metavar="NAME", help="whom (default: everyone)")
    avatar.add_argument("--check", action="store_true", help="only say which heads the code would now make otherwise")
    avatar.add_argument("--sheets", action="store_true", help="draw the sheets in docs/; heads only where named")
    train = tasks.add_parser("train", help="make a model anew; further arguments go to its training", add_help=False)
    train.add_argument("model", choices=["speech"])
    train.add_argument("--clips", type=Path, help="a folder of videos of people who speak")
    tasks.add_parser("bench", help="figures as JSON").add_argument("name")
    options, rest = parser.parse_known_args(arguments)
    if rest and options.task not in ("test", "train", "bench"):
        parser.error(f"unknown arguments: {' '.join(rest)}")
    try:
        check_python()
        if options.task == "test":
            return task_test(rest)
        if options.task == "demo":
            task_demo(options.audio, options.out)
        elif options.task == "lint":
            task_lint()
        elif options.task == "package":
            task_package(options.out, options.cuda)
        elif options.task == "avatar":
            task_avatar(options.names, options.check, options.sheets)
        elif options.task == "train":
            task_train(options.clips, rest)
        else:
            task_bench(options.name, rest)
    except (BuildError, OSError, subprocess.SubprocessError) as error:
        say(str(error))
        return 1
    except KeyboardInterrupt:
        say("stopped; the next run goes on from here")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
