"""Tracks the faces of clips with mediapipe, in the environment "capture": landmarks, times and the sound of each.

Run by `tests/bench/speech.py` as `track.py FOLDER CLIP…`; writes FOLDER/NAME.npz with `landmarks` (frames, 478, 3) in
pixels (NaN where no face was found), `times` (frames,) in seconds from the first sample of the sound, `size` (height,
width), `samples` (n,) mono float32 and `sample_rate`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import av
import mediapipe
import numpy as np


def main(folder: Path, clips: list[Path]) -> None:
    for clip in clips:
        samples, rate, start = sound(clip)
        landmarks, times, size = faces(clip)
        target = folder / f"{clip.stem}.npz"
        np.savez(target, landmarks=landmarks, times=times - start, size=size, samples=samples, sample_rate=rate)


def sound(clip: Path) -> tuple[np.ndarray, int, float]:
    """The sound as mono float32, its rate, and the time of its first sample, seconds; no samples where it is mute."""
    with av.open(str(clip)) as container:
        if not container.streams.audio:
            return np.zeros(0, np.float32), 16000, 0.0
        stream = container.streams.audio[0]
        rate = int(stream.codec_context.sample_rate)
        resampler = av.AudioResampler(format="flt", layout="mono", rate=rate)
        start: float | None = None
        blocks: list[np.ndarray] = []
        for frame in container.decode(stream):
            if start is None:
                start = float(frame.time or 0.0)
            blocks += [part.to_ndarray()[0] for part in resampler.resample(frame)]
        blocks += [part.to_ndarray()[0] for part in resampler.resample(None)]
    return np.concatenate(blocks).astype(np.float32), rate, start or 0.0


def faces(clip: Path) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Landmarks (frames, 478, 3) in pixels, times (frames,) in seconds, and the pictures' height and width."""
    rows, times, size = [], [], (0, 0)
    with (
        mediapipe.solutions.face_mesh.FaceMesh(refine_landmarks=True, max_num_faces=1) as mesh,
        av.open(str(clip)) as container,
    ):
        for frame in container.decode(video=0):
            picture = frame.to_ndarray(format="rgb24")
            size = picture.shape[:2]
            found = mesh.process(picture).multi_face_landmarks
            points = [(p.x, p.y, p.z) for p in found[0].landmark] if found else [(np.nan,) * 3] * 478
            rows.append(np.array(points) * (size[1], size[0], size[1]))
            times.append(float(frame.time))
    return np.array(rows, np.float32), np.array(times), size


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(word) for word in sys.argv[2:]])
