"""A contact sheet of what Head Animation has rendered: evenly spaced frames, their numbers below."""

from __future__ import annotations

import os
import secrets
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.files import patiently, replacing

from ...bridge.modal import EngineOperator, Waiting
from . import job
from .child import Child

MOST, COLUMNS = 24, 6
WIDTH = 320
"""Of each picture, pixels."""
_VIEW = ("view_transform", "look", "exposure", "gamma")


class ContactSheet(EngineOperator, bpy.types.Operator):
    """Put evenly spaced frames of what was just rendered into one picture beside it, with their numbers, and open it"""

    bl_idname = "dgtalker.contact_sheet"
    bl_label = "Contact Sheet"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        done = job.last
        if done is None or done.folder is None or done.plan.scene != context.scene.name_full:
            return "Render a Head Animation first."
        return ""

    def work(self, context: bpy.types.Context) -> Generator[Waiting, None, None]:
        assert job.last is not None
        pictures = rendered(job.last)
        sheet = target(job.last, next(iter(pictures.values())))
        unfinished = sheet.with_name(f"sheet-{secrets.token_hex(6)}.png")
        child = Child(bpy.app.binary_path, "Drawing the contact sheet", _task(context.scene, pictures, unfinished))
        try:
            yield child
            child.result()
            with replacing(sheet) as temporary:
                patiently(lambda: os.replace(unfinished, temporary))
        finally:
            if not child.done:
                child.cancel()
            unfinished.unlink(missing_ok=True)
        self.report({"INFO"}, f"{len(pictures)} frames are in {sheet}")
        if not bpy.app.background:
            bpy.ops.wm.path_open(filepath=str(sheet))


def rendered(done: job.Job) -> dict[int, Path]:
    """Evenly spaced pictures of a job by the numbers of their frames, at most `MOST`.

    Raises:
        DGTalkerError: none is there.
    """
    there = {number: path for number, path in done.pictures.items() if path.is_file() and path.stat().st_size}
    if not there:
        raise DGTalkerError("The pictures are not there any more.", "Render the Head Animation again.")
    return {number: there[number] for number in evenly(list(there), MOST)}


def evenly(numbers: Sequence[int], most: int) -> list[int]:
    """At most so many of them, the first and the last among them."""
    if len(numbers) <= most:
        return list(numbers)
    return [numbers[round(i * (len(numbers) - 1) / (most - 1))] for i in range(most)]


def target(done: job.Job, first: Path) -> Path:
    """Where the sheet goes: beside the film, or the pictures."""
    if done.plan.film is not None:
        return done.plan.film.path.with_name(f"{done.plan.film.path.stem}_contact_sheet.png")
    name = first.stem.rstrip("0123456789-").rstrip("_. ")
    return first.with_name(f"{name}_contact_sheet.png" if name else "contact_sheet.png")


def _task(scene: bpy.types.Scene, pictures: dict[int, Path], sheet: Path) -> dict[str, Any]:
    """Of `child_script.draw_sheet`. PNG files have gone through the view transform, and others have not."""
    view: Any = scene.view_settings
    is_linear = next(iter(pictures.values())).suffix == ".exr"
    return {
        "work": "draw_sheet",
        "unfinished": str(sheet),
        "pictures": [str(path) for path in pictures.values()],
        "captions": [str(number) for number in pictures],
        "columns": min(COLUMNS, len(pictures)),
        "width": WIDTH,
        "stretch": scene.render.pixel_aspect_y / scene.render.pixel_aspect_x,
        "view": {name: getattr(view, name) for name in _VIEW} if is_linear else {},
        "sheet": str(sheet),
    }


CLASSES: tuple[type, ...] = (ContactSheet,)
