"""From a video to a clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import DGTalkerError
from .clip import SOUND, TRACKS, Clip, ClipInfo, write_info
from .eyes import blink
from .observe import observe
from .plan import check_disk, make_plan
from .scan import Progress
from .tracks import Tracks
from .video import Video


def capture(
    path: Path, folder: Path, *, start: float = 0.0, seconds: float | None = None, size: int = 512, progress: Progress
) -> Clip:
    video = Video.open(path)
    state = folder / ".unfinished"
    state.mkdir(parents=True, exist_ok=True)
    plan = make_plan(video, start, seconds, size, progress)
    progress(0, check_disk(plan, folder))
    took: dict[str, float] = {}
    found = observe(video, plan, folder, state, progress, took)
    end = plan.source.start + float(found.times[-1]) + 1 / plan.fps
    video.write_sound(folder / SOUND, plan.source.start, end)
    good = found.found
    n = int(good.sum())
    eye = np.tile(np.eye(4, dtype=np.float32), (n, 1, 1))
    tracks = Tracks(
        times=found.times[good],
        landmarks=found.landmarks[good],
        arkit=found.arkit[good],
        blink=blink(found.landmarks[good]),
        focal=2.0 * size,
        head_to_camera=eye,
        pose=np.zeros((n, 0, 3), np.float32),
        identity=np.zeros(0, np.float32),
        expression=np.zeros((n, 0), np.float32),
        landmark_offsets=np.zeros((478, 3), np.float32),
    )
    tracks.save(folder / TRACKS)
    info = ClipInfo(
        fps=plan.fps,
        size=size,
        source=plan.source,
        crop=plan.crop,
        kept=tuple(map(int, found.frames[good])),
        notes=plan.followed.notes,
        seconds=took,
    )
    write_info(folder, info)
    return Clip.load(folder)
