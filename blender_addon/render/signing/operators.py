"""Signing files that are there: a still that was saved by hand, a film that was cut from pictures."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire import SignRequest
from dgtalker_engine.wire.signing import MEDIA_TYPES

from ... import ui
from ...bridge import engine as bridge
from ...bridge.modal import EngineOperator
from . import settings


def _composite() -> Any:
    return bpy.props.BoolProperty(
        name="Composite",
        description="The files show more than trained heads: what another engine rendered, or a recording",
    )


class SignFiles(EngineOperator, bpy.types.Operator):
    """Sign pictures or films of this scene's heads with Content Credentials (C2PA)"""

    bl_idname = "dgtalker.sign_files"
    bl_label = "Sign Files"

    directory: bpy.props.StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE"})
    files: bpy.props.CollectionProperty(type=bpy.types.OperatorFileListElement, options={"SKIP_SAVE"})
    composite: _composite()

    def work(self, context: bpy.types.Context) -> Generator[Any, None, None]:
        files = tuple(str(Path(self.directory) / each.name) for each in self.files if each.name)
        if not files:
            raise DGTalkerError("No file was chosen.", "Choose pictures or films.")
        request = SignRequest(
            files=files,
            credential=settings.credential(),
            composite=self.composite,
            avatars=settings.avatars(context.scene),
        )
        for each in (replace(request, files=()), request):  # the credential is proven first
            pending = bridge.submit("sign_files", each.to_header())
            yield pending
            pending.result()
        self.report({"INFO"}, f"{len(files)} files signed")


class ChooseFilesToSign(ui.ExplainedOperator, bpy.types.Operator):
    """Choose pictures or films of this scene's heads, and sign them with Content Credentials (C2PA)"""

    bl_idname = "dgtalker.choose_files_to_sign"
    bl_label = "Sign Files"

    directory: bpy.props.StringProperty(subtype="DIR_PATH", options={"SKIP_SAVE"})
    files: bpy.props.CollectionProperty(type=bpy.types.OperatorFileListElement, options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(
        default=";".join(f"*{ending}" for ending in MEDIA_TYPES), options={"HIDDEN", "SKIP_SAVE"}
    )
    composite: _composite()

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if settings.avatars(context.scene) else "There is no Gaussian head in the scene."

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self.composite = settings.is_composite(context.scene)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        # The file browser calls only execute, which would make the window wait.
        names = [{"name": each.name} for each in self.files]
        ui.press(SignFiles, directory=self.directory, files=names, composite=self.composite)
        return {"FINISHED"}


def draw_menu(menu: Any, context: bpy.types.Context) -> None:
    menu.layout.separator()
    menu.layout.operator(ChooseFilesToSign.bl_idname, text="Sign Files…")


CLASSES: tuple[type, ...] = (SignFiles, ChooseFilesToSign)
