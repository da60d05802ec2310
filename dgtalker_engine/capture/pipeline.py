"""From a video to a clip: every stage in its order, each once, also when the process was killed in between."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ..errors import DGTalkerError
from ..files import is_file
from . import face_model, rejection, report
from .clip import INFO, SOUND, TRACKS, Clip, ClipInfo, Rejected, frame_path, mask_path, write_info
from .coverage import cannot_teach
from .damping import damp
from .eyes import blink
from .face_model import FaceModel
from .fit import fit_landmarks
from .observe import Observations, observe
from .photometric import refine
from .plan import Plan, check_disk, check_stretch, make_plan
from .progress import Progress, part
from .stopwatch import Stopwatch
from .tracks import Tracks
from .video import Video

UNFINISHED = ".unfinished"
"""Folder in a clip's in which a capture keeps what it has until the clip is whole."""

SIZES = (64, 2048)
"""Least and most pixels of a frame's side."""

PLAN = "plan.json"

_SCANNED, _OBSERVED, _FITTED, _REFINED = 0.1, 0.3, 0.5, 0.97
"""Of the progress: where each stage ends."""


def _quiet(text: str) -> None:
    pass


def capture(
    path: Path,
    folder: Path,
    *,
    start: float = 0.0,
    seconds: float | None = None,
    size: int = 512,
    model: FaceModel | None = None,
    say: Callable[[str], None] = _quiet,
    progress: Progress,
) -> Clip:
    """Makes a clip of a video, or goes on with one that was begun; one that is there already is opened.

    Args:
        path: of the video.
        folder: of the clip; it is made.
        start, seconds: of the stretch to take, from the first picture on; all of it where `seconds` is None.
        size: pixels of a side of the square frames.
        model: that is fitted to the face; None for ours.
        say: is told which room on the disk the clip will need, before it is needed.
        progress: is told how far it is.

    Raises:
        DGTalkerError: the video cannot be used, and why; the disk is too full; the folder holds something else.
        Cancelled: `progress` raised it. The next call goes on.
    """
    if not SIZES[0] <= size <= SIZES[1]:
        raise DGTalkerError(f"Frames of {size} px cannot be made.", f"Between {SIZES[0]} and {SIZES[1]} px can.")
    check_stretch(start, seconds)
    video = Video.open(path)
    asked = (video.digest(), start, seconds, size)
    model = model or face_model.load()
    watch = Stopwatch()
    if (folder / INFO).is_file():
        clip = Clip.load(folder)
        source = clip.info.source
        if (source.digest, source.asked_start, source.asked_seconds, clip.info.size) != asked:
            raise DGTalkerError(f"{folder} holds another clip, of {source.name}.", "Give another folder.")
        clip.check_face_model(model)
        if is_captured(folder):
            return clip
    else:
        state = _begin(folder)
        plan = _plan(video, asked, state, part(progress, 0.0, _SCANNED), watch)
        say(check_disk(plan, folder))
        found = observe(video, plan, folder, state, part(progress, _SCANNED, _OBSERVED), watch)
        clip = _fit(video, plan, folder, found, model, part(progress, _OBSERVED, _FITTED), watch)
    if not clip.info.photometric:
        with watch.running("refinement"):
            tracks = refine(clip, model, part(progress, _FITTED, _REFINED))
        clip = clip.save_tracks(
            tracks,
            photometric=True,
            cannot_teach=cannot_teach(tracks, (folder / SOUND).is_file()),
            seconds={**clip.info.seconds, **watch.seconds},
        )
    if not (folder / report.REPORT).is_file():  # else it was killed while it removed what the report shows
        report.write(clip, model, part(progress, _REFINED, 1.0))
    _finish(clip)
    return clip


def is_captured(folder: Path) -> bool:
    """Whether a folder holds a whole clip, for which the video is not needed any more."""
    return is_file(folder / INFO) and not (folder / UNFINISHED).is_dir()


def _begin(folder: Path) -> Path:
    state = folder / UNFINISHED
    try:
        if folder.is_dir() and any(folder.iterdir()) and not state.is_dir():
            raise DGTalkerError(f"{folder} is not empty, and no clip was begun in it.", "Give a new folder.")
        state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DGTalkerError(f"{folder} cannot be made: {error.strerror}.", "Give another folder.") from error
    return state


def _plan(
    video: Video, asked: tuple[str, float, float | None, int], state: Path, progress: Progress, watch: Stopwatch
) -> Plan:
    if (state / PLAN).is_file():
        plan = Plan.load(state / PLAN)
        source = plan.source
        if (source.digest, source.asked_start, source.asked_seconds, plan.size) == asked:
            return plan
        shutil.rmtree(state)
        state.mkdir()
    _, start, seconds, size = asked
    with watch.running("scan"):
        plan = make_plan(video, start, seconds, size, progress)
    plan.save(state / PLAN)
    return plan


def _fit(
    video: Video,
    plan: Plan,
    folder: Path,
    found: Observations,
    model: FaceModel,
    progress: Progress,
    watch: Stopwatch,
) -> Clip:
    reasons = rejection.reject(found)
    rejection.check_left(reasons, plan.source.name)
    good = np.array([not reason for reason in reasons])
    frames, times = found.frames[good], found.times[good]
    landmarks = damp(found.landmarks[good], frames)
    shut, arkit = blink(landmarks), found.arkit[good]
    with watch.running("fit"):
        fit = fit_landmarks(model, landmarks, arkit, shut, times, plan.size, progress)
    tracks = Tracks(
        times=times,
        landmarks=landmarks,
        arkit=arkit,
        blink=shut,
        **fit.tracked(),
    )
    end = plan.source.start + float(found.times[-1]) + 1 / plan.fps
    with watch.running("sound"):
        has_sound = video.write_sound(folder / SOUND, plan.source.start, end, lambda: progress(1.0, "Taking the sound"))
    tracks.save(folder / TRACKS)
    info = ClipInfo(
        fps=plan.fps,
        size=plan.size,
        source=plan.source,
        crop=plan.crop,
        kept=tuple(map(int, frames)),
        rejected=tuple(
            Rejected(frame=int(found.frames[i]), time=float(found.times[i]), reason=reason)
            for i, reason in enumerate(reasons)
            if reason
        ),
        notes=plan.followed.notes,
        cannot_teach=cannot_teach(tracks, has_sound),
        face_model=model.name,
        face_model_hash=model.digest,
        face_model_file=model.file,
        seconds=watch.seconds,
    )
    write_info(folder, info)
    return Clip.load(folder)


def _finish(clip: Clip) -> None:
    """Removes what the clip does not need: frames that were rejected, and, last, what was measured on the way."""
    for rejected in clip.info.rejected:
        frame_path(clip.folder, rejected.frame).unlink(missing_ok=True)
        mask_path(clip.folder, rejected.frame).unlink(missing_ok=True)
    for left_by_killed_processes in clip.folder.rglob(".*.tmp"):
        left_by_killed_processes.unlink(missing_ok=True)
    shutil.rmtree(clip.folder / UNFINISHED, ignore_errors=True)
