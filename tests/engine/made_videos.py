"""Videos that tests make: the built-in heads, filmed, and whatever can be wrong with a file."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from dgtalker_engine import avatar
from dgtalker_engine.gaussians import Camera, render

SIDE = 240
FPS = 25
BACKGROUND = (0.35, 0.45, 0.4)

_LOOKING_BACK = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


@functools.cache
def head(name: str = "robin", jaw: float = 0.0, blink: float = 0.0, yaw: float = 0.0) -> np.ndarray:
    """A built-in head from the front: uint8 (SIDE, SIDE, 3). `yaw` degrees turn it to its left."""
    model = _loaded(name)
    names = [control.name for control in model.rig.controls]
    weights = np.array(model.rig.defaults)
    for control, weight in (("jawOpen", jaw), ("eyeBlinkLeft", blink), ("eyeBlinkRight", blink)):
        weights[names.index(control)] = weight
    turn = np.radians(yaw)
    around = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    matrix = np.eye(4)
    matrix[:3, :3] = _LOOKING_BACK @ around
    matrix[:3, 3] = -_LOOKING_BACK @ (0, -0.85, 0.01)
    focal, middle = 2.2 * SIDE, SIDE / 2
    K = np.array([[focal, 0, middle], [0, focal, middle], [0, 0, 1.0]])
    picture = render(
        model.pose(weights), Camera(K=K, world_to_camera=matrix, width=SIDE, height=SIDE), background=BACKGROUND
    )
    return np.rint(255 * np.clip(np.asarray(picture.rgb), 0, 1)).astype(np.uint8)


@functools.cache
def _loaded(name: str) -> avatar.Avatar:
    return avatar.load(avatar.builtin(name))


def talking(count: int, name: str = "robin") -> list[np.ndarray]:
    """Pictures of a head that opens its mouth every eight frames, and shuts its eyes for two of every sixteen."""
    jaws = (0.0, 0.2, 0.4, 0.6, 0.6, 0.4, 0.2, 0.0)
    return [head(name, jaws[i % 8], float(i % 16 in (9, 10))) for i in range(count)]


def write_video(
    path: Path,
    pictures: Iterable[np.ndarray],
    *,
    times: Sequence[float] | None = None,
    sound: np.ndarray | None = None,
    rate: int = 16000,
    sound_start: float = 0.0,
    codec: str = "libx264",
    pixels: str = "yuv420p",
) -> Path:
    """Writes a video: pictures (H, W, 3) at `FPS` or at `times` (s), and mono float sound."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS)
        stream.pix_fmt = pixels
        stream.options = {"crf": "14", "preset": "ultrafast"}
        stream.codec_context.time_base = stream.time_base = Fraction(1, 1000)
        if sound is not None:
            audio = container.add_stream("aac", rate=rate, layout="mono")
            frame = av.AudioFrame.from_ndarray(sound[None].astype(np.float32), "fltp", "mono")
            frame.sample_rate, frame.pts = rate, round(sound_start * rate)
            frame.time_base = Fraction(1, rate)
        for i, picture in enumerate(pictures):
            if i == 0:
                stream.height, stream.width = picture.shape[:2]
            frame_out = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), "rgb24")
            frame_out.pts = round(1000 * (times[i] if times is not None else i / FPS))
            frame_out.time_base = stream.codec_context.time_base
            container.mux(stream.encode(frame_out))
        container.mux(stream.encode(None))
        if sound is not None:
            container.mux(audio.encode(frame))
            container.mux(audio.encode(None))
    return path


def turn_by_display_matrix(path: Path, degrees: int) -> Path:
    """Writes into an MP4's track header that players turn its pictures clockwise, as phones do."""
    data = bytearray(path.read_bytes())
    place = data.index(b"tkhd")
    version = data[place + 4]
    matrix = place + (44 if version == 0 else 56)
    one = 1 << 16
    values = {90: (0, one, -one, 0), 180: (-one, 0, 0, -one), 270: (0, -one, one, 0)}[degrees]
    a, b, c, d = (value.to_bytes(4, "big", signed=True) for value in values)
    data[matrix : matrix + 8] = a + b
    data[matrix + 12 : matrix + 20] = c + d
    path.write_bytes(data)
    return path
