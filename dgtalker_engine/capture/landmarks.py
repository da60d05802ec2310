"""Landmarks of the face in a video, and the video's sound: what lips and expressions are measured from.

`python -m dgtalker_engine.capture.landmarks FOLDER VIDEO…` writes FOLDER/NAME.npz of each video for `lip_tracks.read`.
"""

from __future__ import annotations

import argparse
import io
import itertools
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import DGTalkerError
from ..files import write_whole
from .faces import POINTS, FaceLandmarker
from .video import Video, videos_in


@dataclass(frozen=True, kw_only=True)
class LandmarkTrack:
    """The face and the sound of a video.

    Attributes:
        landmarks: float32 (frames, `POINTS`, 3), pixels: x to the right, y down, z away from the camera and about the
            head's middle, in units of x; NaN where no face was found.
        times: of the pictures, seconds from the sound's first sample, float64 (frames,).
        size: height and width of the pictures, pixels.
        samples: mono float32 (n,); none where the video is mute.
        sample_rate: Hz.
    """

    landmarks: np.ndarray
    times: np.ndarray
    size: tuple[int, int]
    samples: np.ndarray
    sample_rate: int

    def save(self, path: Path) -> None:
        """Writes a file for `lip_tracks.read`."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            landmarks=self.landmarks,
            times=self.times,
            size=self.size,
            samples=self.samples,
            sample_rate=self.sample_rate,
        )
        write_whole(path, buffer.getvalue())


def track(path: Path) -> LandmarkTrack:
    """Finds the face in each picture of a video; where there are several, one of them.

    Raises:
        DGTalkerError: the packages that track faces are not installed, or the video cannot be read.
    """
    video = Video.open(path)
    samples, rate, start = video.sound()
    rows: list[np.ndarray] = []
    times: list[float] = []
    with FaceLandmarker(most=1, video=True) as landmarker:
        for time, picture in video.frames():
            faces = landmarker.find(picture, time)
            rows.append(faces[0].landmarks if faces else np.full((POINTS, 3), np.nan, np.float32))
            times.append(time)
    return LandmarkTrack(
        landmarks=np.array(rows, np.float32).reshape(-1, POINTS, 3),
        times=np.array(times) - start,
        size=(video.height, video.width),
        samples=samples,
        sample_rate=rate,
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m dgtalker_engine.capture.landmarks", description=__doc__)
    parser.add_argument("folder", type=Path, help="where NAME.npz of each video is written")
    parser.add_argument("videos", type=Path, nargs="+", metavar="VIDEO", help="a video, or a folder of videos")
    options = parser.parse_args(arguments)
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
        given = [videos_in(path) if path.is_dir() else [path] for path in options.videos]
        for video in itertools.chain.from_iterable(given):
            track(video).save(options.folder / f"{video.stem}.npz")
    except DGTalkerError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
