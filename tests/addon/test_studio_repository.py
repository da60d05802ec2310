"""The folder that `build.py package --repo` writes: Blender's own client installs the extension from it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import bpy

ROOT = Path(__file__).resolve().parents[2]


def client(*words: object) -> str:
    (command,) = Path(bpy.utils.resource_path("LOCAL")).rglob("bl_pkg/cli/blender_ext.py")
    finished = subprocess.run([sys.executable, command, *map(str, words)], capture_output=True, text=True, timeout=120)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


def test_blender_finds_the_extension_there_and_installs_it(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    from building.packaging import list_extensions

    studio, mine = tmp_path / "studio repository", tmp_path / "extensions"
    studio.mkdir()
    mine.mkdir()
    shutil.copy(os.environ["DGTALKER_ZIP"], studio)
    list_extensions(studio)
    assert "dgtalker" in (studio / "index.html").read_text(encoding="utf-8")
    where = ("--remote-url", (studio / "index.json").as_uri(), "--local-dir", mine)
    assert "dgtalker" in client("list", *where)
    client("sync", *where)
    client("install", *where, "dgtalker")
    assert (mine / "dgtalker" / "blender_manifest.toml").is_file()
    assert list((mine / "dgtalker" / "wheels").glob("dgtalker_engine-*.whl"))
