"""The engine's wheel, the extension's zip, and the engine installed where Blender finds it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .environments import BLENDERS, ENGINE, TOOLS, ensure, uv_install
from .repository import ROOT, WHEELS, run, say

MANIFEST = ROOT / "blender_addon" / "blender_manifest.toml"
DIST = ROOT / "dist"


def build_wheel() -> Path:
    """The engine's wheel, in wheels/ in place of older ones."""
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


def extension_command() -> list[object]:
    """Blender's own command for extensions: what validates, builds and lists them."""
    blender = ensure(BLENDERS["5.2"])
    (command,) = blender.folder.rglob("bl_pkg/cli/blender_ext.py")
    return [blender.executable, command]


def build_extension(wheel: Path, out: Path) -> Path:
    """Pack the extension with the engine's wheel and validate it with Blender's own validator."""
    command = extension_command()
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
        run([*command, "validate", stage], **quiet)
        run([*command, "build", "--source-dir", stage, "--output-filepath", archive], **quiet)
        run([*command, "validate", archive], **quiet)
    return archive


def package(out: Path = DIST) -> tuple[Path, Path]:
    """The engine's wheel and the extension's zip."""
    wheel = build_wheel()
    return wheel, build_extension(wheel, out)


def list_extensions(folder: Path) -> None:
    """Write Blender's listing of all extensions in a folder, `index.json`, and a page for people, `index.html`.

    The folder on any web server, or on a disk that all see, is then a repository that Blenders install and update from.
    """
    run([*extension_command(), "server-generate", "--repo-dir", folder, "--html"], stdout=subprocess.DEVNULL)


def ensure_engine(wheel: Path) -> Path:
    """Install the engine's wheel into the engine's environment, compile its kernels, and return its Python."""
    python = ensure(ENGINE).executable
    mark = ENGINE.folder / "wheel-stamp"
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    if not mark.is_file() or mark.read_text() != digest:
        say("installing the engine and compiling its kernels")
        mark.unlink(missing_ok=True)
        run(uv_install(ENGINE, "--no-index", "--reinstall", wheel))
        run([python, "-I", "-m", "dgtalker_engine", "warm"])
        mark.write_text(digest)
    return python


def remember_engine(python: Path) -> None:
    """Tell the extension in this user's Blender where the engine is (blender_addon/bridge/find.py reads it).

    One that was built elsewhere, and is still there, stays the one that is used: the preferences offer the others.
    """
    if sys.platform == "win32":
        data = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    elif sys.platform == "darwin":
        data = Path.home() / "Library" / "Application Support"
    else:
        data = Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share"))
    folder = data / "dgtalker"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "engine.json"
    try:
        record = json.loads(file.read_bytes())
        used, others = str(record["python"]), [str(each) for each in record.get("engines", ())]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        used, others = "", []
    if not Path(used).is_file():
        used = str(python)
    engines = [each for each in dict.fromkeys([used, *others, str(python)]) if Path(each).is_file()]
    file.write_text(json.dumps({"python": used, "engines": engines}), encoding="utf-8")
    if used != str(python):
        say(f"Blender goes on using the engine {used}")
        say(f"to use this one ({python}), choose it in Blender's preferences: Add-ons ▸ DGTalker")
