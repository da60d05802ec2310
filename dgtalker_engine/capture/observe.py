"""The second pass over a video: frames and mattes are cut out and written, the face in each is measured.

Every `CHUNK` frames what was measured is written too: a capture that was killed goes on behind the last of them.
"""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from ..errors import DGTalkerError
from ..files import write_whole
from ..rig import ARKIT_NAMES
from . import packages, pictures
from .clip import frame_path, mask_path
from .faces import POINTS, Face, FaceLandmarker
from .person_mask import PersonMask
from .plan import Plan
from .progress import Progress
from .scan import overlap
from .stopwatch import Stopwatch
from .video import Video, on_grid

CHUNK = 100

_ALIKE = 0.15
"""What a face must share with where the followed one is expected."""
_COLOUR_SIDE = 128
_SHARPNESS_SIDE = 192


@dataclass(frozen=True, kw_only=True)
class Observations:
    """What was measured in n frames. Pixels are those of the crop at the clip's size.

    Attributes:
        frames: numbers (n,) int64: frame k is the one at about k / fps seconds.
        times: s from the stretch's beginning, float64 (n,).
        faces: how many there are in the crop (n,) int64.
        found: whether the followed one is among them (n,) bool; the rows of others hold NaN below.
        landmarks: float32 (n, 478, 3).
        arkit: float32 (n, 52).
        yaw: degrees (n,) float32.
        sharpness: of the face along four directions, in grey values (n, 4) float32.
        colours: of the face at each landmark, averaged over some pixels, uint8 (n, 478, 3).
    """

    frames: np.ndarray
    times: np.ndarray
    faces: np.ndarray
    found: np.ndarray
    landmarks: np.ndarray
    arkit: np.ndarray
    yaw: np.ndarray
    sharpness: np.ndarray
    colours: np.ndarray

    def __len__(self) -> int:
        return len(self.frames)

    @classmethod
    def joined(cls, parts: list[Self]) -> Self:
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})

    def save(self, path: Path) -> None:
        buffer = io.BytesIO()
        np.savez(buffer, **{field.name: getattr(self, field.name) for field in dataclasses.fields(self)})
        write_whole(path, buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> Self:
        with np.load(path, allow_pickle=False) as arrays:
            return cls(**dict(arrays))


def observe(video: Video, plan: Plan, folder: Path, state: Path, progress: Progress, watch: Stopwatch) -> Observations:
    """Writes the frames and mattes of a plan, and measures the face in each.

    Args:
        video: the plan's.
        plan: what is taken.
        folder: of the clip.
        state: the folder in which it keeps what was measured so far.
        progress: is told.
        watch: runs over each kind of work.
    """
    parts = [Observations.load(path) for path in sorted(state.glob("observed_*.npz"))]
    done = sum(map(len, parts))
    last = parts[-1] if parts else None
    before = pictures.read_grey(mask_path(folder, int(last.frames[-1]))) if last else None
    for name in ("frames", "masks"):
        (folder / name).mkdir(exist_ok=True)
    rows: list[Observations] = []
    with FaceLandmarker(most=2, video=True) as landmarker, PersonMask(before) as person:
        for number, time, picture in watch.each("decoding", frames_of(video, plan, last)):
            progress(min(1.0, (number + 1) / plan.frames), f"Tracking the face, frame {number + 1} of {plan.frames}")
            with watch.running("landmarks"):
                frame = pictures.resize(plan.crop.cut(picture), plan.size)
                faces = landmarker.find(frame, time)
            with watch.running("mask"):
                matte = person.cut_out(frame)
            with watch.running("measuring"):
                rows.append(_observe(plan, number, time, frame, faces))
            with watch.running("writing"):
                write_whole(frame_path(folder, number), pictures.encode_jpeg(frame))
                write_whole(mask_path(folder, number), pictures.encode_png(matte))
            if len(rows) == CHUNK:
                parts.append(Observations.joined(rows))
                parts[-1].save(state / f"observed_{done:06d}.npz")
                done += CHUNK
                rows = []
    if rows:
        parts.append(Observations.joined(rows))
    return Observations.joined(parts)


def frames_of(video: Video, plan: Plan, done: Observations | None = None) -> Iterator[tuple[int, float, np.ndarray]]:
    """Number, time from the stretch's beginning and picture, behind what is done.

    Raises:
        DGTalkerError: the file ends before the plan does, as where the drive that it is on is gone.
    """
    last, start = -1, plan.source.start
    if done is not None:
        last, start = int(done.frames[-1]), start + float(done.times[-1])
    # Half a frame more than the last one's time, which belongs to the stretch.
    pictures_of_stretch = video.frames(start, plan.source.end + 0.5 / plan.fps)
    for number, time, picture in on_grid(pictures_of_stretch, plan.source.start, plan.fps):
        if number > last:
            yield number, time, picture
            last = number
    if last < plan.frames - 2:
        raise DGTalkerError(
            f"{plan.source.name} can be read up to {plan.source.start + (last + 1) / plan.fps:.1f} s only, where it "
            f"could be read up to {plan.source.end:.1f} s before.",
            "Look whether its drive is connected and the file is whole, and start again.",
        )


def _observe(plan: Plan, number: int, time: float, frame: np.ndarray, faces: list[Face]) -> Observations:
    face = followed_face(plan, time, faces)
    nothing = face is None
    landmarks = np.full((POINTS, 3), np.nan, np.float32) if nothing else face.landmarks
    return Observations(
        frames=np.array([number]),
        times=np.array([time]),
        faces=np.array([len(faces)]),
        found=np.array([not nothing]),
        landmarks=landmarks[None],
        arkit=(np.full(len(ARKIT_NAMES), np.nan, np.float32) if nothing else face.arkit)[None],
        yaw=np.array([np.nan if nothing else face.yaw], np.float32),
        sharpness=(np.full(4, np.nan, np.float32) if nothing else sharpness(frame, landmarks))[None],
        colours=(np.zeros((POINTS, 3), np.uint8) if nothing else landmark_colours(frame, landmarks))[None],
    )


def followed_face(plan: Plan, time: float, faces: list[Face]) -> Face | None:
    """Which of the faces in a frame, `time` s from the stretch's beginning, is the plan's; None where none is."""
    crop = plan.crop
    expected = plan.followed.box_at(time + plan.source.start) - (crop.x, crop.y, crop.x, crop.y)
    expected *= plan.size / crop.side
    nearest = max(faces, key=lambda face: overlap(face.box, expected), default=None)
    return nearest if nearest is not None and overlap(nearest.box, expected) > _ALIKE else None


def sharpness(frame: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """How much fine detail the face shows along four directions: float32 (4,), in grey values.

    The spread of second differences along a row, a column and both diagonals at a size of 192 px: motion blurs along
    one direction and leaves the one across.
    """
    cv2 = packages.load("cv2")
    low, high = landmarks[:, :2].min(axis=0), landmarks[:, :2].max(axis=0)
    x, y = np.maximum(0, low).astype(int)
    right, bottom = high.astype(int)
    part = np.ascontiguousarray(frame[y : bottom + 1, x : right + 1])
    if min(part.shape[:2]) < 8:
        return np.zeros(4, np.float32)
    grey = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)
    grey = cv2.resize(grey, (_SHARPNESS_SIDE, _SHARPNESS_SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    middle = 2 * grey[1:-1, 1:-1]
    pairs = (
        (grey[1:-1, :-2], grey[1:-1, 2:]),
        (grey[:-2, 1:-1], grey[2:, 1:-1]),
        (grey[:-2, :-2], grey[2:, 2:]),
        (grey[:-2, 2:], grey[2:, :-2]),
    )
    return np.array([(before + after - middle).std() for before, after in pairs], np.float32)


def landmark_colours(frame: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """The picture's colours at the landmarks, averaged over some pixels: uint8 (478, 3)."""
    cv2 = packages.load("cv2")
    small = cv2.resize(frame, (_COLOUR_SIDE, _COLOUR_SIDE), interpolation=cv2.INTER_AREA)
    places = np.clip(landmarks[:, :2] * (_COLOUR_SIDE / frame.shape[0]), 0, _COLOUR_SIDE - 1).astype(int)
    return small[places[:, 1], places[:, 0]]
