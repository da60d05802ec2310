"""Videos: upright, in their true times, with their sound; what cannot be read is refused by name."""

from __future__ import annotations

import av
import made_videos as made
import numpy as np
import pytest
import soundfile

from dgtalker_engine.capture.video import Video, on_grid
from dgtalker_engine.errors import DGTalkerError


def shades(count, height=48, width=64):
    """Pictures that are brighter at the top and differ from one to the next."""
    ramp = np.linspace(200, 20, height)[:, None, None]
    return [np.clip(np.tile(ramp, (1, width, 3)) + 2 * i, 0, 255).astype(np.uint8) for i in range(count)]


def differ(a, b):
    return np.abs(a.astype(float) - b).mean()


@pytest.mark.parametrize("clockwise", [90, 180, 270])
def test_a_phones_video_stands_upright(tmp_path, clockwise):
    stored = shades(2)
    path = made.turn_by_display_matrix(made.write_video(tmp_path / "phone.mp4", stored), clockwise)
    video = Video.open(path)
    upright = np.rot90(stored[0], -clockwise // 90)
    assert (video.height, video.width) == upright.shape[:2]
    (_, first), *_ = video.frames()
    assert differ(first, upright) < 4


def test_pictures_keep_their_true_times(tmp_path):
    times = [0.0, 0.033, 0.066, 0.2, 0.233, 0.5]
    video = Video.open(made.write_video(tmp_path / "phone.mp4", shades(6), times=times))
    assert [time for time, _ in video.frames()] == pytest.approx(times, abs=1e-3)
    assert [time for time, _ in video.frames(0.1, 0.5)] == pytest.approx([0.2, 0.233], abs=1e-3)


def test_large_pictures_are_made_smaller_while_they_are_read(tmp_path):
    video = Video.open(made.write_video(tmp_path / "large.mp4", shades(1, 480, 640)))
    (_, small), *_ = video.frames(longest_side=64)
    assert small.shape == (48, 64, 3)
    assert differ(small, shades(1)[0]) < 4


def test_odd_sizes_and_ten_bits_are_read(tmp_path):
    pictures = shades(3, 49, 65)
    odd = Video.open(made.write_video(tmp_path / "odd.mkv", pictures, codec="ffv1", pixels="yuv420p"))
    assert all(differ(picture, pictures[i]) < 4 for i, (_, picture) in enumerate(odd.frames()))
    pictures = shades(3)
    deep = Video.open(made.write_video(tmp_path / "deep.mkv", pictures, codec="ffv1", pixels="yuv420p10le"))
    assert all(differ(picture, pictures[i]) < 4 for i, (_, picture) in enumerate(deep.frames()))


def test_sound_is_cut_to_the_stretch_and_silent_where_there_is_none(tmp_path):
    rate = 16000
    sound = np.zeros(2 * rate, np.float32)
    sound[rate : rate + 800] = 0.5  # a beep after one second of it
    path = made.write_video(tmp_path / "late.mp4", shades(60), sound=sound, sound_start=0.5)
    video = Video.open(path)
    assert video.write_sound(tmp_path / "sound.wav", 1.0, 3.0)
    samples, found = soundfile.read(tmp_path / "sound.wav")
    assert (found, len(samples)) == (rate, 2 * rate)
    loud = np.flatnonzero(np.abs(samples) > 0.2)
    assert loud[0] / rate == pytest.approx(0.5, abs=0.03)
    assert video.write_sound(tmp_path / "sound.wav", 0.0, 1.0)
    assert np.abs(soundfile.read(tmp_path / "sound.wav")[0][: rate // 3]).max() == 0


def test_a_mute_video_has_no_sound(tmp_path):
    video = Video.open(made.write_video(tmp_path / "mute.mp4", shades(3)))
    assert not video.write_sound(tmp_path / "sound.wav", 0.0, 1.0)
    assert not (tmp_path / "sound.wav").exists()
    assert len(video.sound()[0]) == 0


def test_a_recording_that_breaks_off_ends_there(tmp_path):
    whole = made.write_video(tmp_path / "whole.mkv", shades(40))
    (tmp_path / "broken.mkv").write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    count = len(list(Video.open(tmp_path / "broken.mkv").frames()))
    assert 5 < count < 40


def test_what_is_no_video_is_refused_by_its_name(tmp_path):
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("no video at all")
    whole = made.write_video(tmp_path / "whole.mp4", shades(10))
    (tmp_path / "cut.mp4").write_bytes(whole.read_bytes()[:-2000])  # MP4 has its index at the end
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 16000), np.float32), "fltp", "mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    for name, words in (
        ("missing", "There is no video"),
        ("empty", "cannot be read"),
        ("text", "cannot be read"),
        ("cut", "cannot be read"),
        ("sound", "holds no pictures"),
    ):
        with pytest.raises(DGTalkerError, match=rf"{words}|{name}.mp4 {words}") as error:
            Video.open(tmp_path / f"{name}.mp4")
        assert f"{name}.mp4" in error.value.message
        assert error.value.hint


@pytest.mark.parametrize("rate", [60, 50])
def test_of_twice_as_many_pictures_every_second_one_is_a_frame(rate):
    pictures = [(1.4 + k / rate, np.array([k])) for k in range(21)]
    taken = list(on_grid(pictures, 1.4, rate / 2))
    assert [number for number, _, _ in taken] == list(range(11))
    assert [int(picture[0]) for _, _, picture in taken] == list(range(0, 21, 2))


def test_pictures_that_come_early_or_late_are_frames_of_their_own_and_those_that_are_missing_none():
    times = (np.arange(40) + np.tile([-0.2, 0.3, 0.0, -0.1], 10)) / 30
    pictures = [(time, np.array([k])) for k, time in enumerate(times) if k not in (20, 21)]
    assert [number for number, _, _ in on_grid(pictures, 0.0, 30)] == [k for k in range(40) if k not in (20, 21)]
