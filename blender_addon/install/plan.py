"""What an installation will do, said before anything starts: which files, how many bytes, where. No Blender."""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from dgtalker_engine.errors import DGTalkerError

from . import machine
from .packages import File, catalogue
from .sources import Sources

DOWNLOADS, PYTHONS = "downloads", "pythons"
"""Folders beside the environments."""

_UNPACKED = 4.0
"""Bytes on the disk for a byte of a wheel, with some room; measured: 3.4 for all of them."""
_PYTHON_SIZE = 32_000_000
"""About what an archive of Python has, which no catalogue says."""


@dataclass(frozen=True)
class Plan:
    """An installation.

    Attributes:
        home: the folder that holds everything.
        own_python: Blender's own Python, where it fits; None where `python` is downloaded.
        python: an archive of Python.
        files: the environment's wheels.
        wheels: of DGTalker's own, out of the extension: the engine, and gsplat where it is there.
        extras: wheels of what comes when it is first needed, by the catalogue's name of it: ``capture`` is what looks
            at videos, ``signing`` what signs pictures. Those are in it that are wanted now.
        why: a sentence on PyTorch: which one, and why.
        anew: also where it is there already, which may be broken.
    """

    home: Path
    own_python: Path | None
    python: File
    files: tuple[File, ...]
    wheels: tuple[Path, ...]
    extras: Mapping[str, tuple[File, ...]]
    why: str
    anew: bool = False

    @property
    def is_built(self) -> bool:
        """Whether the environment can stay as it is."""
        return self.executable.is_file() and not self.anew

    @functools.cached_property
    def key(self) -> str:
        """What an environment is named after: everything that is in it.

        Whether it stands on Blender's own Python or on a downloaded one is not: Blenders that differ in that share it.
        """
        parts = [sys.platform, self.python.sha256]
        parts += [file.sha256 for file in self.files]
        parts += [hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in self.wheels]
        return hashlib.sha256(" ".join(parts).encode()).hexdigest()[:12]

    @property
    def environment(self) -> Path:
        return self.home / f"env-{self.key}"

    @property
    def executable(self) -> Path:
        return machine.environment_python(self.environment)

    def layer(self, extra: str) -> Path:
        """Inside the environment, the folder of an extra."""
        digest = hashlib.sha256(" ".join(file.sha256 for file in self.extras[extra]).encode())
        return self.environment / f"{extra}-{digest.hexdigest()[:12]}"

    @property
    def needed(self) -> tuple[File, ...]:
        """The files that are used from here on: none for what is built already."""
        files: tuple[File, ...] = ()
        if not self.is_built:
            files += self.files if self.own_python or self.python_folder.is_dir() else (self.python, *self.files)
        for extra, more in self.extras.items():
            if not (self.is_built and self.layer(extra).is_dir()):
                files += more
        return tuple(dict.fromkeys(files))  # what GPUs need is in part what videos need

    @property
    def python_folder(self) -> Path:
        """Where the downloaded Python is unpacked."""
        return self.home / PYTHONS / self.python.name.removesuffix(".tar.gz")

    @property
    def downloads(self) -> Path:
        return self.home / DOWNLOADS

    def missing_bytes(self, sources: Sources) -> int:
        """Bytes that will come over the network: not of what is here, whole or in part, or in the user's folder."""
        return sum(self._missing(file) for file in self.needed if sources.local(file) is None)

    @property
    def disk_bytes(self) -> int:
        """About how many bytes have to be free: what is yet to come, and what it becomes."""
        wheels = sum(size(file) for file in self.needed) + sum(wheel.stat().st_size for wheel in self.wheels)
        return int(sum(map(self._missing, self.needed)) + wheels * _UNPACKED)

    def _missing(self, file: File) -> int:
        if (self.downloads / file.name).is_file():
            return 0
        part = self.downloads / f"{file.name}.part"
        return max(0, size(file) - (part.stat().st_size if part.is_file() else 0))


def size(file: File) -> int:
    """Bytes of a file; of Python's archive about."""
    return file.size or _PYTHON_SIZE


def make(
    home: Path, wheels: Path, *, extras: Collection[str] = (), anew: bool = False, folder: Path | None = None
) -> Plan:
    """The installation that this computer needs.

    Args:
        home: `bridge.find.data_folder()`.
        wheels: the folder of the extension's own wheels.
        extras: what is wanted besides: see `Plan.extras`.
        anew: also where it is installed already.
        folder: of files that were brought along; gsplat's wheel may be there.

    Raises:
        DGTalkerError: the engine cannot be installed on this computer, or the extension is not whole.
    """
    available = catalogue(machine.platform())
    engines = sorted(wheels.glob("dgtalker_engine-*.whl"))
    if not engines:
        raise DGTalkerError(f"The engine's wheel is not in {wheels}.", "Install the extension from its zip again.")
    gsplat = [wheel for place in (wheels, folder) if place for wheel in sorted(place.glob("gsplat-*.whl"))][:1]
    cuda = "cuda" in available.groups and machine.has_nvidia_gpu() and bool(gsplat)
    groups = ("base", "cuda" if cuda else "cpu")
    return Plan(
        home=home,
        own_python=machine.own_python(available.python),
        python=available.groups["python"][0],
        files=tuple(file for group in groups for file in available.groups[group]),
        wheels=(engines[-1], *(gsplat if cuda else ())),
        extras={extra: available.groups[extra] for extra in sorted(extras)},
        why=_why(cuda, machine.has_nvidia_gpu()),
        anew=anew,
    )


def _why(cuda: bool, gpu: bool) -> str:
    if cuda:
        return "With CUDA, for the NVIDIA GPU of this computer."
    if gpu:
        return "For the processor: this extension brings no gsplat, which draws on an NVIDIA GPU."
    return "For the processor: no NVIDIA GPU was found."
