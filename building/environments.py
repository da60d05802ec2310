"""Environments: which there are, what pins their packages, and how each is made, once, under .build/envs.

Each lock `wheels/NAME.txt` pins versions and the hashes of their files (building/locks.py makes it). An environment can
be a layer over another one: it holds what its own locks add and sees the packages of the other as they lie there, so
that tests run on the very files that users have.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from . import indexes, repository
from .repository import ROOT, BuildError, run, say

TORCH, TORCH_CPU = "torch.txt", "torch-cpu.txt"
"""PyPI's PyTorch with all that it brings, and the CPU build for Linux; an environment that names both gets one."""

CAPTURE = "capture.txt"
"""What looks at videos: users install it when it is first needed."""

SIGNING = "signing.txt"
"""What signs pictures and films: users install it when it is first asked for."""

TRAINING = "training.txt"
"""What training alone needs: comes with what looks at videos."""


@dataclass(frozen=True)
class Environment:
    """A virtual environment: its name, the Python that it needs, its locks, and the environment that lies below it."""

    name: str
    python: str | None
    locks: tuple[str, ...]
    over: Environment | None = None

    @property
    def locks_below(self) -> tuple[str, ...]:
        """The locks of all environments below this one."""
        return (*self.over.locks_below, *self.over.locks) if self.over else ()

    @property
    def folder(self) -> Path:
        return repository.BUILD / "envs" / self.name

    @property
    def executable(self) -> Path:
        return self.script("python")

    @property
    def packages(self) -> Path:
        return self.folder / ("Lib/site-packages" if os.name == "nt" else f"lib/python{self.python}/site-packages")

    @property
    def stamp(self) -> str:
        locks = b"".join((repository.WHEELS / lock).read_bytes() for lock in self.locks)
        below = self.over.stamp if self.over else ""
        return hashlib.sha256(f"{self.python} {ROOT} {below}".encode() + locks).hexdigest()

    def script(self, name: str) -> Path:
        return self.folder / (f"Scripts/{name}.exe" if os.name == "nt" else f"bin/{name}")


UV = Environment("uv", None, ("uv.txt",))
"""The one environment that pip makes; uv makes all others."""
ENGINE = Environment("engine", "3.11", ("engine.txt", TORCH, TORCH_CPU, TRAINING, CAPTURE, SIGNING))
"""What users have, with what looks at videos and what signs."""
WORKSHOP = Environment("workshop", "3.11", ("pretrained.txt", "workshop.txt"), over=ENGINE)
"""What tests, benches, training and the heads' sheets need besides."""
BLENDERS = {
    "4.5": Environment("blender-4.5", "3.11", ("blender-4.5.txt",)),
    "5.2": Environment("blender-5.2", "3.13", ("blender-5.2.txt",)),
}
TOOLS = Environment("tools", None, ("tools.txt",))
CUDA = Environment("cuda", "3.11", ("engine.txt", TORCH, TRAINING, CAPTURE, SIGNING, "cuda.txt"))
ENVIRONMENTS = (UV, ENGINE, WORKSHOP, *BLENDERS.values(), TOOLS, CUDA)


def find_python(version: str) -> Path:
    """A Python of this minor version; fetched with uv where the machine has none."""
    suffix = "python.exe" if os.name == "nt" else "bin/python"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates: list[list[str]] = [[sys.executable], [f"python{version}"], ["py", f"-{version}"]]
    candidates += [[str(folder / suffix)] for folder in sorted(pyenv.glob(f"{version}.*"))]
    check = f"import sys; assert sys.version_info[:2] == {tuple(map(int, version.split('.')))}"
    for candidate in candidates:
        if shutil.which(candidate[0]):
            probe = [*candidate, "-c", f"{check}; print(sys.executable)"]
            answer = subprocess.run(probe, capture_output=True, text=True)
            if answer.returncode == 0:
                return Path(answer.stdout.strip())
    say(f"this machine has no Python {version}; fetching one with uv")
    place = {**os.environ, "UV_PYTHON_INSTALL_DIR": str(repository.BUILD / "pythons")}
    run([uv(), "python", "install", "--no-bin", version], env=place)
    found = [uv(), "python", "find", "--managed-python", version]
    return Path(subprocess.run(found, env=place, capture_output=True, text=True, check=True).stdout.strip())


def ensure(environment: Environment) -> Environment:
    """Make the environment unless it is there already, with exactly the packages of its locks."""
    if environment.over:
        ensure(environment.over)
    mark = environment.folder / "build-stamp"
    if mark.is_file() and mark.read_text() == environment.stamp:
        return environment
    started = time.monotonic()
    python = find_python(environment.python) if environment.python else Path(sys.executable)
    if environment.folder.exists():
        try:
            shutil.rmtree(environment.folder)
        except OSError as error:
            raise BuildError(
                f"{environment.folder} cannot be removed ({error}); close the Blender that uses it."
            ) from error
    if environment == UV:
        _make_with_pip(environment, python)
    else:
        uv()
        say(f"making the environment {environment.name} with {python} (once; this downloads packages)")
        _make_with_uv(environment, python)
    mark.write_text(environment.stamp)
    say(f"{environment.name} is ready after {time.monotonic() - started:.0f} s")
    return environment


def uv() -> Path:
    """The program uv of this repository."""
    return ensure(UV).script("uv")


def uv_variables() -> dict[str, str]:
    """The environment variables with which uv finds packages where pip does."""
    return indexes.uv_variables(ensure(UV).executable)


def uv_install(environment: Environment, *words: object) -> list[object]:
    """The command that installs into an environment what `words` name, and nothing else."""
    return [uv(), "pip", "install", "-q", "--python", environment.executable, "--no-deps", *words]


def _make_with_pip(environment: Environment, python: Path) -> None:
    run([python, "-m", "venv", environment.folder])
    pip = [environment.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-deps"]
    run([*pip, "--require-hashes", "--only-binary", ":all:", *_locks(*environment.locks)])


def _make_with_uv(environment: Environment, python: Path) -> None:
    run([uv(), "venv", "-q", "--no-project", "--python", python, environment.folder])
    variables = uv_variables()
    pinned = ["--require-hashes", "--only-binary", ":all:", *indexes.no_index(variables)]
    locks = [lock for lock in environment.locks if lock != TORCH_CPU]
    if TORCH_CPU in environment.locks and indexes.wants_torch_for_cpu():
        own = indexes.torch_cpu_index()
        install = uv_install(environment, *pinned, *own, *_locks(TORCH_CPU))
        where = indexes.alone(variables) if own else variables
        if subprocess.run([str(word) for word in install], cwd=ROOT, env=where).returncode:
            say("there is no PyTorch for CPUs alone where this machine looks; taking PyPI's, which brings CUDA")
        else:
            locks.remove(TORCH)
    run(uv_install(environment, *pinned, *_locks(*locks)), env=variables)
    if environment.over:
        # `addsitedir`, unlike a bare path, follows the .pth files in there.
        below = f"import site; site.addsitedir({str(environment.over.packages)!r})\n"
        (environment.packages / "over.pth").write_text(below, encoding="utf-8")


def _locks(*names: str) -> list[object]:
    return [word for name in names for word in ("-r", repository.WHEELS / name)]
