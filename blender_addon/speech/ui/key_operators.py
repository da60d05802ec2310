"""The buttons of generated keys: what was edited by hand, locks, baking, and what hides them."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError

from ... import ui
from ...bridge.modal import EngineOperator, Waiting
from ...properties import strip_properties
from .. import animation
from ..keys import keyframes, labels, punch_in, visibility
from ..takes import live, retarget, storage, used_takes
from ..timeline import strips
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
            chosen = labels.chosen(every, self.edit) if self.edit else [e for e in every if e.kept.kind == self.kind]
            if not chosen:
                self.report({"WARNING"}, f"{head.name} has none of this.")
                return {"CANCELLED"}
            notes = keyframes.release(head, chosen)
            scene = storage.scene_of(head)
            for edit in labels.summed(chosen):
                if scene is not None and edit.kept.kind == "LOCKED":
                    used_takes.cut(scene, head, edit.kept.start, edit.kept.end)
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
        live.catch_up()
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


def asked_range(context: bpy.types.Context, head: bpy.types.Object) -> tuple[int, int]:
    """The frames that a range begins with: the preview range, selected keys of a speaker, or a second from here on."""
    scene = context.scene
    if scene.use_preview_range:
        return scene.frame_preview_start, scene.frame_preview_end
    here = (scene.frame_current, scene.frame_current + round(strips.clock(scene).rate))
    return punch_in.selected_span(head) or here


class AnimateRange(KeysOperator, EngineOperator, bpy.types.Operator):
    """Make the keys of some frames anew, with other blinks, looks, brows and head motion. What lies outside and what
    you edited stays, and the range is locked from then on. Begin with the preview range, or with selected keys"""

    bl_idname = "dgtalker.animate_range"
    bl_label = "Animate Range"
    bl_options = {"REGISTER", "UNDO"}

    first: bpy.props.IntProperty(name="First Frame", options={"SKIP_SAVE"})
    last: bpy.props.IntProperty(name="Last Frame", options={"SKIP_SAVE"})
    seed: bpy.props.IntProperty(
        name="Take",
        description="Another number gives other blinks, looks, brows and head motion; that of the strip those that are "
        "there already",
        default=1,
        min=0,
        max=9999,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        reason = super().disabled_reason(context)
        head = target(context)
        if reason or head is None:
            return reason
        scene = storage.scene_of(head)
        if scene is None or not retarget.follows(head):
            return f"{head.name} speaks no strip."
        return retarget.stale_reason(head) or animation.disabled_reason(context, [head])

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[Any]:
        head = target(context)
        assert head is not None
        self.first, self.last = asked_range(context, head)
        seeds = [strip_properties(sound.strip).seed for sound in strips.audible_of(strips.timeline(context), head)]
        self.seed = max(seeds, default=0)
        timeline = storage.scene_of(head)
        if timeline is not None and storage.is_up_to_date(timeline, head):
            self.seed += 1
            return context.window_manager.invoke_props_dialog(self, confirm_text="Animate")
        return super().invoke(context, event)  # the engine is asked: with progress, which a dialog cannot go on to

    def work(self, context: bpy.types.Context) -> Generator[Waiting, None, None]:
        head = target(context)
        assert head is not None
        live.catch_up()
        spoken = keyframes.span(head)
        if self.last < self.first or self.last < spoken.start or self.first >= spoken.stop:
            raise DGTalkerError(
                f"{head.name} has no generated keys from {self.first} to {self.last}.",
                f"Give frames of {spoken.start} to {spoken.stop - 1}.",
            )
        punch, scene = punch_in.Punch(self.first, self.last, self.seed), storage.scene_of(head)
        notes = yield from animation.animate_steps(context, [head], punch)
        if scene is not None:
            used_takes.cut(scene, head, self.first, self.last)
        self.report({"WARNING"} if notes else {"INFO"}, " ".join([f"Animated {self.first} to {self.last}.", *notes]))


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
        live.catch_up()
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


CLASSES = (GoToEdit, DiscardEdit, LockKeys, AnimateRange, BakeKeys, ShowSpeech)
