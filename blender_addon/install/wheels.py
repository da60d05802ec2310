"""Wheels into a folder, and what can be said of them before: bytes and the length of paths. No Blender."""

from __future__ import annotations

import contextlib
import os
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.files import write_whole

from .children import Children


def install(
    children: Children,
    python: Path,
    wheels: Mapping[Path, str],
    folder: Path,
    text: str,
    target: Path | None = None,
) -> None:
    """Exactly these wheels, by an environment's own pip: no index, nothing resolved.

    Args:
        wheels: with their SHA-256.
        folder: that they go into: of the environment, or `target`.
        text: what is being done, for the progress.
        target: a folder of packages alone, in place of the environment's.

    Raises:
        DGTalkerError: pip refuses one.
        Cancelled: by the control of `children`.
    """
    lines = [
        f"{wheel.name.split('-')[0]} @ {wheel.resolve().as_uri()} --hash=sha256:{wheels[wheel]}" for wheel in wheels
    ]
    requirements = folder.with_name(f"{folder.name}.txt")
    write_whole(requirements, "\n".join(lines).encode())
    total, control = unpacked(wheels), children.control
    command: list[object] = [python, "-I", "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--require-hashes"]
    command += ["--no-compile", "--no-cache-dir", "-r", requirements]
    command += ["--target", target] if target else []

    def count() -> None:
        if not target:  # which pip fills at its end
            control.say(text, min(total, _bytes_in(folder)), total)

    control.say(text)
    try:
        children.run("Installing packages", command, count)
    finally:
        requirements.unlink(missing_ok=True)


def unpacked(wheels: Iterable[Path]) -> int:
    """Bytes of all that is in wheels.

    Raises:
        DGTalkerError: one is no wheel.
    """
    total = 0
    for wheel in wheels:
        try:
            with zipfile.ZipFile(wheel) as content:
                total += sum(entry.file_size for entry in content.infolist())
        except zipfile.BadZipFile as error:
            raise DGTalkerError(f"{wheel.name} is not a wheel: {error}.", "Install again.") from error
    return total


def _bytes_in(folder: Path) -> int:
    """Of all files in a folder that others write to."""
    total, left = 0, [str(folder)]
    while left:
        with contextlib.suppress(OSError), os.scandir(left.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(OSError):
                    if entry.is_dir(follow_symlinks=False):
                        left.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_size
    return total


def check_paths(wheels: Iterable[Path], packages: Path, longest: int | None) -> None:
    """Whether each path can be as long as it will be.

    Args:
        packages: the folder that they are unpacked into.
        longest: letters that a path may have; None for any.

    Raises:
        DGTalkerError: one is too long.
    """
    if longest is None:
        return
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as content:
            letters = len(str(packages)) + 1 + max((len(name) for name in content.namelist()), default=0)
        if letters > longest:
            raise DGTalkerError(
                f"{wheel.name} has files whose paths in {packages} would have {letters} letters; "
                f"this Windows allows {longest}.",
                "Switch on LongPathsEnabled (Microsoft: Enable long paths), then install again.",
                code="long_paths",
            )
