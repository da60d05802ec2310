"""`wheels/NAME.txt` made anew from `wheels/NAME.in`: versions and hashes for Linux, Windows and macOS.

A pin stays as it is while NAME.in and the other pins allow it: for newer versions, change NAME.in or delete the pin.
What an environment below, or an earlier lock of the same environment, pins already is a constraint and is left out.
"""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from . import catalogue, indexes, repository
from .environments import CAPTURE, ENVIRONMENTS, TORCH, TORCH_CPU, TRAINING, Environment, uv, uv_variables
from .repository import BuildError, run, say

APART = {
    TORCH: re.compile(r"(torch|triton|cuda-.+|nvidia-.+)=="),
    TRAINING: re.compile(
        r"(filelock|fsspec|jinja2|lightning-utilities|markupsafe|mpmath|networkx|packaging"
        r"|setuptools|sympy|torchmetrics)=="
    ),
}
"""Of engine.in, what has locks of its own: PyTorch with what its CUDA builds bring, whose place the CPU build takes,
and what training alone needs: its metrics, and what PyTorch's optimisers import."""

NOT_NEEDED = {
    "capture.txt": {"click", "natsort", "opencv-contrib-python", "opencv-python"},
    "signing.txt": {"certifi", "charset-normalizer", "cryptography", "idna", "requests", "toml", "urllib3"},
}
"""Of a lock, what packages ask for and can do without: NAME.in says why."""

LEFT_FOR_LATER = {"cuda.txt": {TRAINING, CAPTURE}}
"""Of a lock, those below it that users may not have yet: what it needs of them stands in it again."""


def requirements(text: str) -> dict[str, str]:
    """The requirements of a lock by name, each with its hashes."""
    blocks = re.findall(r"(?m)^[A-Za-z0-9].*\n(?:[ \t]+.*\n)*", text)
    return {re.split(r"[^A-Za-z0-9._-]", block)[0].lower(): block for block in blocks}


def lock() -> None:
    """Make every lock anew."""
    done: set[str] = set()
    for environment in ENVIRONMENTS:
        below = list(environment.locks_below)
        for name in environment.locks:
            if name == TORCH_CPU:
                _lock_torch_for_cpu(environment)
            elif name not in done | set(APART):
                _lock(name, environment, below)
            done.add(name)
            below.append(name)
    catalogue.write()


def _lock(name: str, environment: Environment, below: list[str]) -> None:
    source = Path(name).with_suffix(".in").name
    apart = APART if TORCH in environment.locks and not below else {}
    outputs = [name, *apart]
    pins = "".join(path.read_text() for path in map(_path, outputs) if path.is_file())
    given = [other for other in below if other != TORCH_CPU]
    made = _compiled(_path(source).read_text(), pins, environment.python, given)
    there = set(given) - LEFT_FOR_LATER.get(name, set())
    known = {package for other in there for package in requirements(_path(other).read_text())}
    known |= NOT_NEEDED.get(name, set())
    kept = {package: block for package, block in made.items() if package not in known}
    for other, pattern in apart.items():
        _write(other, f"{source}, apart: see building/locks.py", filter(pattern.match, kept.values()))
    own = [block for block in kept.values() if not any(pattern.match(block) for pattern in apart.values())]
    _write(name, source, own)


def _lock_torch_for_cpu(environment: Environment) -> None:
    """The same version of PyTorch from its makers' index; the lock stays as it is where that cannot be reached."""
    pinned = re.search(r"(?m)^torch==([^ +]+)", _path(TORCH).read_text())
    assert pinned
    if indexes.torch_cpu_index():
        only = ("--no-deps", "--default-index", indexes.TORCH_CPU_INDEX)
        made = _compiled(f"torch=={pinned[1]}+cpu\n", "", environment.python, [], *only)
        _write(TORCH_CPU, f"{TORCH}: the same version for Linux without CUDA", made.values())
    elif f"torch=={pinned[1]}+cpu" not in _path(TORCH_CPU).read_text():
        raise BuildError(f"{TORCH_CPU} is of another version than {TORCH}; run this where its index can be reached.")


def _compiled(source: str, pins: str, python: str | None, constraints: list[str], *options: str) -> dict[str, str]:
    """What uv makes of requirements: those of a lock by name, in their order."""
    # The hashes of other indexes than the main one would not do elsewhere.
    variables = {name: value for name, value in uv_variables().items() if name not in indexes.APART}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Read by uv: only for this Python, where it is known.
        project = '[project]\nname = "lock"\nversion = "0"\n'
        if python:
            project += f"[tool.uv]\nenvironments = [\"python_version == '{python}'\"]\n"
        (folder / "pyproject.toml").write_text(project)
        (folder / "lock.in").write_text(source)
        (folder / "lock.txt").write_text(pins)
        for other in constraints:
            shutil.copy(_path(other), folder)
        command = [uv(), "pip", "compile", "-q", "lock.in", "-o", "lock.txt", "--universal", "--generate-hashes"]
        command += ["--python-version", python or "3.10", "--only-binary", ":all:", "--no-header", "--no-annotate"]
        command += [word for other in constraints for word in ("-c", other)]
        run([*command, *options], cwd=folder, env=variables)
        return requirements((folder / "lock.txt").read_text())


def _write(name: str, source: str, blocks: Iterable[str]) -> None:
    text = "".join(blocks)
    _path(name).write_text(f"# Made by `python build.py lock` from {source}.\n{text}")
    say(f"{name}: {len(requirements(text))} packages")


def _path(name: str) -> Path:
    return repository.WHEELS / name
