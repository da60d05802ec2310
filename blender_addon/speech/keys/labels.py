"""What generated keys stay out of, and how curves are called, for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import bpy

from . import turns
from .ledger import Path
from .merge import Kept
from .sheet import Sheet


@dataclass(frozen=True)
class Edit:
    """Frames of one of a speaker's curves that generated keys stay out of."""

    owner: bpy.types.ID
    path: Path
    label: str
    kept: Kept

    @property
    def text(self) -> str:
        """As the panel shows it: ``jawOpen 30–34``."""
        frames = f"{self.kept.start}–{self.kept.end}" if self.kept.end > self.kept.start else f"{self.kept.start}"
        return f"{self.label} {frames}"


def summed(edits: Sequence[Edit]) -> list[Edit]:
    """Edits for a list: locks of many curves over the same frames are one row, called by how many they are."""
    rows: dict[object, list[Edit]] = {}
    for number, edit in enumerate(edits):
        alike = (edit.kept.start, edit.kept.end) if edit.kept.kind == "LOCKED" else number
        rows.setdefault(alike, []).append(edit)
    return [replace(row[0], label=f"{len(row)} sliders") if len(row) > 1 else row[0] for row in rows.values()]


def chosen(edits: Sequence[Edit], text: str) -> list[Edit]:
    """The edits that a text of theirs, or of a row of `summed`, stands for."""
    spans = [(row.kept.start, row.kept.end) for row in summed(edits) if row.text == text and row.kept.kind == "LOCKED"]
    locked = [each for each in edits if each.kept.kind == "LOCKED" and (each.kept.start, each.kept.end) in spans]
    return [edit for edit in edits if edit.text == text] or locked


def label_of(owner: bpy.types.ID, path: Path) -> str:
    """The name of a curve for people: ``jawOpen``, or what turns about which axis, as in ``Body neck turn X``."""
    if isinstance(owner, bpy.types.Key):
        return path[0].removeprefix('key_blocks["').removesuffix('"].value')
    bone = turns.bone_of(path[0])
    axis = "WXYZ"[-len(turns.rest_of(path[0])) :][path[1]]
    return f"{owner.name} {bone} turn {axis}" if bone else f"{owner.name} turn {axis}"


def listed(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def named(owner: bpy.types.ID, path: Path, kept: Kept) -> str:
    """A range and its curve in words."""
    return Edit(owner, path, label_of(owner, path), kept).text


def hidden(sheet: Sheet) -> list[str]:
    """The ranges in which the animator's keys from before stay instead of speech, in words."""
    return [named(sheet.owner, path, kept) for path, kept in sheet.kept if kept.kind == "OWN" and kept.end > kept.start]
