"""Which renderer draws: `cuda` (gsplat, on an NVIDIA GPU) or `cpu`. Decided once per process, with the reason.

gsplat comes from PyPI as sources, and compiles them with nvcc for many minutes at its first call. That must never begin
on an animator's machine: nothing of gsplat is imported unless its compiled extension lies there as a file, and nothing
of it is called unless that extension was imported before.
"""

from __future__ import annotations

import importlib
import importlib.machinery
import importlib.metadata
import importlib.util
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, cast

import torch

from ..errors import DGTalkerError

Name = Literal["cpu", "cuda"]

NAMES = ("cpu", "cuda")

VARIABLE = "DGTALKER_BACKEND"
"""The environment variable that forces a renderer for clouds on the processor; unset or empty, the gate decides."""

GSPLAT = "1.5.3"
"""The version that is used, and the only one known never to compile when it is imported as here."""


@dataclass(frozen=True)
class Choice:
    """The renderer of this process, and why: a sentence for the user."""

    name: Name
    reason: str


@cache
def chosen() -> Choice:
    """What draws when nobody asks for a certain renderer; the first call may take some seconds.

    Raises:
        DGTalkerError: `DGTALKER_BACKEND` asks for what does not exist, or for a GPU that cannot be used.
    """
    forced = os.environ.get(VARIABLE, "")
    if forced:
        return Choice(named(forced), f"{VARIABLE} is set to {forced}.")
    problem = gpu_problem()
    if problem:
        return Choice("cpu", problem)
    return Choice("cuda", f"gsplat {GSPLAT} works on the {torch.cuda.get_device_name()}.")


def named(name: str | None) -> Name:
    """The renderer of this name, or the chosen one for None.

    Raises:
        DGTalkerError: there is no such renderer, or it is `cuda` and the GPU cannot be used.
    """
    if name is None:
        return chosen().name
    if name not in NAMES:
        raise DGTalkerError(f"There is no renderer {name!r}.", f"There are: {', '.join(NAMES)}.")
    if name == "cuda" and (problem := gpu_problem()):
        raise DGTalkerError(
            f"Pictures cannot be rendered on the GPU: {problem}",
            f"Ask for `cpu`, or leave {VARIABLE} unset: then they are rendered on the processor.",
            code="no_gpu",
        )
    return cast(Name, name)


@cache
def gpu_problem() -> str:
    """Why this process cannot render on a GPU, a sentence; empty where it can. Looked at once."""
    problem = device_problem() or extension_problem() or load_problem()
    if problem:
        return problem
    from .cuda import self_test

    return self_test.problem()


def device_problem() -> str:
    """Why PyTorch has no GPU to work with; empty where it has."""
    if torch.version.cuda is None:
        return "This PyTorch is built without CUDA."
    if not torch.cuda.is_available():
        return "No NVIDIA GPU with a driver was found."
    return ""


def extension_problem() -> str:
    """Why gsplat's compiled extension cannot be there; empty where it may be. Imports nothing of gsplat."""
    spec = importlib.util.find_spec("gsplat")
    if spec is None:
        return "gsplat is not installed."
    try:
        version = importlib.metadata.version("gsplat")
    except importlib.metadata.PackageNotFoundError:
        return "What is installed as gsplat is not a package of its own."
    if version.split("+")[0] != GSPLAT:
        return f"gsplat {version} is installed; only {GSPLAT} can be used."
    names = [f"csrc{suffix}" for suffix in importlib.machinery.EXTENSION_SUFFIXES]
    folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
    if not any((folder / name).is_file() for folder in folders for name in names):
        return "gsplat is installed without its compiled part, which would have to be compiled first."
    return ""


def load_problem() -> str:
    """Imports gsplat's compiled extension, which `extension_problem` has found: why that failed; empty if it did not.

    Whatever imports the extension next, as gsplat's functions do when they are first called, finds it imported, and
    compiles nothing.
    """
    try:
        csrc = importlib.import_module("gsplat.csrc")
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        return f"gsplat's compiled part cannot be loaded: was it built for another PyTorch? {_first_line(error)}"
    try:
        backend = importlib.import_module("gsplat.cuda._backend")
    except (ImportError, OSError, RuntimeError, AttributeError) as error:
        return f"gsplat cannot be imported: {_first_line(error)}"
    if backend._C is not csrc:
        return "gsplat uses another compiled part than the one that is installed with it."
    return ""


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
