"""The command that renders the heads' animation, and those that look at what came out."""

from __future__ import annotations

from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError

from ... import ui
from . import job, plan


class RenderHeadAnimation(ui.ExplainedOperator, bpy.types.Operator):
    """Render all frames of the heads to the output path, many times as fast as Ctrl-F12. Files that already are what
    would be rendered are kept"""

    bl_idname = "dgtalker.render_head_animation"
    bl_label = "Head Animation"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return plan.disabled_reason(context.scene)

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            begun = self._begin(context)
            try:
                bpy.ops.render.render(scene=context.scene.name)
            except RuntimeError as error:  # Blender's, of what the job has reported
                raise begun.error or DGTalkerError(f"Blender did not render: {error}") from error
            if begun.error is not None:
                raise begun.error
            if not begun.done:
                raise DGTalkerError("Blender did not render the scene.", "See its messages in the terminal.")
        except DGTalkerError as error:
            return ui.report(self, error)
        finally:
            job.end()
        self.report({"INFO"}, begun.note)
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if bpy.app.background or context.window is None:
            return self.execute(context)
        is_running = False
        try:
            self._begin(context)
            try:
                is_running = "RUNNING_MODAL" in bpy.ops.render.render("INVOKE_DEFAULT", scene=context.scene.name)
            except RuntimeError as error:
                raise DGTalkerError(f"Blender did not render: {error}") from error
        except DGTalkerError as error:
            return ui.report(self, error)
        finally:
            if not is_running:  # otherwise the scene's next F12 would be the job
                job.end()
        return {"FINISHED"} if is_running else {"CANCELLED"}

    @staticmethod
    def _begin(context: bpy.types.Context) -> job.Job:
        begun = job.Job(plan.make(context.scene))
        job.current = begun
        return begun


CLASSES: tuple[type, ...] = (RenderHeadAnimation,)


def draw_menu(menu: Any, context: bpy.types.Context) -> None:
    menu.layout.operator(RenderHeadAnimation.bl_idname, icon="RENDER_ANIMATION")
    menu.layout.separator()
