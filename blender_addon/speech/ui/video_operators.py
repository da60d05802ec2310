"""An actor's face from a video onto a head."""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import Performance

from ... import ui
from ...bridge import engine
from ...bridge.modal import EngineOperator
from ..exchange import performances
from ..keys import keyframes
from ..timeline import speakers, strips
from .exchange_operators import TargetOperator, target


class VideoOperator(TargetOperator):
    """Mixin of operators that take a video onto a speaker."""

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        head = target(context)
        return super().disabled_reason(context) if head is None else keyframes.locked_reason(head)


class PerformanceFromVideo(VideoOperator, EngineOperator, bpy.types.Operator):
    """Let the selected head or ARKit mesh do what an actor's face does in a video. Your keys stay, and what is spoken
    before and after it"""

    bl_idname = "dgtalker.performance_from_video"
    bl_label = "Performance from Video"
    bl_options = {"REGISTER", "UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    first: bpy.props.IntProperty(name="Start Frame", default=1, options={"SKIP_SAVE"})
    add_sound: bpy.props.BoolProperty(name="Add Video's Sound", default=True)

    def work(self, context: bpy.types.Context) -> Generator[Any, None, None]:
        head = target(context)
        assert head is not None
        number, name, timeline = head.session_uid, head.name, strips.remembered(strips.timeline(context))
        path = Path(bpy.path.abspath(self.filepath))
        pending = engine.submit("capture_performance", {"path": str(path)})
        yield pending
        reply = pending.result()
        head = next((ob for ob in bpy.data.objects if ob.session_uid == number and speakers.is_speaker(ob)), None)
        if head is None:
            raise DGTalkerError(f"{name} was deleted while the video was looked at.")
        scene = timeline()
        performance = Performance.from_json(bytes(reply.body))
        notes = [*reply.header["notes"], *performances.apply(head, performance, scene, self.first)]
        if self.add_sound and reply.header["has_sound"]:
            begins = strips.clock(scene).frames(reply.header["sound_begins"])
            add_sound(scene, path, self.first + round(begins))
        blinks = len(reply.header["blinks"])
        seconds = performance.frames / performance.fps
        done = f"{head.name} does {seconds:.1f} s of {path.name} from frame {self.first} on, {blinks} blinks in it."
        self.report({"WARNING"} if notes else {"INFO"}, " ".join([done, *notes]))


class ChooseActorVideo(VideoOperator, bpy.types.Operator):
    """Choose a video of an actor, and let the selected head or ARKit mesh do what the face in it does. Your keys stay,
    and what is spoken before and after it"""

    bl_idname = "dgtalker.choose_actor_video"
    bl_label = "Performance from Video"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default=ui.VIDEO_FILES, options={"HIDDEN"})
    first: bpy.props.IntProperty(
        name="Start Frame", description="Where the video begins", default=1, options={"SKIP_SAVE"}
    )
    add_sound: bpy.props.BoolProperty(
        name="Add Video's Sound", description="Put the video's sound beside it into the Video Sequencer", default=True
    )

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        self.first = context.scene.frame_current
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        # The file browser calls only execute, which would make the window wait.
        ui.press(PerformanceFromVideo, filepath=self.filepath, first=self.first, add_sound=self.add_sound)
        return {"FINISHED"}


class RemoveRecording(VideoOperator, bpy.types.Operator):
    """Remove the imported performance of the selected head or ARKit mesh. Your keys stay, and what it speaks"""

    bl_idname = "dgtalker.remove_recording"
    bl_label = "Remove Performance"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        head = target(context)
        if head is not None and not performances.imported(head):
            return f"{head.name} plays no imported performance."
        return super().disabled_reason(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        head = target(context)
        assert head is not None
        try:
            notes = performances.remove(head, strips.timeline(context))
        except DGTalkerError as error:
            return ui.report(self, error)
        if notes:
            self.report({"WARNING"}, " ".join(notes))
        return {"FINISHED"}


def add_sound(scene: bpy.types.Scene, path: Path, first: int) -> bpy.types.Strip:
    """A strip of a video's sound from frame `first` on, on a channel above all others. Nobody speaks it yet."""
    editor = scene.sequence_editor or scene.sequence_editor_create()
    every: Any = editor.strips
    channel = 1 + max((strip.channel for strip in every), default=0)
    return every.new_sound(path.stem, str(path), channel, first)


def draw_import(menu: Any, context: bpy.types.Context) -> None:
    menu.layout.operator(ChooseActorVideo.bl_idname, text="Performance from Video (Gaussian head, ARKit mesh)")


def add() -> None:
    menu: Any = bpy.types.TOPBAR_MT_file_import
    menu.append(draw_import)


def remove() -> None:
    menu: Any = bpy.types.TOPBAR_MT_file_import
    menu.remove(draw_import)


CLASSES = (PerformanceFromVideo, ChooseActorVideo, RemoveRecording)
