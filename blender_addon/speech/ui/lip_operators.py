"""The buttons of lip contacts and of the phone track."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Sequence
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError

from ... import ui
from ...bridge.modal import EngineOperator
from ...properties import speaker_properties
from ..keys import keyframes, visibility
from ..lips import contacts
from ..stepwise import finished
from ..takes import live, retarget, wanted, words
from ..timeline import marker_names, markers, strips
from ..timeline.timing import Clock
from . import steps


def no_take_reason(context: bpy.types.Context) -> str:
    """Why there is no take of what is said; empty when there is one."""
    if not strips.animated(strips.timeline(context)):
        return "Nothing was animated yet: press Animate first."
    return ""


class TakeOperator(ui.ExplainedOperator):
    """Mixin of operators that need takes."""

    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        reason = no_take_reason(context)
        heads = strips.animated(strips.timeline(context))
        return reason or next(filter(None, map(retarget.stale_reason, heads)), "")


class CheckLips(TakeOperator, EngineOperator, bpy.types.Operator):
    """Find where the lips stay apart at P, B and M in the final motion, your own keys included, and mark it"""

    bl_idname = "dgtalker.check_lips"
    bl_label = "Check P, B, M"

    def work(self, context: bpy.types.Context) -> Generator[Any, None, None]:
        live.catch_up()
        timeline = strips.remembered(strips.timeline(context))
        clock = strips.clock(timeline())
        named: list[tuple[int, str]] = []
        count = 0
        names = [head.name for head in strips.animated(timeline())]
        for i, name in enumerate(names):
            head, take, first, directions = _take(timeline(), name)
            checking = contacts.check_steps(head, take, first, directions)
            misses = yield from steps.shown(checking, "Looking at the lips", i / len(names), (i + 1) / len(names))
            count += len(take.closures)
            named += _marked(misses, clock, name, len(names))
        markers.show(timeline(), "OPEN_LIPS", named)
        if named:
            self.report({"WARNING"}, f"The lips stay apart at {len(named)} of {count} P, B and M.")
        else:
            self.report({"INFO"}, f"The lips close at all {count} P, B and M.")


class CloseLips(TakeOperator, EngineOperator, bpy.types.Operator):
    """Close the lips where they stay apart at P, B and M, by generated keys. Your own keys stay; amounts that you
    change later are mended too"""

    bl_idname = "dgtalker.close_lips"
    bl_label = "Close Lips"

    def work(self, context: bpy.types.Context) -> Generator[Any, None, None]:
        live.catch_up()
        timeline = strips.remembered(strips.timeline(context))
        clock = strips.clock(timeline())
        names = [head.name for head in strips.animated(timeline())]
        named: list[tuple[int, str]] = []
        missed: dict[str, list[contacts.Miss]] = {}
        with contextlib.ExitStack() as stack:
            for i, name in enumerate(names):
                spoken = _take(timeline(), name)
                stack.enter_context(retarget.unmended(spoken[0]))
                looking = contacts.check_steps(*spoken)
                missed[name] = yield from steps.shown(
                    looking, "Looking at the lips", i / len(names), (i + 1) / len(names)
                )
        scene = timeline()
        for name, misses in missed.items():
            spoken = _take(scene, name)
            retarget.close_lips(*spoken, misses)
            left = finished(contacts.check_steps(*spoken))
            named += _marked(left, clock, name, len(names))
        markers.show(scene, "OPEN_LIPS", named)
        if named:
            self.report({"WARNING"}, f"Your own keys or drivers hold the lips apart at {len(named)} P, B and M.")
        else:
            self.report({"INFO"}, "The lips close at every P, B and M.")


class ReleaseLips(ui.ExplainedOperator, bpy.types.Operator):
    """Let lips be apart again where Close Lips closed them"""

    bl_idname = "dgtalker.release_lips"
    bl_label = "Release Lips"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        mended = [head for head in strips.speaking(strips.timeline(context)) if contacts.mended(head)]
        if not mended:
            return "Close Lips keeps no lips closed."
        reasons = (keyframes.locked_reason(head) or visibility.elsewhere_reason(head) for head in mended)
        return next(filter(None, reasons), "")

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = strips.timeline(context)
        try:
            for head in strips.speaking(scene):
                if contacts.mended(head):
                    contacts.release(head)
                    retarget.rewrite_anyway(head, scene)
        except DGTalkerError as error:
            return ui.report(self, error)
        return {"FINISHED"}


class MarkedOperator(ui.ExplainedOperator):
    """Mixin of operators that need marked P, B and M."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        marked = markers.of_kind(strips.timeline(context), "OPEN_LIPS")
        return "" if marked else "No P, B or M is marked: press Check first."


class NextOpenLips(MarkedOperator, bpy.types.Operator):
    """Go to the next P, B or M at which the lips stay apart, and from the last one to the first"""

    bl_idname = "dgtalker.next_open_lips"
    bl_label = "Next"

    def execute(self, context: bpy.types.Context) -> set[str]:
        frames = [marker.frame for marker in markers.of_kind(strips.timeline(context), "OPEN_LIPS")]
        later = [frame for frame in frames if frame > context.scene.frame_current]
        context.scene.frame_set(min(later or frames))
        return {"FINISHED"}


class ClearLipMarkers(MarkedOperator, bpy.types.Operator):
    """Remove the markers of P, B and M; other markers stay"""

    bl_idname = "dgtalker.clear_lip_markers"
    bl_label = "Remove Markers"
    bl_options = {"REGISTER", "UNDO"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        markers.remove(strips.timeline(context), "OPEN_LIPS")
        return {"FINISHED"}


class ShowPhones(ui.ExplainedOperator, bpy.types.Operator):
    """Show what is said as markers on the timeline, or remove these markers again; other markers stay"""

    bl_idname = "dgtalker.show_phones"
    bl_label = "Show Phones"
    bl_options = {"REGISTER", "UNDO"}

    kind: bpy.props.EnumProperty(
        name="Track",
        items=(
            ("PHONES", "Phones", "Each sound of speech, as /AA/"),
            ("VISEMES", "Visemes", "Each shape of the mouth, as [PP]"),
        ),
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        scene = strips.timeline(context)
        shown = any(markers.shown(scene, kind) for kind in ("PHONES", "VISEMES"))
        return "" if shown else no_take_reason(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        scene = strips.timeline(context)
        clock = strips.clock(scene)
        if markers.shown(scene, self.kind):
            markers.remove(scene, self.kind)
            return {"FINISHED"}
        named: list[tuple[int, str]] = []
        heads = strips.animated(scene)
        try:
            for head in heads:
                take, first = words.take_of(head), speaker_properties(head).first
                assert take is not None
                track = marker_names.track(take.phones, self.kind)
                heard = marker_names.at_frames((round(first + clock.frames(time)), name) for time, name in track)
                named += [(frame, marker_names.whose(name, head.name, len(heads))) for frame, name in heard]
        except DGTalkerError as error:
            return ui.report(self, error)
        markers.show(scene, self.kind, marker_names.at_frames(named))
        if not named:
            self.report({"WARNING"}, "No phones were recognised in what was animated.")
        return {"FINISHED"}


def _marked(misses: Sequence[contacts.Miss], clock: Clock, head: str, heads: int) -> list[markers.Named]:
    """A marker for each miss of one of several heads."""
    named = [(miss.frame, marker_names.open_lips(miss.phone, miss.frame, clock)) for miss in misses]
    return [(frame, marker_names.whose(name, head, heads)) for frame, name in named]


def _take(scene: bpy.types.Scene, name: str) -> tuple[bpy.types.Object, Any, int, Any]:
    """A speaker by name (undo may have replaced it), its take, its first frame, and what its strips ask for."""
    head = next((each for each in strips.animated(scene) if each.name == name), None)
    if head is None:
        raise DGTalkerError(f"{name} was removed meanwhile.")
    first = speaker_properties(head).first
    return head, words.take_of(head), first, wanted.directions_of(scene, head, first)


CLASSES = (CheckLips, CloseLips, ReleaseLips, NextOpenLips, ClearLipMarkers, ShowPhones)
