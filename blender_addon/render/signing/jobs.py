"""The files of one of Blender's render jobs, signed as soon as Blender has written each.

Handlers cannot raise: what is wrong is said by the next frame, at the end in the panel and in a window, and on the
command line by the exit code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import bpy
from bpy.app.handlers import persistent

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire import SignRequest
from dgtalker_engine.wire.signing import media_type

from ... import ui
from ...bridge import engine as bridge
from .. import engine, output
from ..head_animation import job
from ..one_frame import refusal
from . import settings


@dataclass
class _Job:
    """What is asked of one job: its request without files, and whether it has written a film."""

    request: SignRequest
    wrote_film: bool = False


_current: _Job | None = None

_signed: dict[Path, int] = {}
"""When each file that was signed was last changed, ns: a job that begins a moment later has not written it."""


@persistent
def begin(scene: bpy.types.Scene, *_: object) -> None:
    """Handler for the start of a render job, after `engine.begin_job`. Head Animation signs by itself."""
    global _current
    _current = None
    if not settings.is_wanted(scene) or job.begun(scene) is not None or not settings.avatars(scene):
        return
    if reason := settings.unsigned_reason(scene):
        engine.warn(reason)
        return
    try:
        settings.check(scene)
        request = SignRequest(
            files=(),
            credential=settings.credential(),
            composite=settings.is_composite(scene),
            avatars=settings.avatars(scene),
        )
        sign(request)
    except DGTalkerError as error:
        refusal.refuse(scene, error)
        return
    if output.has_file_nodes(scene):
        engine.warn("Files of the compositor's File Output nodes are not signed.")
    _current = _Job(request)


@persistent
def sign_frame(scene: bpy.types.Scene, *_: object) -> None:
    """Handler for when Blender has written a frame, after `engine.check_file`."""
    since = engine.since()
    if _current is None or since is None or not engine.is_frame_whole():
        return
    if scene.render.is_movie_format:
        _current.wrote_film = True
        return
    frame = scene.frame_current
    files = [path for path in output.written(scene, frame, since) if media_type(path) and not _is_signed(path)]
    _sign(files, f"The picture of frame {frame}")


@persistent
def sign_film(scene: bpy.types.Scene, *_: object) -> None:
    """Handler for the end of a job that was not cancelled: only now the film is whole."""
    if _current is None or not _current.wrote_film or engine.last_error is not None:
        return
    path = output.target(scene, scene.frame_start)
    _sign([path] if path is not None and path.is_file() else [], "The film")


def _sign(files: list[Path], what: str) -> None:
    assert _current is not None
    try:
        if not files:
            raise DGTalkerError(f"{what} was not found where Blender writes it, and is not signed.", _BY_HAND)
        sign(replace(_current.request, files=tuple(str(path.absolute()) for path in files)))
        _signed.update({path.absolute(): path.stat().st_mtime_ns for path in files})
    except DGTalkerError as error:
        engine.refuse(error)
        ui.tell(error)
        engine.fail(error)


def _is_signed(path: Path) -> bool:
    return _signed.get(path.absolute()) == path.stat().st_mtime_ns


def sign(request: SignRequest) -> None:
    """Raises DGTalkerError where a file was not signed, or cannot be."""
    bridge.request("sign_files", request.to_header())


_BY_HAND = "Sign it with Render ▸ Sign Files…"
