"""Live: the button, the microphone that is chosen, and the level that is heard."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError

from ... import ui
from ...bridge import engine
from ...bridge.modal import EngineOperator, Waiting
from ..live_lips import LiveLips, disabled_reason
from ..timeline import adding
from . import sound_operators

USUAL = "USUAL"
"""The microphone that the system uses."""

_STEP = 1 / 60
"""Seconds between two looks at the newest weights."""

_SHOWN = 0.1
"""Seconds between two drawings of the level."""

_QUIETEST = -60.0
"""dB of an empty meter."""

_microphones: list[tuple[str, str, str]] = [(USUAL, "System's Microphone", "The one that the system uses")]
"""What the list shows. Blender needs its texts to stay where they are."""

_running: list[Live] = []
"""The operator that listens, if one does."""


class Live(ui.ExplainedOperator, bpy.types.Operator):
    """Let the selected head's lips follow a microphone. Stop, or ESC, keeps the recording as a strip that the head
    speaks, with keys; Animate then does it properly, with words. While playback runs, it is recorded in sync"""

    bl_idname = "dgtalker.live"
    bl_label = "Live"
    bl_options = {"REGISTER", "UNDO"}

    file: bpy.props.StringProperty(
        name="Sound File",
        description="A sound file that is heard in the microphone's place, as fast as it is spoken",
        subtype="FILE_PATH",
        options={"SKIP_SAVE", "HIDDEN"},
    )
    seconds: bpy.props.FloatProperty(
        name="Seconds",
        description="How long a script listens; 0: to the file's end",
        min=0.0,
        options={"SKIP_SAVE", "HIDDEN"},
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        if _running:
            return "It listens already."
        return disabled_reason(context, sound_operators.speaker(context))

    def execute(self, context: bpy.types.Context) -> set[str]:
        if not (self.file or self.seconds):
            return ui.report(self, DGTalkerError("A script says how long it listens.", "Give seconds, or a file."))
        try:
            lips = self._begun(context)
        except DGTalkerError as error:
            return ui.report(self, error)
        try:
            while not (lips.feed.done or 0.0 < self.seconds <= lips.feed.seconds):
                time.sleep(_STEP)
                lips.tick()
        except BaseException:  # Ctrl-C, too: the microphone must not stay open for ever
            lips.let_go()
            raise
        return self._finished(context, lips)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if bpy.app.background or context.window is None:
            return self.execute(context)
        try:
            self._lips = self._begun(context)
        except DGTalkerError as error:
            return ui.report(self, error)
        self._timer = context.window_manager.event_timer_add(_STEP, window=context.window)
        self._drawn = 0.0
        self.level = 0.0
        _running.append(self)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.type == "ESC" and event.value == "PRESS":
            self.stop()
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        try:
            if not self._lips.feed.done or ui.is_dragging():
                self._lips.tick()
                self._show(context)
                return {"PASS_THROUGH"}
        except DGTalkerError as error:  # the head was deleted
            self.cancel(context)
            return ui.report(self, self._lips.explained(error))
        except BaseException:  # a fault of ours: the microphone must not stay open for ever
            self.cancel(context)
            raise
        self._end(context)
        return self._finished(context, self._lips)

    def stop(self) -> None:
        """Ends it soon; the window goes on meanwhile."""
        self._lips.feed.stop()

    @property
    def seconds_heard(self) -> float:
        return self._lips.feed.seconds

    @property
    def listening(self) -> bool:
        return self._lips.feed.listening

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender calls this when it ends a running operator itself: its window closes, another file is opened."""
        self._end(context)
        self._lips.let_go()

    def _begun(self, context: bpy.types.Context) -> LiveLips:
        head = sound_operators.speaker(context)
        assert head is not None
        chosen = getattr(context.window_manager, "dgtalker_microphone", USUAL)
        return LiveLips(context, head, "" if chosen in (USUAL, "") else chosen, bpy.path.abspath(self.file))

    def _finished(self, context: bpy.types.Context, lips: LiveLips) -> set[str]:
        try:
            notes = lips.finish(context)
        except DGTalkerError as error:
            lips.let_go()
            return ui.report(self, error)
        done = f"{lips.name} speaks {lips.feed.seconds:.1f} s, kept in {lips.path}: press Animate for its words."
        self.report({"WARNING"} if notes else {"INFO"}, " ".join([done, *notes, adding.follow(context)]).strip())
        return {"FINISHED"}

    def _show(self, context: bpy.types.Context) -> None:
        now = time.monotonic()
        if now - self._drawn < _SHOWN:
            return
        self._drawn = now
        feed = self._lips.feed
        loud = 20.0 * math.log10(max(feed.peak, 1e-6))
        self.level, feed.peak = min(max(1.0 - loud / _QUIETEST, 0.0), 1.0), 0.0
        if context.workspace is not None:
            text = f"{feed.seconds:.1f} s" if feed.listening else "opening the microphone"
            context.workspace.status_text_set(f"Live: {text}   (ESC ends and keeps it)")
        ui.redraw()

    def _end(self, context: bpy.types.Context) -> None:
        if self in _running:
            _running.remove(self)
            context.window_manager.event_timer_remove(self._timer)
            if context.workspace is not None:
                context.workspace.status_text_set(None)
            ui.redraw()


class StopLive(ui.ExplainedOperator, bpy.types.Operator):
    """Keep what was heard: the sound as a strip that the head speaks, and its keys"""

    bl_idname = "dgtalker.stop_live"
    bl_label = "Stop"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if _running else "Nothing is listened to."

    def execute(self, context: bpy.types.Context) -> set[str]:
        for live in _running:
            live.stop()
        return {"FINISHED"}


class FindMicrophones(EngineOperator, bpy.types.Operator):
    """Look which microphones there are now"""

    bl_idname = "dgtalker.find_microphones"
    bl_label = "Find Microphones"

    def work(self, context: bpy.types.Context) -> Generator[Waiting, None, None]:
        pending = engine.submit("microphones")
        yield pending
        names = pending.result().header["microphones"]
        _microphones[1:] = [(name, name, "") for name in names if name != USUAL]
        self.report({"INFO"}, f"{len(names)} found." if names else "No microphone was found.")
        ui.redraw()


def draw(layout: Any, context: bpy.types.Context) -> None:
    if _running:
        live = _running[0]
        column = layout.column(align=True)
        text = f"Live: {live.seconds_heard:.1f} s" if live.listening else "Opening the microphone…"
        column.progress(factor=live.level, type="BAR", text=text)
        column.operator(StopLive.bl_idname, icon="SNAP_FACE")
        return
    header, body = layout.panel("dgtalker_live", default_closed=True)
    header.label(text="Live")
    if body:
        row = body.row(align=True)
        row.prop(context.window_manager, "dgtalker_microphone", text="")
        row.operator(FindMicrophones.bl_idname, text="", icon="FILE_REFRESH")
        body.operator(Live.bl_idname, icon="REC")


def _listed(manager: Any, context: Any) -> list[tuple[str, str, str]]:
    return _microphones


def add() -> None:
    manager: Any = bpy.types.WindowManager
    manager.dgtalker_microphone = bpy.props.EnumProperty(
        name="Microphone", description="What Live listens to", items=_listed, options={"SKIP_SAVE"}
    )


def remove() -> None:
    for live in list(_running):  # Blender ends an operator of an extension that is disabled without a word
        live.cancel(bpy.context)
    manager: Any = bpy.types.WindowManager
    del manager.dgtalker_microphone


CLASSES = (Live, StopLive, FindMicrophones)
