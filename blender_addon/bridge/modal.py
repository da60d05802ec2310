"""Operators that wait for the engine: synchronous for scripts, with progress and ESC in a window."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, Protocol

import bpy

from dgtalker_engine.errors import Cancelled, DGTalkerError

from .. import ui


class Waiting(Protocol):
    """What an operator waits for: a request of the engine's (`engine.Pending`), or something in Blender."""

    @property
    def progress(self) -> tuple[float, str]: ...

    @property
    def done(self) -> bool: ...

    def wait(self) -> Any: ...

    def cancel(self) -> None: ...


class EngineOperator(ui.ExplainedOperator):
    """Mixin of operators whose work is a generator of requests.

    `work` prepares a request, yields it as a `Pending` (or another `Waiting`), and goes on with `pending.result()` once
    it is done. It changes Blender's data only after its last yield, so that a cancelled or failed operator leaves
    everything as it was; what it must clean up stands in a `finally`.
    """

    def work(self, context: bpy.types.Context) -> Generator[Waiting, None, None]:
        raise NotImplementedError

    def _safe_work(self, context: bpy.types.Context) -> Generator[Waiting, None, None]:
        """`work`, where undo, or a script, may remove what it works on while it waits."""
        try:
            yield from self.work(context)
        except ReferenceError as error:
            raise DGTalkerError(f"{self.bl_label}: what it works on was changed meanwhile.", "Do it again.") from error

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            for pending in self._safe_work(context):
                pending.wait()
        except DGTalkerError as error:
            return ui.report(self, error)
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if bpy.app.background or context.window is None:
            return self.execute(context)
        self._steps = self._safe_work(context)
        self._pending: Waiting | None = None
        manager = context.window_manager
        self._timer = manager.event_timer_add(0.05, window=context.window)
        manager.progress_begin(0.0, 1.0)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.type == "ESC" and event.value == "PRESS":
            self._end(context)
            return ui.report(self, Cancelled())
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        try:
            if self._pending is None or (self._pending.done and not ui.is_dragging()):
                self._pending = next(self._steps)
        except StopIteration:
            self._end(context)
            return {"FINISHED"}
        except DGTalkerError as error:
            self._end(context)
            return ui.report(self, error)
        except BaseException:  # a fault of ours: Blender shows it, and the window must not stay busy for ever
            self._end(context)
            raise
        fraction, text = self._pending.progress
        context.window_manager.progress_update(fraction)
        self._say(context, f"{self.bl_label}: {text} {fraction:.0%}   (ESC cancels)")
        return {"RUNNING_MODAL"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender calls this when it ends a running operator itself: its window closes, another file is opened."""
        self._end(context)

    def _end(self, context: bpy.types.Context) -> None:
        if self._pending is not None and not self._pending.done:
            self._pending.cancel()
        self._steps.close()
        context.window_manager.event_timer_remove(self._timer)
        context.window_manager.progress_end()
        self._say(context, None)

    @staticmethod
    def _say(context: bpy.types.Context, text: str | None) -> None:
        if context.workspace is not None:  # None while Blender closes the window
            context.workspace.status_text_set(text)
