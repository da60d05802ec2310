"""Films with known truth: somebody who speaks before a plain wall, and how he really looks from the side.

    film = films.make("robin", folder, sound, seconds=5)

writes a video as a camera would have, for `capture` to read, and pictures of some of its instants from cameras that
went around the head: ±15°, ±30°, ±45°. What is there already is kept. `python films.py NAME… -o FOLDER` does the same.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import soundfile
import torch
from scipy.spatial.transform import Rotation

from dgtalker_engine.gaussians import Camera, render
from dgtalker_engine.gaussians.transform import placed
from dgtalker_engine.performance import Performance, perform
from dgtalker_engine.rig import HEAD_NAMES
from dgtalker_engine.speech.animation import animate

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from avatars import characters

SAMPLE = Path(__file__).resolve().parents[2] / "demo" / "sample.wav"
YAWS = (-45.0, -30.0, -15.0, 15.0, 30.0, 45.0)
"""Degrees that the camera goes around the head's vertical axis; positive: towards the subject's left."""
WALL = (0.55, 0.6, 0.66)
"""sRGB."""

_MOST_SHIFT = 32
USUAL_FOCAL = 2.2
"""In picture heights: 53 mm on a picture 24 mm high."""
_DISTANCE = 0.78
"""Metres at the usual focal length; with others the camera stands where the head looks as large."""
_TEST_PART = 0.8
"""Truth is of instants after that part of the film, which is for training in the published protocol."""
_TURN, _NOD = 10.0, 4.0
_TURN_SECONDS, _NOD_SECONDS = 4.0, 2.7


@dataclass(frozen=True, kw_only=True)
class View:
    """A picture of an instant from the side.

    Attributes:
        frame: which of the film's.
        yaw: how far the camera went around, degrees.
        picture: the PNG's name in the film's folder.
        head_to_camera: (4, 4) as nested lists.
    """

    frame: int
    yaw: float
    picture: str
    head_to_camera: list[list[float]]


@dataclass(frozen=True, kw_only=True)
class Film:
    """A film and its truth.

    Attributes:
        folder: holds ``film.mp4``, ``film.json`` and the views' pictures.
        size, fps, focal: pixels, frames a second, and pixels; the principal point is the picture's middle.
        head_to_camera: of every frame (frames, 4, 4), as nested lists.
        eyes: `characters.Character.eyes`, as nested lists.
        views: the truth from the side.
    """

    folder: Path
    size: int
    fps: int
    focal: float
    head_to_camera: list[list[list[float]]]
    eyes: list[list[float]]
    views: tuple[View, ...]

    @property
    def video(self) -> Path:
        return self.folder / "film.mp4"

    def picture(self, view: View) -> np.ndarray:
        """The true picture, sRGB, uint8 (size, size, 3)."""
        return cv2.imread(str(self.folder / view.picture))[..., ::-1]


def make(
    name: str,
    folder: Path,
    sound: Path = SAMPLE,
    *,
    seconds: float = 5.0,
    size: int = 512,
    fps: int = 25,
    instants: int = 3,
    focal: float = USUAL_FOCAL,
) -> Film:
    """A film of one of `characters.NAMES`, made in parts that are kept when it is called again.

    Args:
        name: who speaks.
        folder: where the film lies, one for each.
        sound: a recording, as long as the film or longer.
        seconds: how much of it.
        size: pixels of a side.
        fps: frames a second.
        instants: how many moments of the last fifth are shown from each side.
        focal: length of the camera, in picture heights.
    """
    folder.mkdir(parents=True, exist_ok=True)
    samples, rate = soundfile.read(sound, dtype="float32", always_2d=True)
    samples = samples.mean(axis=1)[: round(seconds * rate)]
    digest = hashlib.sha256(samples.tobytes()).hexdigest()
    settings = {"name": name, "sound": digest, "seconds": seconds, "size": size, "fps": fps, "instants": instants}
    settings["focal"] = focal
    record, begun = folder / "film.json", folder / "settings.json"
    if not begun.is_file() or json.loads(begun.read_text()) != settings:
        for old in (record, *folder.glob("*.png")):
            old.unlink(missing_ok=True)
        _write_whole(begun, json.dumps(settings).encode())
    if record.is_file():
        kept = json.loads(record.read_text())
        return Film(**{**kept, "folder": folder, "views": tuple(View(**view) for view in kept["views"])})
    performance = perform(animate(samples, rate, fps=fps).take)
    who = characters.character(name)
    poses = _head_to_camera(performance, _DISTANCE * focal / USUAL_FOCAL)
    frames = performance.frames
    K = np.array([[focal * size, 0, size / 2], [0, focal * size, size / 2], [0, 0, 1]])

    def picture(frame: int, to_camera: np.ndarray) -> np.ndarray:
        values = zip(performance.names, performance.weights[frame].tolist(), strict=True)
        cloud = who.pose({name: value for name, value in values if name not in HEAD_NAMES})
        camera = Camera(K=K, world_to_camera=to_camera, width=size, height=size)
        with torch.no_grad():
            image = render(placed(cloud, np.eye(4), camera), camera, background=WALL)
        return np.clip(image.rgb * 255 + 0.5, 0, 255).astype(np.uint8)

    views = []
    for frame in np.linspace(_TEST_PART * (frames - 1), frames - 1, instants).round().astype(int).tolist():
        for yaw in YAWS:
            to_camera = around_head(poses[frame], yaw)
            path = folder / f"{frame:06d}_{yaw:+.0f}.png"
            if not path.is_file():
                _write_whole(path, cv2.imencode(".png", picture(frame, to_camera)[..., ::-1])[1].tobytes())
            views.append(View(frame=frame, yaw=yaw, picture=path.name, head_to_camera=to_camera.tolist()))
    film = Film(
        folder=folder,
        size=size,
        fps=fps,
        focal=float(K[0, 0]),
        head_to_camera=poses.tolist(),
        eyes=who.eyes.tolist(),
        views=tuple(views),
    )
    _shoot(film.video, (picture(i, poses[i]) for i in range(frames)), samples, rate, fps, size)
    fields = asdict(film)
    del fields["folder"]
    _write_whole(record, json.dumps(fields).encode())
    return film


def _write_whole(path: Path, data: bytes) -> None:
    fresh = path.with_suffix(".new")
    fresh.write_bytes(data)
    fresh.replace(path)


def _head_to_camera(performance: Performance, distance: float) -> np.ndarray:
    """The head turns slowly by ±10° before a camera that stands still, and nods as the performance has it."""
    times = np.arange(performance.frames) / performance.fps
    pitch, roll, _ = (performance.curve(name) for name in ("headPitch", "headRoll", "headYaw"))
    yaw = np.radians(_TURN) * np.sin(2 * np.pi * times / _TURN_SECONDS)
    pitch = 0.5 * pitch + np.radians(_NOD) * np.sin(2 * np.pi * times / _NOD_SECONDS)
    head = np.tile(np.eye(4), (len(times), 1, 1))
    head[:, :3, :3] = Rotation.from_euler("xyz", np.stack([pitch, 0.5 * roll, yaw], axis=1)).as_matrix()
    to_camera = np.array([[1.0, 0, 0, 0], [0, 0, -1, 0.0], [0, 1, 0, distance], [0, 0, 0, 1]])
    return to_camera @ head


def around_head(head_to_camera: np.ndarray, yaw: float, centre: np.ndarray | None = None) -> np.ndarray:
    """The pose before a camera that went around the picture's vertical through a place of the head by `yaw` degrees.

    Args:
        head_to_camera: (4, 4).
        yaw: degrees.
        centre: in head space (3,); None for its origin.
    """
    there = head_to_camera[:3, 3] if centre is None else head_to_camera[:3, :3] @ centre + head_to_camera[:3, 3]
    middle = np.eye(4)
    middle[:3, 3] = there
    turn = np.eye(4)
    turn[:3, :3] = Rotation.from_euler("y", yaw, degrees=True).as_matrix()
    return middle @ turn @ np.linalg.inv(middle) @ head_to_camera


def origin_in(film: Film, eyes: np.ndarray) -> np.ndarray:
    """The film's origin in the space of a head that was tracked in it (3,).

    Models have their origin more or less deep in the head. Both have eyes, as far apart as the head is large.

    Args:
        film: whose views went around its origin.
        eyes: centres of the tracked head's eyeballs (2, 3).
    """
    true = np.array(film.eyes)
    scale = np.linalg.norm(eyes[0] - eyes[1]) / np.linalg.norm(true[0] - true[1])
    return eyes.mean(axis=0) - scale * true.mean(axis=0)


def shift_onto(picture: np.ndarray, truth: np.ndarray, inside: np.ndarray) -> tuple[int, int]:
    """The rows and columns, whole pixels, by which a picture has to be moved to be most like the truth.

    A head that was tracked nearer or farther than it was stands elsewhere in a view from the side, and is the same
    head: so it is moved before it is judged, and how far is told.

    Args:
        picture, truth: (H, W, 3).
        inside: where they are compared, bool (H, W).
    """
    best = (0, 0)
    for step, reach in ((8, _MOST_SHIFT), (4, 4), (2, 2), (1, 1)):
        offsets = range(-(reach // step) * step, reach + 1, step)
        moves = [(best[0] + down, best[1] + right) for down in offsets for right in offsets]
        errors = [np.square(np.roll(picture, move, (0, 1)) - truth)[inside].mean() for move in moves]
        best = moves[int(np.argmin(errors))]
    return best


def _shoot(path: Path, pictures: Iterator[np.ndarray], samples: np.ndarray, rate: int, fps: int, size: int) -> None:
    """H.264 and AAC in an MP4."""
    fresh = path.with_name("new.mp4")
    with av.open(str(fresh), "w") as container:
        video = container.add_stream("libx264", rate=fps, options={"crf": "12", "preset": "veryfast"})
        video.width = video.height = size
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=rate)
        audio.layout = "mono"
        for picture in pictures:
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode())
        block = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), format="fltp", layout="mono")
        block.sample_rate, block.pts, block.time_base = rate, 0, Fraction(1, rate)
        container.mux(audio.encode(block))
        container.mux(audio.encode())
    fresh.replace(path)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="+", choices=characters.NAMES)
    parser.add_argument("-o", "--out", type=Path, required=True, help="the folder of the films' folders")
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args(argv)
    for name in options.names:
        print(make(name, options.out / name, seconds=options.seconds).video)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
