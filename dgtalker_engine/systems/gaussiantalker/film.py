"""Films: pictures and sound to an MP4 that says where it comes from."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ...capture import packages
from ...errors import DGTalkerError
from ...files import replacing

XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
"""The type of the box that holds XMP in MP4 files (XMP specification, part 3)."""

_CODECS = (
    ("libx264", {"crf": "16", "preset": "medium"}),
    ("libopenh264", {"b": "8000000"}),
    ("mpeg4", {"qscale": "2"}),
)
_SOUND_RATE = 48000


def write_film(
    path: Path, pictures: Iterable[np.ndarray], fps: float, samples: np.ndarray, sample_rate: int, xmp: str
) -> None:
    """Writes a film, whole or not at all.

    Args:
        path: of an MP4 file.
        pictures: uint8 (H, W, 3) sRGB, of one size; of an odd size the last row or column is left out.
        fps: pictures per second.
        samples: mono float32 (n,); none for a film without sound.
        sample_rate: Hz.
        xmp: the packet of `wire.provenance`.

    Raises:
        DGTalkerError: the file cannot be written, or this machine's PyAV encodes no video.
    """
    av = packages.load("av")
    try:
        with replacing(path) as unfinished:
            with av.open(str(unfinished), "w", format="mp4", options={"movflags": "+faststart"}) as container:
                _write(av, container, pictures, fps, samples, sample_rate)
            with unfinished.open("ab") as file:
                packet = XMP_BOX + xmp.encode()
                file.write(struct.pack(">I4s", 8 + len(packet), b"uuid") + packet)
    except av.error.FFmpegError as error:
        raise DGTalkerError(f"The film {path} cannot be written: {error}.", "Choose another place.") from error


def _write(
    av: Any, container: Any, pictures: Iterable[np.ndarray], fps: float, samples: np.ndarray, sample_rate: int
) -> None:
    rate = Fraction(fps).limit_denominator(1001)
    video = _video_stream(av, container, rate)
    sound = container.add_stream("aac", rate=_SOUND_RATE, layout="mono") if len(samples) else None
    for i, picture in enumerate(pictures):
        height, width = (side // 2 * 2 for side in picture.shape[:2])
        if i == 0:
            video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:height, :width]), format="rgb24")
        # High definition's colours: players take them for that from the stream's tags.
        frame = frame.reformat(format="yuv420p", dst_colorspace="ITU709")
        container.mux(video.encode(frame))
    container.mux(video.encode())
    if sound is not None:
        for packet in _sound(av, sound, samples, sample_rate):
            container.mux(packet)


def _video_stream(av: Any, container: Any, rate: Fraction) -> Any:
    for codec, options in _CODECS:
        try:
            stream = container.add_stream(codec, rate=rate, options=options)
        except (ValueError, av.error.FFmpegError):  # this build does not have it
            continue
        stream.codec_context.color_primaries = stream.codec_context.color_trc = stream.codec_context.colorspace = 1
        return stream
    raise DGTalkerError("This PyAV cannot encode video.", "Install the engine again: it brings PyAV's own build.")


def _sound(av: Any, stream: Any, samples: np.ndarray, sample_rate: int) -> Iterable[Any]:
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=_SOUND_RATE)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None], np.float32), format="fltp", layout="mono")
    frame.sample_rate = sample_rate
    for piece in (*resampler.resample(frame), *resampler.resample(None)):
        yield from stream.encode(piece)
    yield from stream.encode()
