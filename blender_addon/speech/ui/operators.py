"""The buttons of speech."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError

from ... import ui
from ...bridge.modal import EngineOperator, Waiting
from ...properties import strip_properties
from .. import animation
from ..keys import keyframes
from ..takes import listeners, live, retarget, storage
from ..timeline import marker_names, markers, settings, speakers, strips


class AnimateOperator(EngineOperator):
    """Mixin of operators that let heads speak their strips."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def heads(cls, context: bpy.types.Context) -> list[bpy.types.Object]:
        """Who is to speak."""
        raise NotImplementedError

    def work(self, context: bpy.types.Context) -> Generator[Waiting, None, None]:
        heads = self.heads(context)
        names = [head.name for head in heads]
        notes = yield from animation.animate_steps(context, heads)
        done = f"Animated {', '.join(names)}."
        silent = [head.name for head in listeners.without_a_line(strips.timeline(context)) if keyframes.spoken(head)]
        done += f" {', '.join(silent)} listen{'s' if len(silent) == 1 else ''}." if silent else ""
        # The status bar shows the last report only.
        self.report({"WARNING"} if notes else {"INFO"}, " ".join([done, *notes]))


class Animate(AnimateOperator, bpy.types.Operator):
    """Let every head speak its sound strips, over its pose, facing as it does now. Generated keys are made anew; yours
    and what you edited stay. Only what was changed is listened to again"""

    bl_idname = "dgtalker.animate"
    bl_label = "Animate"

    @classmethod
    def heads(cls, context: bpy.types.Context) -> list[bpy.types.Object]:
        return strips.speaking(strips.timeline(context), audible_only=True)

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        scene = strips.timeline(context)
        if not any(strips.sound_strips(scene)):
            return "There are no sound strips: press Add Sound."
        if not strips.speaking(scene):
            return "No sound strip has a speaker: choose a head beside a strip."
        heads = strips.speaking(scene, audible_only=True)
        if not heads:
            return "No strip with a speaker is heard: they are muted, or end before frame 0."
        return animation.disabled_reason(context, heads)


class AnimateHead(AnimateOperator, bpy.types.Operator):
    """Let only the head that speaks the active strip, or the selected one, speak its strips; the others stay as they
    are"""

    bl_idname = "dgtalker.animate_head"
    bl_label = "Animate This Head"

    @classmethod
    def heads(cls, context: bpy.types.Context) -> list[bpy.types.Object]:
        head = shown_speaker(context)
        return [head] if head is not None else []

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        heads = cls.heads(context)
        if not heads:
            return "Choose a strip that a head speaks, or select a head."
        if not strips.audible_of(strips.timeline(context), heads[0]):
            return f"No strip of {heads[0].name} is heard: it has none, or they are muted."
        return animation.disabled_reason(context, heads)


class AssignSpeaker(ui.ExplainedOperator, bpy.types.Operator):
    """Let the only head of the scene speak every sound strip that has no speaker"""

    bl_idname = "dgtalker.assign_speaker"
    bl_label = "Assign Speaker"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if len(speakers.in_scene(context.scene)) == 1 else "Choose a head beside each strip."

    def execute(self, context: bpy.types.Context) -> set[str]:
        (head,) = speakers.in_scene(context.scene)
        for strip in strips.without_speaker(strips.timeline(context)):
            strip_properties(strip).speaker = head
        return {"FINISHED"}


class ClearSpeech(ui.ExplainedOperator, bpy.types.Operator):
    """Remove what was generated for the heads of the scene; your own keys and edits stay, and your pose comes back"""

    bl_idname = "dgtalker.clear_speech"
    bl_label = "Clear Speech"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        heads = spoken(context.scene)
        if not heads:
            return "No head has generated keys."
        reasons = [keyframes.locked_reason(head) for head in heads]
        return reasons[0] if all(reasons) else ""

    def execute(self, context: bpy.types.Context) -> set[str]:
        locked = {head: reason for head in spoken(context.scene) if (reason := keyframes.locked_reason(head))}
        heads = [head for head in spoken(context.scene) if head not in locked]
        notes = [f"The speech of {head.name} stays. {reason}" for head, reason in locked.items()]
        copies = {head: original for head in heads if (original := storage.original_of(head))}
        going = [head for head in heads if head not in copies]
        if going:
            notes += [f"{copy.name}, a copy of {one.name}, keeps its keys." for copy, one in copies.items()]
            notes += ["Clear Speech once more removes those of copies, too."] if copies else []
        try:
            for head in going or heads:
                notes += keyframes.clear(head)
                retarget.forget(head)
        except DGTalkerError as error:
            return ui.report(self, error)
        for kind in marker_names.KINDS:
            markers.remove(strips.timeline(context), kind)
        if notes:
            self.report({"WARNING"}, " ".join(notes))
        return {"FINISHED"}


class ResetStrip(ui.ExplainedOperator, bpy.types.Operator):
    """Bring these settings of the active strip back to their defaults"""

    bl_idname = "dgtalker.reset_strip"
    bl_label = "Reset"
    bl_options = {"REGISTER", "UNDO"}

    section: bpy.props.EnumProperty(
        name="Section", items=[("all", "All", ""), *((name, name.capitalize(), "") for name in settings.SECTIONS)]
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return "" if strips.active(context) else "Choose a sound strip in the list first."

    def execute(self, context: bpy.types.Context) -> set[str]:
        strip = strips.active(context)
        for name in settings.ALL if self.section == "all" else settings.SECTIONS[self.section]:
            strip_properties(strip).property_unset(name)
        head = strips.speaker(strip)
        if head:
            live.follow(head)
        return {"FINISHED"}


class UpdateKeys(ui.ExplainedOperator, bpy.types.Operator):
    """Write the keys anew as strips lie and are set now, without listening again; your own keys stay with their line"""

    bl_idname = "dgtalker.update_keys"
    bl_label = "Update Keys"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        heads = strips.animated(strips.timeline(context))
        if not heads:
            return "Nothing was animated yet: press Animate first."
        return next(filter(None, map(retarget.rewrite_reason, heads)), "")

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = strips.timeline(context)
        heads = strips.animated(scene)
        try:
            notes = [note for head in heads for note in retarget.rewrite(head)]
            notes += retarget.update([*heads, *listeners.without_a_line(scene)])
        except DGTalkerError as error:
            return ui.report(self, error)
        if notes:
            self.report({"WARNING"}, " ".join(notes))
        return {"FINISHED"}


def offer_update(layout: Any, head: bpy.types.Object, reason: str) -> None:
    """Update Keys, where nothing but that is needed; `reason` is why a speaker's keys are out of date."""
    if reason == retarget.MOVED_ONLY.format(head.name):
        layout.operator(UpdateKeys.bl_idname, icon="FILE_REFRESH")


def shown_speaker(context: bpy.types.Context) -> bpy.types.Object | None:
    """The speaker of the active strip, or else the selected one."""
    strip = strips.active(context)
    found = strips.speaker(strip) if strip else None
    return found or (context.object if speakers.is_speaker(context.object) else None)


def spoken(scene: bpy.types.Scene) -> list[bpy.types.Object]:
    """The speakers of a scene with generated keys."""
    return [ob for ob in scene.objects if speakers.is_speaker(ob) and keyframes.spoken(ob)]


CLASSES = (Animate, AnimateHead, AssignSpeaker, ClearSpeech, ResetStrip, UpdateKeys)
