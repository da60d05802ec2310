"""The buttons of heads from videos."""

from __future__ import annotations

from pathlib import Path

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire import jobs
from dgtalker_engine.wire.jobs import Job, State
from dgtalker_engine.wire.jobs.folder import LOG

from .. import ui
from ..bridge import engine
from ..install.environment import check_capture
from . import awaited, form, request, watch


def _ask_to_overwrite(
    operator: bpy.types.Operator, context: bpy.types.Context, event: bpy.types.Event, path: Path, ending: str
) -> set[str]:
    """Asks before `operator` is executed; `ending` follows the file's folder in the sentence."""
    return context.window_manager.invoke_confirm(
        operator,
        event,
        title=f"Overwrite {path.name}?",
        message=f"It is in {path.parent}{ending}",
        confirm_text="Overwrite",
        icon="WARNING",
    )


class ChooseVideo(bpy.types.Operator):
    """Make a head from a video of somebody who talks into the camera"""

    bl_idname = "dgtalker.choose_video"
    bl_label = "Choose Video"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default=f"{ui.VIDEO_FILES};{request.CLIP_DOCUMENT}", options={"HIDDEN"})

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        form.properties(context).video = self.filepath
        ui.open_tab(context)
        return {"FINISHED"}


class TrainHead(ui.ExplainedOperator, bpy.types.Operator):
    """Make the head. This goes on by itself, also when Blender is closed"""

    bl_idname = "dgtalker.train_head"
    bl_label = "Make Head"
    bl_options = {"UNDO"}  # that the scene waits for the head is kept in it: the next step that is undone leaves it

    overwrite: bpy.props.BoolProperty(
        name="Overwrite", description="Replace a file of this name", options={"SKIP_SAVE"}
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        return form.disabled_reason(context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        path = form.output(context)
        if not path.exists():
            return self.execute(context)
        self.overwrite = True  # which is what the user will have agreed to
        return _ask_to_overwrite(self, context, event, path, ", and will be replaced once the new head is done.")

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            job = form.start(context, overwrite=self.overwrite)
        except DGTalkerError as error:
            return ui.report(self, error)
        self.report({"INFO"}, f"{Path(job.request.output).stem} is being made. You can go on, or close Blender.")
        return {"FINISHED"}


class ClearVideo(bpy.types.Operator):
    """Forget this video and what was written about it"""

    bl_idname = "dgtalker.clear_video"
    bl_label = "Clear"

    def execute(self, context: bpy.types.Context) -> set[str]:
        form.clear(context)
        return {"FINISHED"}


class JobOperator(ui.OperatorMixin):
    """Mixin of operators that do something with one job."""

    job: bpy.props.StringProperty(name="Job", description="The name of its folder", options={"HIDDEN", "SKIP_SAVE"})

    def act(self, context: bpy.types.Context, job: Job) -> None:
        """Raises DGTalkerError where that cannot be done."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        try:
            self.act(context, watch.find_job(self.job))
        except DGTalkerError as error:
            return ui.report(self, error)
        return {"FINISHED"}


class PauseTraining(JobOperator, bpy.types.Operator):
    """Let this training stop soon; it can be resumed at any time. Training goes on at its step; in reading the video
    and in making the head the part that it is at begins anew"""

    bl_idname = "dgtalker.pause_training"
    bl_label = "Pause"

    def act(self, context: bpy.types.Context, job: Job) -> None:
        if job.state is not State.RUNNING:
            raise DGTalkerError("This training does not run.")
        job.cancel()
        watch.soon()


class ResumeTraining(JobOperator, bpy.types.Operator):
    """Let this training go on where it was"""

    bl_idname = "dgtalker.resume_training"
    bl_label = "Resume"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        view = next((view for view in watch.views() if view.id == self.job), None)
        if view is None or not view.output_is_newer:
            return self.execute(context)
        path = Path(view.request.output)
        return _ask_to_overwrite(self, context, event, path, ", newer than this training, and will be replaced.")

    def act(self, context: bpy.types.Context, job: Job) -> None:
        if job.state is State.FINISHED:
            raise DGTalkerError("This training is done.", "Add its head.")
        python = engine.python()
        check_capture(python)
        jobs.start(job, python)
        watch.soon(job.folder.name)


class RemoveTraining(JobOperator, bpy.types.Operator):
    """Remove this training from the list and from the disk. A head that it has made stays"""

    bl_idname = "dgtalker.remove_training"
    bl_label = "Remove"

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        view = next((view for view in watch.views() if view.id == self.job), None)
        if view is None or view.state is State.FINISHED:
            return self.execute(context)
        return context.window_manager.invoke_confirm(
            self,
            event,
            title=f"Remove the Training of {view.name}?",
            message="What it has learned so far is lost.",
            confirm_text="Remove",
            icon="WARNING",
        )

    def act(self, context: bpy.types.Context, job: Job) -> None:
        for scene in awaited.scenes(job.folder.name):
            awaited.remove(scene, job.folder.name)
        watch.discard(job)


class AwaitHead(JobOperator, bpy.types.Operator):
    """Add the head to this scene once it is made, if this file is open then"""

    bl_idname = "dgtalker.await_head"
    bl_label = "Add Head When Done"
    bl_options = {"UNDO"}

    def act(self, context: bpy.types.Context, job: Job) -> None:
        waits = job.folder.name in awaited.names(context.scene)
        (awaited.remove if waits else awaited.add)(context.scene, job.folder.name)


class ShowTrainingLog(JobOperator, bpy.types.Operator):
    """Open what this training has printed in a text viewer"""

    bl_idname = "dgtalker.show_training_log"
    bl_label = "Show Log"

    def act(self, context: bpy.types.Context, job: Job) -> None:
        open_file(job.folder / LOG)


class ShowCaptureReport(JobOperator, bpy.types.Operator):
    """Open the report on the video in a browser: how the face was tracked, and what the video cannot teach"""

    bl_idname = "dgtalker.show_capture_report"
    bl_label = "Show Report"

    def act(self, context: bpy.types.Context, job: Job) -> None:
        open_file(Path(str((job.result or {}).get("report", ""))))


def open_file(path: Path) -> None:
    """With the program that the system has for it. Raises DGTalkerError where the file is not there."""
    if not path.is_file():
        raise DGTalkerError(f"There is no file {path}.")
    bpy.ops.wm.path_open(filepath=str(path))


CLASSES: tuple[type, ...] = (
    ChooseVideo,
    TrainHead,
    ClearVideo,
    PauseTraining,
    ResumeTraining,
    RemoveTraining,
    AwaitHead,
    ShowTrainingLog,
    ShowCaptureReport,
)
