"""The button that copies a bug report."""

from __future__ import annotations

import contextlib
import getpass
import platform
from collections.abc import Generator, Iterator
from pathlib import Path

import bpy

from dgtalker_engine.errors import DGTalkerError

from . import bug_report, ui
from .bridge import engine, find
from .bridge.modal import EngineOperator
from .bug_report import Private
from .head import model
from .properties import strip_properties
from .speech.timeline import strips

ADDON = str(__package__)


class CopyBugReport(EngineOperator, bpy.types.Operator):
    """Copy a report to paste: versions, what the engine found, its log's end, the last error; without names, words that
    are spoken, and your folders"""

    bl_idname = "dgtalker.copy_bug_report"
    bl_label = "Copy Bug Report"

    def work(self, context: bpy.types.Context) -> Generator[engine.Pending, None, None]:
        error = ui.last_error
        pending = engine.submit("doctor")
        yield pending
        try:
            lines = [f"{'ok' if line['ok'] else 'PROBLEM'}: {line['text']}" for line in _lines(pending)]
        except DGTalkerError as failed:  # an engine that does not start is what many reports are about
            lines = [f"PROBLEM: {failed}"]
        private = Private(tuple(_names()), tuple(_spoken()))
        text = bug_report.compose(_versions(), lines, error, engine.state().log, private)
        context.window_manager.clipboard = text
        self.report({"INFO"}, f"A report of {len(text.splitlines())} lines is on the clipboard. Read it, then paste it")


def _lines(pending: engine.Pending) -> list[dict]:
    return pending.result().header["report"]["lines"]


def _versions() -> list[str]:
    return [
        f"Blender {bpy.app.version_string} ({bpy.app.build_hash.decode('ascii', 'replace')})",
        f"DGTalker {_version()}",
        f"{platform.system()} {platform.release()} {platform.machine()}, Python {platform.python_version()}",
        f"Engine: {'installed by the button' if _installed() else 'another'}",
    ]


def _version() -> str:
    manifest = Path(__file__).with_name("blender_manifest.toml").read_text(encoding="utf-8")
    return next(line.split('"')[1] for line in manifest.splitlines() if line.startswith("version = "))


def _installed() -> bool:
    python = engine.state().python
    return bool(python) and find.installed(python) is not None


def _names() -> Iterator[str]:
    """Of the user, the computer, this file, its objects, the people shown, the sounds."""
    with contextlib.suppress(OSError, KeyError, ImportError):  # a user whom the system does not know
        yield getpass.getuser()
    yield from (platform.node(), Path.home().name, Path(bpy.data.filepath).stem)
    for ob in bpy.data.objects:
        if model.is_head(ob):
            consent = model.consent_of(ob)
            yield ob.name
            if consent["status"] != "synthetic":  # whose record speaks of nobody
                yield from (consent.get("subject", ""), consent.get("granted_by", ""))
    for sound in bpy.data.sounds:
        yield from (Path(sound.name).stem, Path(sound.filepath).stem)


def _spoken() -> Iterator[str]:
    for scene in bpy.data.scenes:
        for strip in strips.sound_strips(scene):
            own = strip_properties(strip.strip)
            yield own.transcript
            yield " ".join(word.text for word in own.words)


CLASSES = (CopyBugReport,)


def register() -> None:
    pass


def unregister() -> None:
    pass
