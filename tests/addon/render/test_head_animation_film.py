"""Head Animation where the output is a film, which Blender encodes of the engine's pictures; and contact sheets."""

from __future__ import annotations

import os
import subprocess
import wave
from pathlib import Path

import bpy
import numpy as np
import pytest

FPS = 10
LAST = 12
CLICK = 7
"""The frame with which a click begins."""

DECODE = """
import sys, av, numpy as np
file, out = sys.argv[1:]
with av.open(file) as film:
    video = film.streams.video[0]
    frames = [frame.to_ndarray(format="rgb24") for frame in film.decode(video)]
    about = [float(video.average_rate), float(video.sample_aspect_ratio or 1)]
sound, rate = np.zeros(0), 0
with av.open(file) as film:
    if film.streams.audio:
        rate = film.streams.audio[0].rate
        left = av.AudioResampler(format="fltp", layout="stereo", rate=rate)
        parts = [part for frame in film.decode(film.streams.audio[0]) for part in left.resample(frame)]
        sound = np.concatenate([part.to_ndarray()[0] for part in parts])
np.savez(out, frames=np.array(frames), about=about, sound=sound, rate=rate)
"""


def decoded(film: Path) -> dict[str, np.ndarray]:
    out = film.with_suffix(".npz")
    command = [os.environ["DGTALKER_ENGINE_PYTHON"], "-I", "-c", DECODE, str(film), str(out)]
    subprocess.run(command, check=True)
    found = dict(np.load(out))
    out.unlink()
    return found


def begin_of(sound: np.ndarray) -> int:
    """The first sample that is heard."""
    loud = np.abs(sound.astype(float))
    return int(np.flatnonzero(loud > 0.02 * loud.max())[0])


def click_file(path: Path) -> Path:
    """Silence, and noise from the click's frame on."""
    samples = np.zeros(48000 * LAST // FPS, "<i2")
    begin = 48000 * (CLICK - 1) // FPS
    samples[begin : begin + 4000] = np.random.default_rng(0).integers(-9000, 9000, 4000)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 48000, 0, "NONE", ""))
        file.writeframes(samples.tobytes())
    return path


@pytest.fixture
def filmed(scene, add_head, ball_file, tmp_path):
    """A ball that moves while something clicks, to be a film without loss."""
    head = add_head(ball_file, (0.02, 0, 0))
    slide = head.data.shape_keys.key_blocks["slide"]
    for frame in (1, LAST):
        slide.value = 0.04 * frame
        slide.keyframe_insert("value", frame=frame)
    scene.frame_start, scene.frame_end = 1, LAST
    render = scene.render
    render.fps, render.film_transparent = FPS, False
    scene.sequence_editor_create().strips.new_sound("Click", str(click_file(tmp_path / "click.wav")), 1, 1)
    if bpy.app.version >= (5, 0):
        render.image_settings.media_type = "VIDEO"
    render.image_settings.file_format = "FFMPEG"
    render.ffmpeg.format, render.ffmpeg.codec, render.ffmpeg.audio_codec = "MKV", "PNG", "PCM"
    # Undoubled braces would be a template of Blender's.
    render.filepath = str(tmp_path / "out {{x}}" / "film.mkv")
    return scene


@pytest.fixture
def folder(tmp_path) -> Path:
    return tmp_path / "out {x}"


def make_film() -> None:
    assert bpy.ops.dgtalker.render_head_animation() == {"FINISHED"}


def test_a_film_is_that_of_ctrl_f12(filmed, folder, read, room):
    filmed.view_settings.view_transform = "AgX"
    before = len(bpy.data.scenes), len(bpy.data.sounds), len(bpy.data.images), filmed.frame_current
    make_film()
    assert (len(bpy.data.scenes), len(bpy.data.sounds), len(bpy.data.images), filmed.frame_current) == before
    assert sorted(path.name for path in folder.iterdir()) == ["film.mkv", "film_frames"]
    pictures = sorted((folder / "film_frames").iterdir())
    assert [path.name for path in pictures] == [f"frame_{number:04d}.png" for number in range(1, LAST + 1)]
    film = decoded(folder / "film.mkv")
    stored = np.array([np.rint(read(path)[..., :3] * 255) for path in pictures])
    assert np.array_equal(film["frames"], stored), "the film's pictures are not those of the engine"
    assert room("render.head_animation.job").last.note.startswith(str(folder / "film.mkv"))
    assert bpy.ops.render.render(animation=True) == {"FINISHED"}
    other = decoded(folder / "film.mkv")
    assert np.abs(film["frames"].astype(int) - other["frames"]).max() <= 1
    assert np.array_equal(film["about"], other["about"])
    assert film["rate"] == other["rate"] == 48000
    begins = [begin_of(each["sound"]) for each in (film, other)]
    assert abs(begins[0] / 48000 - (CLICK - 1) / FPS) < 0.01
    assert abs(begins[0] - begins[1]) <= 48
    size = min(len(film["sound"]), len(other["sound"]))
    np.testing.assert_allclose(film["sound"][:size], other["sound"][:size], atol=0.01 * np.abs(other["sound"]).max())


def test_only_what_has_changed_is_rendered_again_and_the_film_is_a_new_one(filmed, folder, room):
    filmed.frame_step = 4
    make_film()
    first = (folder / "film.mkv").read_bytes()
    filmed.frame_step = 2
    filmed.render.ffmpeg.audio_codec = "NONE"
    make_film()
    job = room("render.head_animation.job").last
    assert (job.rendered, job.kept) == (3, 3)
    film = decoded(folder / "film.mkv")
    assert len(film["frames"]) == 6
    assert film["rate"] == 0
    assert (folder / "film.mkv").read_bytes() != first


def refusals():
    yield "does not split films", lambda scene: setattr(scene.render.ffmpeg, "use_autosplit", True)
    yield "sRGB displays", lambda scene: setattr(scene.display_settings, "display_device", "Display P3")
    yield "grey", lambda scene: setattr(scene.render.image_settings, "color_mode", "BW")


@pytest.mark.parametrize(("words", "ask"), [*refusals()], ids=lambda each: each if isinstance(each, str) else "")
def test_what_is_not_done_is_refused_before_anything_is_rendered(filmed, folder, words, ask):
    ask(filmed)
    with pytest.raises(RuntimeError, match=words):
        bpy.ops.dgtalker.render_head_animation()
    assert not list(folder.glob("*_frames"))


def test_what_blender_cannot_encode_is_said_and_the_earlier_film_stays(filmed, folder):
    folder.mkdir(exist_ok=True)
    (folder / "film.mkv").write_bytes(b"earlier")
    filmed.render.resolution_x = 127
    filmed.frame_end = 2
    filmed.render.ffmpeg.codec = "H264"
    with pytest.raises(RuntimeError, match="Encoding the film failed"):
        bpy.ops.dgtalker.render_head_animation()
    assert (folder / "film.mkv").read_bytes() == b"earlier"
    assert not (folder / "film_frames").exists(), "something was rendered for nothing"


def test_pictures_of_others_where_those_of_the_film_belong_are_not_replaced(filmed, folder):
    (folder / "film_frames").mkdir(parents=True)
    other = folder / "film_frames" / f"frame_{LAST:04d}.png"
    other.write_bytes(b"somebody's")
    with pytest.raises(RuntimeError, match="would be replaced"):
        bpy.ops.dgtalker.render_head_animation()
    assert [path.name for path in (folder / "film_frames").iterdir()] == [other.name]
    assert other.read_bytes() == b"somebody's"


def test_esc_leaves_the_earlier_film(filmed, folder, room, monkeypatch):
    folder.mkdir(exist_ok=True)
    (folder / "film.mkv").write_bytes(b"earlier")
    job = room("render.head_animation.job")
    cancelled = room("render.head_animation.child").Cancelled
    children = []
    encoding = job.Job._encoding

    def press(self, owner, done):
        encoding(self, owner, done)
        if list((folder / "film_frames").glob("encoding-*")):
            children.append(done)
            raise cancelled

    monkeypatch.setattr(job.Job, "_encoding", press)
    assert bpy.ops.dgtalker.render_head_animation() == {"CANCELLED"}
    assert children
    assert (folder / "film.mkv").read_bytes() == b"earlier"
    assert len(list((folder / "film_frames").iterdir())) == LAST


def test_what_encodes_ends_with_the_blender_that_asked(filmed, folder, room):
    """A killed Blender leaves neither a program that runs on nor a part of a film."""
    make_film()
    started = room("render.head_animation.child")
    pictures = [f"frame_{number:04d}.png" for number in range(1, LAST + 1)] * 50
    film = room("render.head_animation.job").last.plan.film
    unfinished = folder / "film_frames" / "encoding-x.mkv"
    task = {**film.settings, "work": "encode", "folder": str(folder / "film_frames"), "pictures": pictures, "sound": ""}
    child = started.Child(film.blender, "Encoding", {**task, "film": str(unfinished), "unfinished": str(unfinished)})
    while not child.progress[0] and not child.wait(0.02):
        pass
    assert unfinished.is_file()
    child._process.stdin.close()
    assert child.wait(20)
    assert not unfinished.exists()
    with pytest.raises(started.DGTalkerError, match="Encoding failed"):
        child.result()


def test_a_contact_sheet_shows_evenly_spaced_frames_beside_the_film(filmed, folder, read):
    filmed.frame_step = 4
    with pytest.raises(RuntimeError, match="Render a Head Animation first"):
        bpy.ops.dgtalker.contact_sheet()
    make_film()
    assert bpy.ops.dgtalker.contact_sheet() == {"FINISHED"}
    sheet = read(folder / "film_contact_sheet.png")
    assert sheet.shape[1] == 3 * 328 + 8
    top = sheet[8:328]
    for i, number in enumerate((1, 5, 9)):
        tile = top[:, 8 + 328 * i : 328 * (i + 1)]
        small = tile.reshape(64, 5, 64, 5, -1).mean((1, 3))[..., :3]
        picture = read(folder / "film_frames" / f"frame_{number:04d}.png")
        large = picture.reshape(64, 2, 64, 2, -1).mean((1, 3))[..., :3]
        assert np.abs(small - large).mean() < 0.02, number
        caption = sheet[334:, 8 + 328 * i : 328 * (i + 1)]
        assert caption.max() > 0.9, "no number is below"
    assert sorted(path.name for path in folder.iterdir()) == ["film.mkv", "film_contact_sheet.png", "film_frames"]


def test_a_contact_sheet_is_of_what_was_rendered_wherever_the_output_goes_now(filmed, tmp_path, read):
    settings = filmed.render.image_settings
    if bpy.app.version >= (5, 0):
        settings.media_type = "MULTI_LAYER_IMAGE"
    settings.file_format = "OPEN_EXR_MULTILAYER"
    filmed.render.filepath = str(tmp_path / "layers" / "shot_")
    filmed.frame_step = 4
    make_film()
    filmed.render.filepath = str(tmp_path / "elsewhere" / "shot_")
    assert bpy.ops.dgtalker.contact_sheet() == {"FINISHED"}
    sheet = read(tmp_path / "layers" / "shot_contact_sheet.png")
    assert sheet.shape[1] == 3 * 328 + 8
    assert np.ptp(sheet[8:328, 8:328], axis=(0, 1)).max() > 0.3, "nothing is seen"


@pytest.mark.parametrize(("count", "expected"), [(1, [0]), (24, list(range(24))), (100, None)])
def test_frames_of_a_sheet_are_spread_evenly(room, count, expected):
    chosen = room("render.head_animation.contact_sheet").evenly(list(range(count)), 24)
    assert expected is None or chosen == expected
    assert (chosen[0], chosen[-1]) == (0, count - 1)
    assert len(chosen) == min(count, 24)
    assert np.ptp(np.diff(chosen)) <= 1 if count > 1 else True
