"""The buttons and menu entries of heads."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path

import bpy

from dgtalker_engine.errors import DGTalkerError

from .. import ui
from ..bridge import avatars, engine
from ..bridge.modal import EngineOperator
from . import add, expression_sliders, groups, model, place, sliders


def active(context: bpy.types.Context) -> bpy.types.Object:
    """The active object, for operators whose poll has found it to be a head."""
    assert context.object is not None
    return context.object


class HeadOperator(ui.ExplainedOperator):
    """Mixin of operators that work on the active head."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if model.is_head(context.object) else "Select a Gaussian head first."


class SliderOperator(HeadOperator):
    """Mixin of operators that move or key the active head's sliders."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        reason = super().disabled_reason(context) or model.locked_reason(active(context))
        if not reason and not model.has_controls(context.object):
            reason = f"{active(context).name} has no sliders: nothing moves it."
        return reason


class AddHead(EngineOperator, bpy.types.Operator):
    """Add a talking head made of Gaussians at the 3D cursor"""

    bl_idname = "dgtalker.add_head"
    bl_label = "Add Gaussian Head"
    bl_options = {"REGISTER", "UNDO"}

    builtin: bpy.props.EnumProperty(name="Head", items=add.BUILTIN_HEADS)

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return add.disabled_reason(context)

    def work(self, context: bpy.types.Context) -> Generator[engine.Pending, None, None]:
        location = context.scene.cursor.location.copy()
        pending = avatars.submit_open(builtin=self.builtin)
        yield pending
        welcome(self, context, add.place_head(context, avatars.opened(pending), location=location))


class AddHeadFromFile(EngineOperator, bpy.types.Operator):
    """Add the head of a .dgt file at the 3D cursor; the file is packed into the .blend"""

    bl_idname = "dgtalker.add_head_from_file"
    bl_label = "Add Gaussian Head from File"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return add.disabled_reason(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if not self.filepath:
            return ui.press(ChooseHead)
        return super().invoke(context, event)

    def work(self, context: bpy.types.Context) -> Generator[engine.Pending, None, None]:
        location = context.scene.cursor.location.copy()
        file = avatars.read_file(bpy.path.abspath(self.filepath))
        pending = avatars.submit_open(file)
        yield pending
        avatar = avatars.opened(pending, file, Path(self.filepath).name)
        welcome(self, context, add.place_head(context, avatar, filepath=self.filepath, location=location))


class ChooseHead(bpy.types.Operator):
    """Choose a .dgt file and add its head at the 3D cursor"""

    bl_idname = "dgtalker.choose_head"
    bl_label = "Add Gaussian Head"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default="*.dgt", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        # the file browser calls only execute, which would make the window wait for the engine
        ui.press(AddHeadFromFile, filepath=self.filepath)
        return {"FINISHED"}


class DropHead(bpy.types.FileHandler):
    """A .dgt file dropped into the 3D view becomes a head."""

    bl_idname = "DGTALKER_FH_avatar"
    bl_label = "Gaussian Head"
    bl_import_operator = AddHeadFromFile.bl_idname
    bl_file_extensions = ".dgt"

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        return context.area is not None and context.area.type == "VIEW_3D"


class RestoreControls(HeadOperator, EngineOperator, bpy.types.Operator):
    """Add the shape keys that this head has lost; the others keep their values and animation"""

    bl_idname = "dgtalker.restore_controls"
    bl_label = "Restore Controls"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return super().disabled_reason(context) or model.mesh_locked_reason(active(context))

    def work(self, context: bpy.types.Context) -> Generator[engine.Pending, None, None]:
        name = active(context).name
        image = avatars.avatar_of(active(context))
        file, image_name = avatars.read(image), image.name
        pending = avatars.submit_open(file)
        yield pending
        avatar = avatars.opened(pending, file, image_name)
        head = context.scene.objects.get(name)  # it may be gone: Blender went on while the engine worked
        if not model.is_head(head):
            raise DGTalkerError(f"{name} was removed meanwhile.")
        names = add.restore_from(head, avatar)
        self.report({"INFO"}, f"Restored {', '.join(names)}" if names else "Nothing was missing")


class MakeEditable(HeadOperator, bpy.types.Operator):
    """Give this overridden head a mesh of its own, so that its sliders can be moved, keyed and saved"""

    bl_idname = "dgtalker.make_head_editable"
    bl_label = "Make Sliders Editable"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        reason = super().disabled_reason(context)
        if not reason and active(context).library is not None:
            reason = model.locked_reason(active(context))
        return reason

    def execute(self, context: bpy.types.Context) -> set[str]:
        add.make_editable(active(context))
        return {"FINISHED"}


class AddExpressionSliders(SliderOperator, bpy.types.Operator):
    """Give this head sliders of whole expressions, Smile to Contempt, that add to its own; its animation stays"""

    bl_idname = "dgtalker.add_expression_sliders"
    bl_label = "Add Expression Sliders"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return super().disabled_reason(context) or model.mesh_locked_reason(active(context))

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            names = expression_sliders.add(active(context), model.rig_of(active(context)))
        except DGTalkerError as error:
            return ui.report(self, error)
        self.report({"INFO"}, f"Added {', '.join(names)}" if names else "Nothing was missing")
        return {"FINISHED"}


class ResetSliders(SliderOperator, bpy.types.Operator):
    """Bring these sliders back to rest"""

    bl_idname = "dgtalker.reset_sliders"
    bl_label = "Reset"

    section: bpy.props.EnumProperty(
        name="Section", items=[("ALL", "All", ""), *((name, name, "") for name in groups.GROUPS)]
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            sliders.reset(active(context), "" if self.section == "ALL" else self.section)
        except DGTalkerError as error:
            return ui.report(self, error)
        return {"FINISHED"}


class KeyAll(SliderOperator, bpy.types.Operator):
    """Insert a key on every slider and on the head's rotation at the current frame"""

    bl_idname = "dgtalker.key_all"
    bl_label = "Key All"

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            count, left = sliders.key_all(active(context), context.scene.frame_current_final)
        except DGTalkerError as error:
            return ui.report(self, error)
        if left:
            names = ", ".join(left[:3]) + (f" and {len(left) - 3} more" if len(left) > 3 else "")
            text = f"Keyed {count} sliders, but not {names}: unlock their curves, or make their action local."
            self.report({"WARNING"}, text)
        else:
            self.report({"INFO"}, f"Keyed {count} sliders and the head's rotation")
        return {"FINISHED"}


class MirrorSliders(SliderOperator, bpy.types.Operator):
    """Mirror the face, or copy one of its sides to the other"""

    bl_idname = "dgtalker.mirror_sliders"
    bl_label = "Mirror"

    mode: bpy.props.EnumProperty(
        name="Mode",
        items=(
            ("SWAP", "Mirror", "Exchange the sides, and turn the head the other way"),
            ("LEFT_TO_RIGHT", "Copy Left to Right", "The right side does what the face's left side does"),
            ("RIGHT_TO_LEFT", "Copy Right to Left", "The left side does what the face's right side does"),
        ),
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            sliders.mirror(active(context), self.mode)
        except DGTalkerError as error:
            return ui.report(self, error)
        return {"FINISHED"}


def welcome(operator: bpy.types.Operator, context: bpy.types.Context, head: bpy.types.Object) -> None:
    """Sees to it that a new head is seen, and says whose face it is."""
    solid = place.move_out(context, head)
    place.show(context, head)
    unknown = model.consent_of(head)["status"] == "unknown"
    moved = [f"It stands in front of {solid}, which would hide it"] if solid else []
    sentences = [head.name, *moved, *add.consent_lines(head)]
    operator.report({"WARNING"} if unknown else {"INFO"}, f"{'. '.join(sentences)}.")


CLASSES: tuple[type, ...] = (
    AddHead,
    AddHeadFromFile,
    ChooseHead,
    DropHead,
    RestoreControls,
    MakeEditable,
    AddExpressionSliders,
    ResetSliders,
    KeyAll,
    MirrorSliders,
)
