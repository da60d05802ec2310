"""Waiting until a head that has been made can be added: meanwhile the animator may be in another mode, or scene."""

from __future__ import annotations

from collections.abc import Callable

import bpy

from dgtalker_engine.errors import DGTalkerError

from ..head import add


class Arrival:
    """Done once a head can be added to the scene that asked for it; a `bridge.modal.Waiting`.

    Args:
        context: of the operator.
        scene: finds that scene, or raises DGTalkerError where it is gone.
        name: of who is to be added.
    """

    def __init__(self, context: bpy.types.Context, scene: Callable[[], bpy.types.Scene], name: str) -> None:
        self._context, self._scene = context, scene
        self._name = name
        self.progress: tuple[float, str] = (1.0, "")

    def _reason(self) -> str:
        scene = self._scene()
        if self._context.scene != scene:
            return f"Go back to the scene {scene.name}."
        if bpy.app.is_job_running("RENDER"):
            return "A picture is being rendered."
        return add.disabled_reason(self._context)

    @property
    def done(self) -> bool:
        reason = self._reason()
        self.progress = 1.0, f"{self._name} is ready. {reason}"
        return not reason

    def wait(self) -> None:
        """For scripts, during which nothing changes: raises DGTalkerError where no head can be added."""
        reason = self._reason()
        if reason:
            raise DGTalkerError(reason)

    def cancel(self) -> None:
        """Gives up, of which nothing is left."""
