from __future__ import annotations

import shutil
import struct
import wave

import aud
import bpy
import numpy as np
import pytest

FPS = 24


@pytest.fixture
def mix(room):
    """`mix(*strips, first, last)`: the sound of strips of the current scene."""

    def run(*wanted, first=0, last=120):
        names = [strip.name for strip in wanted]
        strips = room("speech.timeline.strips")
        sounds = [sound for sound in strips.sound_strips(bpy.context.scene) if sound.strip.name in names]
        return room("speech.timeline.mixdown").mix(bpy.context.scene, sounds, first, last)

    return run


def heard(mixed, first=0, fps=FPS):
    """The frames where sound starts and ends, and its peak."""
    loud = np.flatnonzero(np.abs(mixed.samples) > 2e-3)
    if not len(loud):
        return None
    return *(first + loud[[0, -1]] / mixed.rate * fps), float(np.abs(mixed.samples).max())


def test_sound_starts_and_ends_with_its_strip_and_has_the_exact_length(mix, tone, add_strip):
    mixed = mix(add_strip(tone(seconds=2), frame=25))
    assert len(mixed.samples) == int(121 / FPS * mixed.rate)
    assert mixed.samples.dtype == np.float16
    assert heard(mixed)[:2] == pytest.approx((25, 73), abs=0.2)


def test_trims_are_heard(mix, tone, add_strip, trim):
    strip = add_strip(tone(seconds=4, ramp=True), frame=25)
    trim(strip, 49, 97)
    start, end, peak = heard(mix(strip))
    assert (start, end) == pytest.approx((49, 97), abs=0.5)
    assert peak == pytest.approx(0.5 * 0.75 * 0.7071, rel=0.05)


def test_other_strips_are_not_heard(mix, tone, add_strip):
    strip = add_strip(tone("mine", level=0.1), frame=1)
    add_strip(tone("other", level=0.9), frame=1)
    assert heard(mix(strip))[2] == pytest.approx(0.1 * 0.7071, rel=0.02)


def test_volume_keys_are_heard(mix, tone, add_strip):
    strip = add_strip(tone(seconds=4), frame=1)
    strip.volume = 0.0
    strip.keyframe_insert("volume", frame=1)
    strip.volume = 1.0
    strip.keyframe_insert("volume", frame=90)
    mixed = mix(strip)
    at = [np.abs(mixed.samples[int(f / FPS * mixed.rate) :][:2000]).max() for f in (5, 45, 90)]
    assert at[0] < 0.05 < at[1] < 0.3 < at[2]


@pytest.mark.parametrize("mute", ["strip", "channel", "meta", "channel in meta"])
def test_mutes_silence(mix, tone, add_strip, trim, mute):
    strip = add_strip(tone(seconds=4), frame=1)
    editor = bpy.context.scene.sequence_editor
    meta = editor.strips.new_meta("scene", 5, 1)
    strip.move_to_meta(meta)
    trim(meta, 1, 97)
    assert heard(mix(strip))[:2] == pytest.approx((1, 97), abs=0.2)
    if mute == "strip":
        strip.mute = True
    elif mute == "meta":
        meta.mute = True
    else:
        (editor if mute == "channel" else meta).channels[5 if mute == "channel" else strip.channel].mute = True
    assert heard(mix(strip)) is None


def test_a_trimmed_meta_strip_is_heard_trimmed(mix, tone, add_strip, trim):
    strip = add_strip(tone(seconds=4), frame=1)
    meta = bpy.context.scene.sequence_editor.strips.new_meta("scene", 5, 1)
    strip.move_to_meta(meta)
    trim(meta, 1, 50)
    assert heard(mix(strip))[:2] == pytest.approx((1, 50), abs=0.2)


def test_the_animators_own_mute_and_volume_silence_nothing(mix, tone, add_strip):
    strip = add_strip(tone())
    bpy.context.scene.use_audio = False
    bpy.context.scene.audio_volume = 0.0
    assert heard(mix(strip))


def test_a_strip_before_frame_0_is_heard_from_frame_0(mix, tone, add_strip):
    assert heard(mix(add_strip(tone(seconds=4), frame=-48)))[:2] == pytest.approx((0, 48), abs=0.2)


def test_strips_beyond_the_scenes_end_are_heard_in_place_at_ntsc_rates(mix, tone, add_strip):
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 30, 1.001
    strip = add_strip(tone(rate=48000), frame=30000)
    mixed = mix(strip, first=29990, last=30100)
    assert heard(mixed, 29990, 30 / 1.001)[:2] == pytest.approx((30000, 30060), abs=0.2)


@pytest.mark.skipif(bpy.app.version < (5, 0), reason="Blender 4.5 crashes when retiming is scripted")
def test_retimed_sound_is_heard_retimed(mix, tone, add_strip):
    strip = add_strip(tone(seconds=4), frame=1)
    strip.retiming_keys.add(timeline_frame=1)
    strip.retiming_keys.add(timeline_frame=97)
    strip.retiming_keys[-1].timeline_frame = 49
    start, end, _ = heard(mix(strip))
    assert (start, end) == pytest.approx((1, 49), abs=1.5)


def write_wav(path, encoding, bits, channels, rate, samples):
    data = samples.tobytes()
    block = channels * bits // 8
    fmt = struct.pack("<HHIIHH", encoding, channels, rate, rate * block, block, bits)
    chunks = b"WAVEfmt " + struct.pack("<I", len(fmt)) + fmt + b"data" + struct.pack("<I", len(data)) + data
    path.write_bytes(b"RIFF" + struct.pack("<I", len(chunks)) + chunks)
    return path


def sine(rate, channels=1):
    return np.repeat(0.5 * np.sin(2 * np.pi * 300 * np.arange(2 * rate) / rate), channels)


def make_file(kind, tmp_path, tone):
    path = tmp_path / f"{kind}.wav"
    if kind == "8 kHz":
        return tone(kind, rate=8000)
    if kind == "5.1":
        return tone(kind, rate=48000, channels=6)
    if kind == "float":
        return write_wav(path, 3, 32, 1, 44100, sine(44100).astype("<f4"))
    if kind == "24 bits":
        whole = (sine(44100) * (2**31 - 1)).astype("<i4")
        return write_wav(path, 1, 24, 1, 44100, whole.view("u1").reshape(-1, 4)[:, 1:])
    codec = {"mp3": aud.CODEC_MP3, "flac": aud.CODEC_FLAC, "ogg": aud.CODEC_VORBIS}[kind]
    container = {"mp3": aud.CONTAINER_MP3, "flac": aud.CONTAINER_FLAC, "ogg": aud.CONTAINER_OGG}[kind]
    path = path.with_suffix(f".{kind}")
    sound = aud.Sound(str(tone("source", rate=44100)))
    sound.write(str(path), 44100, aud.CHANNELS_MONO, aud.FORMAT_S16, container, codec, 128000)
    return path


@pytest.mark.parametrize("kind", ["8 kHz", "24 bits", "float", "5.1", "mp3", "flac", "ogg"])
def test_common_files_are_heard(mix, tone, add_strip, tmp_path, kind):
    start, end, peak = heard(mix(add_strip(make_file(kind, tmp_path, tone), frame=24)))
    assert (start, end) == pytest.approx((24, 72), abs=2)
    assert 0.1 < peak <= 1.0


@pytest.fixture
def plain_mix(room, tmp_path):
    """Like `mix`, by the way that Blenders take which cannot write sound."""

    def run(*wanted, rate, first=0, last=120):
        names = [strip.name for strip in wanted]
        strips = room("speech.timeline.strips")
        sounds = [sound for sound in strips.sound_strips(bpy.context.scene) if sound.strip.name in names]
        count = strips.clock(bpy.context.scene).samples(last + 1 - first, rate)
        return room("speech.timeline.fallback_mixdown").mix(bpy.context.scene, sounds, first, rate, count, tmp_path)

    return run


@pytest.mark.parametrize("case", ["plain", "trimmed", "before frame 0", "keyed", "two", "packed", "5.1", "resampled"])
def test_both_ways_of_mixing_agree(mix, plain_mix, tone, add_strip, trim, case):
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 30, 1.001
    rate = 48000
    strip = add_strip(
        tone("a", 3, rate=rate, ramp=True, channels=6 if case == "5.1" else 2), -40 if "0" in case else 25
    )
    wanted = [strip]
    if case == "trimmed":
        trim(strip, 40, 80)
    elif case == "keyed":
        for frame, volume in ((25, 0.0), (60, 1.0)):
            strip.volume = volume
            strip.keyframe_insert("volume", frame=frame)
    elif case == "two":
        wanted.append(add_strip(tone("b", 1, rate=rate, channels=2, level=0.2), 50))
    elif case == "packed":
        strip.sound.pack()
    elif case == "resampled":
        wanted.append(add_strip(tone("b", 1, rate=44100, channels=2, level=0.2), 50))
    blender = mix(*wanted, first=10)
    assert blender.rate == rate
    plain = plain_mix(*wanted, rate=rate, first=10)
    assert plain.shape == blender.samples.shape
    assert np.corrcoef(plain, blender.samples)[0, 1] > 0.98
    if case != "5.1":
        assert np.abs(plain).max() == pytest.approx(np.abs(blender.samples).max(), rel=0.05)


def test_20_minutes_are_mixed(mix, tmp_path, add_strip):
    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(44100)
        file.writeframes(bytes(2 * 44100 * 1199) + (sine(44100)[:44100] * 32767).astype("<i2").tobytes())
    strip = add_strip(path, frame=1)
    mixed = mix(strip, first=0, last=28812)
    assert heard(mixed)[:2] == pytest.approx((1 + 1199 * FPS, 1 + 1200 * FPS), abs=0.2)


def test_a_channel_that_is_upside_down_does_not_silence_the_other(mix, add_strip, tmp_path):
    left = 0.4 * np.sin(2 * np.pi * 300 * np.arange(2 * 16000) / 16000)
    samples = (np.stack([left, -0.8 * left], axis=1) * 32767).astype("<i2")
    path = write_wav(tmp_path / "wrong.wav", 1, 16, 2, 16000, samples)
    assert heard(mix(add_strip(path, frame=25)))[2] == pytest.approx(0.9 * 0.4, rel=0.05)


def test_too_long_a_stretch_is_refused_at_once(mix, tone, add_strip):
    with pytest.raises(Exception, match="167 minutes"):
        mix(add_strip(tone(rate=44100)), first=0, last=240_000)


def test_the_users_file_is_untouched_even_by_errors(room, mix, tone, add_strip, tmp_path):
    scene = bpy.context.scene
    seen = []
    bpy.app.handlers.frame_change_post.append(seen.append)
    handlers = list(bpy.app.handlers.frame_change_post)
    strip = add_strip(tone("a"), frame=1)
    strip.keyframe_insert("volume", frame=1)
    add_strip(tone("b"), frame=1)
    path = tone("c")
    lost = add_strip(path, frame=1)
    shutil.move(path, tmp_path / "elsewhere.wav")
    scene.frame_set(7)
    seen.clear()

    def state():
        return (
            [s.name for s in bpy.data.scenes],
            [a.name for a in bpy.data.actions],
            [(s.name, s.mute, s.volume, s.sound.filepath, s.sound.users) for s in scene.sequence_editor.strips_all],
            (scene.frame_start, scene.frame_end, scene.frame_current, scene.use_audio),
            [ob.name for ob in bpy.context.selected_objects],
            len(scene.animation_data.action.layers[0].strips[0].channelbags[0].fcurves),
        )

    before = state()
    mix(strip)
    with pytest.raises(Exception, match="missing"):
        mix(strip, lost)
    with pytest.raises(ZeroDivisionError), room("speech.timeline.mixdown")._alone(scene, []):
        raise ZeroDivisionError
    assert state() == before
    assert seen == []
    assert list(bpy.app.handlers.frame_change_post) == handlers
    bpy.app.handlers.frame_change_post.clear()


@pytest.fixture
def interview(tmp_path):
    """2 s: on the left something is heard in the first half, on the right, twice as loud, in the second."""
    path, rate = tmp_path / "interview.wav", 16000
    beep = np.sin(np.arange(rate) / rate * 2 * np.pi * 300)
    sides = np.zeros((2 * rate, 2))
    sides[:rate, 0], sides[rate:, 1] = 0.25 * beep, 0.5 * beep
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((sides * 32767).astype("<i2").tobytes())
    return path


@pytest.mark.parametrize(
    ("channel", "start", "end", "peak"), [("ALL", 25, 73, 0.25), ("LEFT", 25, 49, 0.25), ("RIGHT", 49, 73, 0.5)]
)
@pytest.mark.parametrize("mixes", [True, False], ids=["mixdown", "fallback"])
def test_of_an_interview_the_chosen_channel_is_heard(
    room, mix, interview, add_strip, monkeypatch, channel, start, end, peak, mixes
):
    if not mixes:
        monkeypatch.setattr(room("speech.timeline.mixdown"), "_read", lambda *arguments: None)
    strip = add_strip(interview, frame=25)
    strip.dgtalker.channel = channel
    first, last, loudest = heard(mix(strip))
    assert (first, last) == pytest.approx((start, end), abs=0.2)
    assert loudest == pytest.approx(peak, rel=0.05)


def test_two_strips_of_one_head_may_have_other_channels(mix, interview, add_strip):
    left, right = add_strip(interview, frame=1, name="a"), add_strip(interview, frame=61, name="b")
    left.dgtalker.channel, right.dgtalker.channel = "LEFT", "RIGHT"
    mixed = mix(left, right)
    loud = np.flatnonzero(np.abs(mixed.samples) > 0.1) / mixed.rate * FPS
    assert loud[[0, -1]] == pytest.approx([1, 109], abs=0.2)
    assert not ((loud > 25.2) & (loud < 84.8)).any()
    assert (loud < 25.2).any()


def test_another_channel_is_another_sound_to_what_was_animated(room, interview, add_strip):
    strip = add_strip(interview, frame=1)
    use = room("speech.timeline.sound_identity").use
    assert use(bpy.context.scene, strip) == []  # files from before there was a choice stay up to date
    strip.dgtalker.channel = "RIGHT"
    assert use(bpy.context.scene, strip) == ["RIGHT"]
    found_in = room("speech.takes.words")._sound_of
    before = found_in(strip)
    strip.dgtalker.channel = "LEFT"
    assert found_in(strip) != before
