"""A case of `modal.py`: people who do not exist, in the sidebar of a real window."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import bpy
from steps import ADDON, Drawings, Steps, heads, press_escape, running, start, until

ENGINE_START = 120.0
"""Seconds."""

TINY = Path(__file__).resolve().parents[1] / "engine" / "systems" / "dgtalker" / "tiny_prior.py"


def room(name: str) -> Any:
    return sys.modules[f"{ADDON}.{name}"]


def up_to_date() -> bool:
    """Whether all pictures show what the form says."""
    wanted = room("people.form").portraits(bpy.context)
    assert not room("people.gallery").error()
    return all(room("people.gallery").is_shown(each.name, each.person) for each in wanted)


def a_gallery_follows_its_sliders_and_escape_ends_the_making() -> Steps:
    path = Path(tempfile.mkdtemp(prefix="dgtalker-prior-")) / "mine.safetensors"
    subprocess.run([os.environ["DGTALKER_ENGINE_PYTHON"], "-I", str(TINY), str(path)], check=True)
    engine = room("bridge.engine")
    engine.stop()
    os.environ["DGTALKER_PRIOR"] = str(path)
    try:
        warm = room("people.gallery").ask(room("people.form").portraits(bpy.context)[0])
        yield from until(lambda: warm.done, timeout=ENGINE_START)
        yield from _follow_and_escape()
    finally:
        bpy.ops.dgtalker.close_new_person()
        del os.environ["DGTALKER_PRIOR"]
        engine.stop()


def _follow_and_escape() -> Steps:
    gallery, form = room("people.gallery"), bpy.context.window_manager.dgtalker_new_person
    with Drawings(room("people.panels").NewPersonPanel) as drawings:
        bpy.ops.dgtalker.new_person()
        yield from until(up_to_date)
        yield from until(lambda: drawings.count and not bpy.app.timers.is_registered(gallery._tick))
        assert room("people.previews").icons.id_of("chosen") > 0
        for age in (30, 50, 75):
            form.age = age
            yield
        yield from until(up_to_date)
        start("add_person")
        yield from until(lambda: gallery.making() is not None)
        assert not bpy.ops.dgtalker.add_person.poll()
        yield from press_escape()
        yield from until(lambda: not running())
        assert gallery.making() is None
        assert not heads()
        yield from until(lambda: not bpy.app.timers.is_registered(gallery._tick))
