"""The buttons of speech."""

from __future__ import annotations

from collections.abc import Iterator

import bpy

from .. import ui
from ..bridge.engine import Pending
from ..bridge.modal import EngineOperator
from ..head import model
from . import animation, keys, strips


class Animate(EngineOperator, bpy.types.Operator):
    """Let every head speak its sound strips, facing as it does now. Replaces what was generated; your keys stay"""

    bl_idname = "dgtalker.animate"
    bl_label = "Animate"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        scene = strips.timeline(context)
        if not any(strips.sound_strips(scene)):
            return "There are no sound strips: add one in the Video Sequencer."
        if not strips.speakers(scene):
            return "No sound strip has a speaker: choose a head beside a strip."
        heads = strips.speakers(scene, heard_only=True)
        if not heads:
            return "No strip with a speaker is heard: they are muted, or end before frame 0."
        return animation.disabled_reason(context, heads)

    def work(self, context: bpy.types.Context) -> Iterator[Pending]:
        heads = strips.speakers(strips.timeline(context), heard_only=True)
        names = [head.name for head in heads]
        notes = yield from animation.animate_steps(context, heads)
        done = f"Animated {', '.join(names)}."
        # The status bar shows the last report only.
        self.report({"WARNING"} if notes else {"INFO"}, " ".join([done, *notes]))


class AssignSpeaker(ui.ExplainedOperator, bpy.types.Operator):
    """Let the only head of the scene speak every sound strip that has no speaker"""

    bl_idname = "dgtalker.assign_speaker"
    bl_label = "Assign Speaker"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        heads = model.heads(context.scene)
        return "" if len(heads) == 1 else "Choose a head beside each strip."

    def execute(self, context: bpy.types.Context) -> set[str]:
        (head,) = model.heads(context.scene)
        for sound in strips.without_speaker(strips.timeline(context)):
            sound.strip.dgtalker.speaker = head
        return {"FINISHED"}


class ClearSpeech(ui.ExplainedOperator, bpy.types.Operator):
    """Remove what was generated for the heads of the scene; your own keys stay"""

    bl_idname = "dgtalker.clear_speech"
    bl_label = "Clear Speech"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        heads = [head for head in model.heads(context.scene) if keys.spoken(head)]
        if not heads:
            return "No head has generated keys."
        return next(filter(None, map(animation.locked_reason, heads)), "")

    def execute(self, context: bpy.types.Context) -> set[str]:
        for head in model.heads(context.scene):
            keys.clear(head)
        return {"FINISHED"}


CLASSES = (Animate, AssignSpeaker, ClearSpeech)
