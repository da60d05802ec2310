"""A folder with all that an installation of the engine takes, for computers without the internet."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
import urllib.request
from pathlib import Path
from typing import Any

from .catalogue import CATALOGUE
from .environments import ENGINE, UV, ensure
from .repository import WHEELS, BuildError, run, say


def fill(folder: Path, platforms: list[str]) -> None:
    """Download every file of these platforms into a folder, from where pip looks on this machine.

    gsplat's wheel is copied where it was built (`package --cuda`); CUDA's gigabytes come along only then.
    """
    content = json.loads(CATALOGUE.read_text(encoding="utf-8"))
    unknown = set(platforms) - set(content["platforms"])
    if unknown:
        raise BuildError(f"There is no platform {', '.join(unknown)}; there are {', '.join(content['platforms'])}.")
    folder.mkdir(parents=True, exist_ok=True)
    gsplat = sorted(WHEELS.glob("gsplat-*.whl"))
    for platform in platforms:
        groups = content["platforms"][platform]
        wanted = ["base", "cpu", "capture", "signing", *(["cuda"] if gsplat and "cuda" in groups else [])]
        for group in wanted:
            _download(folder, [file for file in groups[group] if not _is_there(folder, file)])
        _fetch_python(folder, groups["python"][0])
    for wheel in gsplat:
        shutil.copy(wheel, folder)
    size = sum(file.stat().st_size for file in folder.iterdir())
    say(f"{folder} holds {size / 1e6:.0f} MB: choose it in the extension's preferences as Folder with Packages")


def _is_there(folder: Path, file: dict[str, Any]) -> bool:
    path = folder / file["name"]
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == file["sha256"]


def _download(folder: Path, files: list[dict[str, Any]]) -> None:
    """With pip, which is told the tags of the very files, and refuses others by their hashes."""
    if not files:
        return
    tags = [file["name"].removesuffix(".whl").split("-")[-3:] for file in files]
    lines = [f"{file['project']}=={file['name'].split('-')[1]} --hash=sha256:{file['sha256']}" for file in files]
    command: list[object] = [
        ensure(UV).executable,
        "-m",
        "pip",
        "download",
        "-q",
        "--no-deps",
        "--only-binary",
        ":all:",
    ]
    command += ["--require-hashes", "--python-version", ENGINE.python, "--implementation", "cp", "-d", folder]
    for option, place in (("--abi", 1), ("--platform", 2)):
        for tag in sorted({tag for each in tags for tag in each[place].split(".")}):
            command += [option, tag]
    with tempfile.TemporaryDirectory() as name:
        pinned = Path(name) / "files.txt"
        pinned.write_text("\n".join(lines), encoding="utf-8")
        run([*command, "-r", pinned])


def _fetch_python(folder: Path, file: dict[str, Any]) -> None:
    """Python itself, which Blenders need whose own is of another version; it lies in no index of packages."""
    if _is_there(folder, file):
        return
    try:
        with urllib.request.urlopen(file["url"], timeout=60) as response:
            data = response.read()
    except OSError as error:
        say(f"{file['name']} cannot be downloaded ({error}): put it into {folder} from {file['url']}")
        say(f"without it, only a Blender whose own Python is {ENGINE.python} (Blender 4.5) installs from this folder")
        return
    if hashlib.sha256(data).hexdigest() != file["sha256"]:
        raise BuildError(f"{file['url']} is another file than {CATALOGUE.name} says.")
    (folder / file["name"]).write_bytes(data)
