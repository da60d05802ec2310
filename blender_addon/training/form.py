"""The form that is filled in before a head is made from a video: what it says, what it lacks, starting the job."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Protocol

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire import jobs
from dgtalker_engine.wire.jobs import Job, State
from dgtalker_engine.wire.jobs.files import check_writable

from ..bridge import engine
from ..install.environment import check_capture
from . import awaited, watch
from .request import Consent, HeadRequest, file_name, source_of


class FromVideoProperties(Protocol):
    """`window_manager.dgtalker_from_video`, with its types."""

    video: str
    system: str
    name: str
    folder: str
    status: str
    subject: str
    scope: str
    granted_by: str
    add_when_done: bool

    def property_unset(self, property: str) -> None: ...


def properties(context: bpy.types.Context) -> FromVideoProperties:
    manager: Any = context.window_manager
    return manager.dgtalker_from_video


def consent(context: bpy.types.Context) -> Consent:
    form = properties(context)
    return Consent(status=form.status, subject=form.subject, scope=form.scope, granted_by=form.granted_by)


def source(context: bpy.types.Context) -> Path:
    """The video that was chosen; the current folder where none was."""
    return source_of(Path(bpy.path.abspath(properties(context).video)))


def folder(context: bpy.types.Context) -> Path:
    """Where the head goes where nothing else is said: beside the .blend, or else beside the video."""
    return Path(bpy.data.filepath).parent if bpy.data.filepath else source(context).parent


def output(context: bpy.types.Context) -> Path:
    """The file that will be written; looks at no disk."""
    form = properties(context)
    chosen = Path(bpy.path.abspath(form.folder)) if form.folder else folder(context)
    return chosen / file_name(form.name)


def disabled_reason(context: bpy.types.Context) -> str:
    """Why no training can be started; empty when one can."""
    form = properties(context)
    if not form.video:
        return "Choose a video first."
    if not output(context).suffix:
        return "Give the head a name first."
    missing = consent(context).missing()
    if missing:
        return missing
    path = str(output(context))
    for view in watch.views():
        if view.request.output == path and view.state not in (State.FINISHED, State.FAILED):
            return f"Another training writes {Path(path).name}: change the name, or remove that one."
    return ""


def start(context: bpy.types.Context, *, overwrite: bool = False) -> Job:
    """Starts to make the head that the form describes, and does not wait for it.

    Args:
        context: whose form it is, and whose scene will get the head.
        overwrite: whether its file may be replaced where it is there already.

    Raises:
        DGTalkerError: something is missing, the file is there or cannot be, or the engine cannot be started; there is
            no job then.
    """
    reason = disabled_reason(context)
    if reason:
        raise DGTalkerError(reason)
    form, path = properties(context), output(context)
    wanted = HeadRequest(source=source(context), system=form.system, output=path, consent=consent(context))
    request = wanted.job_request()
    if path.exists() and not overwrite:
        raise DGTalkerError(f"{path} is there already.", "Give the head another name, or let it be overwritten.")
    if not path.parent.is_dir():
        raise DGTalkerError(f"There is no folder {path.parent}.", "Choose another folder.")
    check_writable(path.parent)
    python = engine.python()
    check_capture(python)
    job = jobs.create(watch.folder(), request)
    try:
        jobs.start(job, python)
    except DGTalkerError:
        jobs.remove(job)
        raise
    if form.add_when_done:
        awaited.add(context.scene, job.folder.name)
    clear(context)
    watch.soon(job.folder.name)
    return job


def clear(context: bpy.types.Context) -> None:
    """Forgets the video, with its name and consent, and the folder."""
    form = properties(context)
    form.video = ""
    form.property_unset("folder")
