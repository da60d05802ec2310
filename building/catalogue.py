"""`blender_addon/install/packages.json`: each file that an installation downloads, with its hash and size, by platform.

The locks say which versions; uv says which of their files fits a platform. The file travels in the extension's zip.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from . import indexes, repository
from .environments import CAPTURE, ENGINE, SIGNING, TORCH, TORCH_CPU, TRAINING, uv, uv_variables
from .repository import ROOT, run, say

CATALOGUE = ROOT / "blender_addon" / "install" / "packages.json"

PLATFORMS = {
    "linux-x64": "x86_64-manylinux_2_28",
    "windows-x64": "x86_64-pc-windows-msvc",
    "macos-arm64": "aarch64-apple-darwin",
}
"""Blender's name of each platform that has all packages, and uv's. Of glibc and macOS what Blender itself needs."""

OLDEST_MACOS = "14.0"

GROUPS = {
    "base": ("engine.txt",),
    "cpu": (TORCH,),
    "capture": (CAPTURE, TRAINING),
    "signing": (SIGNING,),
}
ON_LINUX = {"cpu": (TORCH_CPU,), "cuda": (TORCH, "cuda.txt")}
"""PyPI's PyTorch has CUDA on Linux alone, and gsplat's wheel is built there alone."""

PYTHON_RELEASE = "https://github.com/astral-sh/python-build-standalone/releases/download/20261021/"
PYTHONS = {
    "linux-x64": (
        "cpython-3.11.17+20261021-x86_64-unknown-linux-gnu-install_only_stripped.tar.gz",
        "224ca8be2d28841e7a382a27c51e74f4ed0aabe249a79294684e782363165948",
    ),
    "windows-x64": (
        "cpython-3.11.17+20261021-x86_64-pc-windows-msvc-install_only_stripped.tar.gz",
        "7222d3245519b9f2e786b085af65a3fac06dffa1ddfbe27821ad9b75f2d98c62",
    ),
    "macos-arm64": (
        "cpython-3.11.17+20261021-aarch64-apple-darwin-install_only_stripped.tar.gz",
        "1d1335d9d526bc37061af3fe72b0edd88056d7e7d9488eb631946b10b4ab97bb",
    ),
}
"""Archives of python-build-standalone and their SHA-256, for Blenders whose own Python is another; PyPI's package
pbs-installer (2026.10.25) lists them."""


def write() -> None:
    """Make the catalogue anew from the locks."""
    platforms: dict[str, dict[str, Any]] = {}
    for platform, target in PLATFORMS.items():
        groups = GROUPS | (ON_LINUX if platform.startswith("linux") else {})
        files = {group: _files(locks, target) for group, locks in groups.items()}
        name, digest = PYTHONS[platform]
        url = PYTHON_RELEASE + urllib.parse.quote(name)
        platforms[platform] = {"python": [{"name": name, "sha256": digest, "url": url}], **files}
        say(f"{CATALOGUE.name}: {platform} has {sum(map(len, files.values()))} files")
    text = json.dumps({"python": ENGINE.python, "platforms": platforms}, indent=1)
    # A file a line: a change of one version is a change of one line.
    text = re.sub(r"\{\s+(\"name\"[^{}]+?)\s+\}", lambda block: f"{{{' '.join(block[1].split())}}}", text)
    CATALOGUE.write_text(text + "\n", encoding="utf-8")


def _files(locks: tuple[str, ...], target: str) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pyproject.toml").write_text('[project]\nname = "files"\nversion = "0"\n')
        for lock in locks:
            shutil.copy(repository.WHEELS / lock, folder)
        command = [uv(), "pip", "compile", "-q", *locks, "--no-deps", "--only-binary", ":all:", "--no-header"]
        command += ["--python-platform", target, "--python-version", ENGINE.python or ""]
        command += ["--format", "pylock.toml", "-o", "pylock.toml"]
        run(command, cwd=folder, env=_variables(locks))
        packages = (folder / "pylock.toml").read_text(encoding="utf-8").split("[[packages]]")[1:]
    return [_best_file(package) for package in packages]


def _variables(locks: tuple[str, ...]) -> dict[str, str]:
    """uv's, with which only PyTorch without CUDA may come from elsewhere than the main index."""
    variables = {**uv_variables(), "MACOSX_DEPLOYMENT_TARGET": OLDEST_MACOS}
    if locks != (TORCH_CPU,):
        return {name: value for name, value in variables.items() if name not in indexes.APART}
    return variables


def _best_file(package: str) -> dict[str, Any]:
    """Of the wheels that fit, one that was made for the platform before one that is for all."""
    wheels = re.findall(r'url = "([^"]+\.whl)"(?:[^}]*?size = (\d+))?[^}]*?sha256 = "(\w+)"', package)
    url, size, digest = max(wheels, key=lambda wheel: (not wheel[0].endswith("-any.whl"), wheel[0]))
    name = urllib.parse.unquote(url.rsplit("/", 1)[1])
    if url.startswith("file:"):
        size = Path(urllib.request.url2pathname(urllib.parse.urlparse(url).path)).stat().st_size
    project = re.findall(r'(?m)^name = "(.+)"', package)[0]
    index = "pytorch" if "+cpu" in name else "pypi"
    return {"name": name, "sha256": digest, "size": int(size), "project": project, "index": index}
