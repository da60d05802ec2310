"""An actor's face in a video becomes a performance: the curves of ARKit and the turns of the head.

Each picture is looked at by itself. Where MediaPipe follows a face through a video, it averages over pictures: lids and
lips then never quite close, and all comes half a picture late.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..performance import Performance
from ..rig import ARKIT_NAMES
from . import pictures
from .face_curves import ObservedFace, gaps, solve
from .face_curves.solve import NAMES
from .faces import POINTS, FaceLandmarker
from .observe import followed_face, frames_of
from .plan import Plan, check_stretch, make_plan
from .progress import Progress, part
from .video import Video

SIZE = 512
"""Pixels of a side of the square in which the face is looked for."""

_SCANNED, _OBSERVED = 0.15, 0.97
"""Of the progress: where the stages end."""

_WORTH_SAYING = 0.1
"""Seconds without a face that need no word."""


@dataclass(frozen=True, kw_only=True)
class CapturedPerformance:
    """What an actor did.

    Attributes:
        performance: from the asked start of the video on, in its rate of pictures (at most 30.5 a second).
        blinks: when the eyes blink, seconds (n,).
        has_sound: whether the video has sound.
        sound_begins: when, seconds from the performance's first frame: cameras begin with one or the other.
        notes: sentences for the user about what was left out.
    """

    performance: Performance
    blinks: np.ndarray
    has_sound: bool
    sound_begins: float
    notes: tuple[str, ...]


def performance_from_video(
    path: Path, *, start: float = 0.0, seconds: float | None = None, progress: Progress
) -> CapturedPerformance:
    """Captures an actor's face.

    Args:
        path: of the video.
        start, seconds: of the stretch to take, from the first picture on; all of it where `seconds` is None.
        progress: is told how far it is; raises `Cancelled` to stop.

    Raises:
        DGTalkerError: the stretch is none; the video cannot be read, shows no face, one too small, or several of
            the same claim.
    """
    check_stretch(start, seconds)
    video = Video.open(path)
    plan = make_plan(video, start, seconds, SIZE, part(progress, 0.0, _SCANNED))
    face = observe(video, plan, start, part(progress, _SCANNED, _OBSERVED))
    progress(_OBSERVED, "Making curves")
    curves = solve(face)
    return CapturedPerformance(
        performance=Performance(plan.fps, NAMES, curves.weights),
        blinks=curves.blinks / plan.fps,
        has_sound=video.has_sound,
        sound_begins=video.sound_begins() - video.begins - start,
        notes=(*plan.followed.notes, *_unseen(face)),
    )


def observe(video: Video, plan: Plan, start: float, progress: Progress) -> ObservedFace:
    """The face in each picture from `start` on, also of those before the shot that is taken: they do not show it."""
    before = max(0, round((plan.source.start - video.begins - start) * plan.fps))
    count = before + plan.frames
    landmarks = np.full((count, POINTS, 3), np.nan, np.float32)
    scores = np.full((count, len(ARKIT_NAMES)), np.nan, np.float32)
    rotations = np.full((count, 3, 3), np.nan, np.float32)
    used = 1
    with FaceLandmarker(most=2, video=False) as landmarker:
        for number, time, picture in frames_of(video, plan):
            progress(min(1.0, (number + 1) / plan.frames), f"Tracking the face, frame {number + 1} of {plan.frames}")
            frame = pictures.resize(plan.crop.cut(picture), plan.size)
            face = followed_face(plan, time, landmarker.find(frame))
            used = before + number + 1
            if face is not None:
                row = used - 1
                landmarks[row], scores[row], rotations[row] = face.landmarks, face.arkit, face.rotation
    return ObservedFace(fps=plan.fps, landmarks=landmarks[:used], scores=scores[:used], rotations=rotations[:used])


def _unseen(face: ObservedFace) -> list[str]:
    missing = gaps.runs(~face.seen)
    seconds = sum(after - first for first, after in missing) / face.fps
    if seconds < _WORTH_SAYING:
        return []
    longest = max(missing, key=lambda run: run[1] - run[0])
    return [
        f"The face is not seen for {seconds:.1f} s, the longest from {longest[0] / face.fps:.1f} s on: "
        "short gaps are bridged, in long ones the face comes to rest."
    ]
