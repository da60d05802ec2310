"""The catalog of saved expressions in the asset browser.

Blender keeps catalogs in a file beside the .blend, or at the root of the asset library that this lies in. It has no
function that adds one without an asset browser, so it is written when a file with expressions is saved.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bpy
from bpy.app.handlers import persistent

from dgtalker_engine import files
from dgtalker_engine.errors import DGTalkerError

from .. import ui

IDENTIFIER = "6a4e5a3c-4c0a-4f8e-9d0b-7d1c2b8f3e55"
NAME = "Expressions"
FILE = "blender_assets.cats.txt"
_LARGEST = 10_000_000
"""Bytes of a catalog file."""
_HEAD = b"# This is an Asset Catalog Definition file for Blender.\n\nVERSION 1\n\n"


def root_of(path: Path) -> Path:
    """The folder whose catalogs a .blend shows: of the innermost asset library that it lies in, or its own."""
    libraries: Any = bpy.context.preferences.filepaths.asset_libraries
    roots = [Path(bpy.path.abspath(library.path)) for library in libraries if library.path]
    around = [root for root in roots if path.is_relative_to(root)]
    return max(around, key=lambda root: len(root.parts), default=path.parent)


def ensure(folder: Path) -> None:
    """Adds the catalog to those of a folder; the others stay.

    Raises:
        DGTalkerError: the file cannot be read or written.
    """
    file = folder / FILE
    try:
        there = files.read_file(file, _LARGEST, "The catalog file") if files.is_file(file) else _HEAD
        if IDENTIFIER.encode() not in there:
            end = b"" if there.endswith(b"\n") else b"\n"
            files.write_whole(file, there, end, f"{IDENTIFIER}:{NAME}:{NAME}\n".encode())
    except DGTalkerError as error:
        raise DGTalkerError(
            f"Expressions are saved, but not in a catalog of the asset browser: {error.message}",
            "They are among the unassigned assets.",
        ) from error


@persistent
def _saved(*_: Any) -> None:
    marked: list[Any] = [action.asset_data for action in bpy.data.actions]
    if bpy.data.filepath and any(data is not None and data.catalog_id == IDENTIFIER for data in marked):
        try:
            ensure(root_of(Path(bpy.data.filepath)))
        except DGTalkerError as error:
            ui.tell(error)


def add() -> None:
    bpy.app.handlers.save_post.append(_saved)


def remove() -> None:
    bpy.app.handlers.save_post.remove(_saved)
