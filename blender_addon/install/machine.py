"""What this computer has: its platform, a Python that fits, an NVIDIA GPU, room on the disk. No Blender."""

from __future__ import annotations

import importlib.util
import os
import platform as system
import shutil
import sys
from pathlib import Path

LONGEST_PATH = 259
"""Letters that a path may have where Windows is as it comes."""


def platform() -> str:
    """As Blender's extensions name it: ``linux-x64``, ``windows-x64``, ``macos-arm64``."""
    name = {"win32": "windows", "darwin": "macos"}.get(sys.platform, "linux")
    kind = system.machine().lower()
    return f"{name}-{'arm64' if kind in ('arm64', 'aarch64') else 'x64' if kind in ('x86_64', 'amd64') else kind}"


def own_python(version: str) -> Path | None:
    """Blender's own Python where it is of this version (``3.11``) and can make environments."""
    complete = all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))
    python = Path(sys.executable or "")
    if f"{sys.version_info[0]}.{sys.version_info[1]}" == version and complete and python.is_file():
        return python
    return None


def has_nvidia_gpu() -> bool:
    """Whether NVIDIA's driver is installed: it brings the program nvidia-smi."""
    return shutil.which("nvidia-smi") is not None


def free_space(folder: Path) -> int:
    """Bytes that can be written where a folder is, or will be."""
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def longest_path() -> int | None:
    """Letters that a path may have; None where there is no such limit."""
    if sys.platform != "win32":
        return None
    import winreg

    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Control\FileSystem") as key:
            allowed, _kind = winreg.QueryValueEx(key, "LongPathsEnabled")
    except OSError:
        allowed = 0
    return None if allowed else LONGEST_PATH


def environment_python(environment: Path) -> Path:
    """The Python of a virtual environment."""
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
