"""The buttons of generated keys: what was edited by hand, locks, baking, and what hides them."""

from __future__ import annotations

from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError

from ... import ui
from ..keys import keyframes, visibility
from ..takes import retarget
from .exchange_operators import TargetOperator, target


class KeysOperator(TargetOperator):
    """Mixin of operators on the generated keys of the selected speaker."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        head = target(context)
        if head is None:
            return super().disabled_reason(context)
        if not keyframes.spoken(head):
            return f"{head.name} has no generated keys."
        return keyframes.locked_reason(head)


class GoToEdit(TargetOperator, bpy.types.Operator):
    """Go to these frames"""

    bl_idname = "dgtalker.go_to_edit"
    bl_label = "Go to Edit"

    frame: bpy.props.IntProperty(options={"SKIP_SAVE"})

    def execute(self, context: bpy.types.Context) -> set[str]:
        context.scene.frame_set(self.frame)
        return {"FINISHED"}


class DiscardEdit(KeysOperator, bpy.types.Operator):
    """Bring generated keys back here: edits go, a lock comes off, keys from before are put away until Clear Speech"""

    bl_idname = "dgtalker.discard_edit"
    bl_label = "Give Back to Speech"

    edit: bpy.props.StringProperty(
        name="Edit", description="As the panel lists it; empty for all of a kind", options={"SKIP_SAVE"}
    )
    kind: bpy.props.EnumProperty(
        name="Kind",
        items=(("EDITED", "Edits", ""), ("LOCKED", "Locks", ""), ("OWN", "Keys from Before", "")),
        options={"SKIP_SAVE"},
    )

    def execute(self, context: bpy.types.Context) -> set[str]:
        head = target(context)
        assert head is not None
        try:
            every = keyframes.edits(head)
            chosen = [edit for edit in every if (edit.text == self.edit if self.edit else edit.kept.kind == self.kind)]
            if not chosen:
                self.report({"WARNING"}, f"{head.name} has none of this.")
                return {"CANCELLED"}
            notes = keyframes.release(head, chosen)
            if not retarget.stale_reason(head) and retarget.follows(head):
                notes += retarget.rewrite(head)
        except DGTalkerError as error:
            return ui.report(self, error)
        if notes:
            self.report({"WARNING"}, " ".join(notes))
        return {"FINISHED"}


class LockKeys(KeysOperator, bpy.types.Operator):
    """Let the generated keys of a range stay as they are, whatever is animated anew"""

    bl_idname = "dgtalker.lock_keys"
    bl_label = "Lock Range"

    first: bpy.props.IntProperty(name="First Frame", options={"SKIP_SAVE"})
    last: bpy.props.IntProperty(name="Last Frame", options={"SKIP_SAVE"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        scene = context.scene
        self.first = scene.frame_preview_start if scene.use_preview_range else scene.frame_current
        self.last = scene.frame_preview_end if scene.use_preview_range else scene.frame_current
        return context.window_manager.invoke_props_dialog(self)

    def execute(self, context: bpy.types.Context) -> set[str]:
        head = target(context)
        assert head is not None
        notes: list[str] = []
        try:
            count = keyframes.lock(head, self.first, self.last, notes)
        except DGTalkerError as error:
            return ui.report(self, error)
        if not count:
            none = f"{head.name} has no generated keys from {self.first} to {self.last}."
            self.report({"WARNING"}, " ".join([none, *notes]))
            return {"CANCELLED"}
        if notes:
            self.report({"WARNING"}, " ".join(notes))
        return {"FINISHED"}


class BakeKeys(KeysOperator, bpy.types.Operator):
    """Make all keys your own: sliders of the speech change them no longer"""

    bl_idname = "dgtalker.bake_keys"
    bl_label = "Bake"

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        head = target(context)
        return "" if head and keyframes.spoken(head) else super().disabled_reason(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        head = target(context)
        assert head is not None
        notes = keyframes.bake(head)
        retarget.forget(head)
        self.report({"WARNING" if notes else "INFO"}, " ".join([f"The keys of {head.name} are your own now.", *notes]))
        return {"FINISHED"}


class ShowSpeech(KeysOperator, bpy.types.Operator):
    """Undo what keeps the speech from being seen"""

    bl_idname = "dgtalker.show_speech"
    bl_label = "Show Speech"

    def execute(self, context: bpy.types.Context) -> set[str]:
        head = target(context)
        assert head is not None
        try:
            for each in visibility.hindrances(head):
                if each.mend is not None:
                    each.mend()
            left = [each.text for each in visibility.hindrances(head)]
        except DGTalkerError as error:
            return ui.report(self, error)
        for owner in keyframes.owners(head):
            visibility.evaluate_again(owner)
        if left:
            self.report({"WARNING"}, " ".join(left))
        return {"FINISHED"}


CLASSES = (GoToEdit, DiscardEdit, LockKeys, BakeKeys, ShowSpeech)
