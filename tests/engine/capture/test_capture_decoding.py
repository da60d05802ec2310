"""Films as cameras and discs leave them: without an index, damaged in the middle, with sound that nothing decodes."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
import soundfile

from dgtalker_engine.capture.video import Video
from dgtalker_engine.errors import DGTalkerError

FPS, RATE, COUNT = 25, 48000, 75


def film(path, codec, sound, *, layout="mono", options=None):
    """Three seconds of grey noise that a bar crosses, and of a tone."""
    noise = np.random.default_rng(0).integers(0, 80, (96, 128, 3)).astype(np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=FPS, options=options or {})
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        audio = container.add_stream(sound, rate=RATE, layout=layout)
        for i in range(COUNT):
            noise[:, 1 + i : 9 + i] = 200
            picture = av.VideoFrame.from_ndarray(noise, format="rgb24")
            picture.pts, picture.time_base = i, Fraction(1, FPS)
            container.mux(stream.encode(picture))
            each = RATE // FPS
            tone = 0.4 * np.sin(np.arange(i * each, (i + 1) * each) / 9, dtype=np.float32)
            channels = 1 if layout == "mono" else 2
            heard = av.AudioFrame.from_ndarray(np.tile(tone, (channels, 1)), format="fltp", layout=layout)
            heard.sample_rate, heard.pts, heard.time_base = RATE, i * each, Fraction(1, RATE)
            container.mux(audio.encode(heard))
        container.mux(stream.encode())
        container.mux(audio.encode())
    return path


def loudness(path, video, start, seconds):
    """Of each tenth of a second."""
    assert video.write_sound(path / "sound.wav", start, start + seconds)
    samples, rate = soundfile.read(path / "sound.wav")
    return np.abs(samples[: round(10 * seconds) * rate // 10]).reshape(-1, rate // 10).max(axis=1)


@pytest.mark.parametrize(
    ("name", "codec", "sound"),
    [("camera.mts", "libx264", "ac3"), ("disc.mpg", "mpeg2video", "mp2"), ("old.avi", "libx264", "mp3")],
)
def test_films_without_an_index_are_read_from_any_time_on(tmp_path, name, codec, sound):
    video = Video.open(film(tmp_path / name, codec, sound))
    times = [time for time, _ in video.frames()]
    assert np.diff(times) == pytest.approx(np.full(COUNT - 1, 1 / FPS), abs=2e-3), "each in its place"
    for first in (4, 40, 70):
        assert [time for time, _ in video.frames(times[first])] == times[first:]
    assert loudness(tmp_path, video, times[40], 1.0).min() > 0.2


def test_a_damaged_place_costs_no_more_than_what_lies_there(tmp_path):
    path = film(tmp_path / "film.mp4", "libx264", "aac", options={"g": "25"})
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.pts is not None and abs(float(packet.pts * packet.time_base) - 0.5) < 0.05:
                data[packet.pos : packet.pos + packet.size] = bytes(byte ^ 0x5A for byte in bytes(packet))
    path.write_bytes(data)
    video = Video.open(path)
    times = [time for time, _ in video.frames()]
    assert len(times) >= COUNT - 25
    assert times[-1] == pytest.approx((COUNT - 1) / FPS)
    loud = loudness(tmp_path, video, 0.0, 2.9)
    assert loud[:4].min() > 0.2
    assert loud[7:].min() > 0.2


def test_sound_that_cannot_be_decoded_is_none_and_pictures_that_cannot_are_refused(tmp_path):
    path = film(tmp_path / "film.webm", "libvpx-vp9", "libopus")
    data = path.read_bytes()
    path.write_bytes(data.replace(b"A_OPUS", b"A_OPUX"))
    video = Video.open(path)
    assert (video.has_sound, video.has_lost_sound) == (False, True)
    assert not video.write_sound(tmp_path / "sound.wav", 0.0, 1.0)
    path.write_bytes(data.replace(b"V_VP9", b"V_VPX"))
    with pytest.raises(DGTalkerError, match="cannot be decoded") as error:
        Video.open(path)
    assert "MP4" in error.value.hint


def test_sound_that_goes_from_two_channels_to_one_is_taken(tmp_path):
    two = film(tmp_path / "two.ts", "libx264", "ac3", layout="stereo").read_bytes()
    one = film(tmp_path / "one.ts", "libx264", "ac3").read_bytes()
    (tmp_path / "both.ts").write_bytes(two + one)
    samples, rate, _ = Video.open(tmp_path / "both.ts").sound()
    assert np.abs(samples[: 5 * rate]).reshape(-1, rate // 10).max(axis=1).min() > 0.2
