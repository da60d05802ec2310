"""Files that Blender and Head Animation write are signed where the scene asks for it, or the render fails."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import bpy
import pytest

sys.path.append(str(Path(__file__).resolve().parents[2] / "engine"))
import made_certificates

READ = """
import json, sys, c2pa
from dgtalker_engine.wire.signing import media_type
for path in sys.argv[1:]:
    with open(path, "rb") as file, c2pa.Reader(media_type(path), file) as reader:
        active = reader.get_active_manifest()
        said = {each["label"]: each["data"] for each in active["assertions"] if "data" in each}
        print(json.dumps([reader.get_validation_state(), said]))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return made_certificates.make(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def preferences(extension, made):
    own = bpy.context.preferences.addons[extension.__name__].preferences
    own.signing_certificates, own.signing_key = str(made.chain), str(made.key)
    yield own
    own.signing_certificates = own.signing_key = own.time_stamp_server = ""


@pytest.fixture
def signed(scene, add_head, ball_file, preferences, tmp_path):
    """Three frames of a head, to be signed as PNG."""
    add_head(ball_file)
    scene.frame_end = 3
    scene.dgtalker_sign = True
    output(scene, tmp_path / "out" / "f_")
    return scene


def output(scene, path, file_format="PNG"):
    settings = scene.render.image_settings
    if bpy.app.version >= (5, 0):
        settings.media_type = "VIDEO" if file_format == "FFMPEG" else "IMAGE"
    settings.file_format = file_format
    scene.render.filepath = str(path)


def read(*paths):
    """Of each file whether its signature is valid, and what it says."""
    command = [os.environ["DGTALKER_ENGINE_PYTHON"], "-I", "-c", READ, *map(str, paths)]
    answer = subprocess.run(command, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return [json.loads(line) for line in answer.stdout.splitlines()]


def test_pictures_and_stills_that_blender_writes(signed, room, tmp_path):
    assert bpy.ops.render.render(animation=True) == {"FINISHED"}
    files = sorted((tmp_path / "out").iterdir())
    assert len(files) == 3
    signed.render.filepath = str(tmp_path / "still.png")
    assert bpy.ops.render.render(write_still=True) == {"FINISHED"}
    assert room("render.engine").last_error is None
    head = bpy.context.object.dgtalker
    for state, said in read(*files, tmp_path / "still.png"):
        assert state == "Valid"
        assert said["org.dgtalker.avatars"]["avatars"] == [{"hash": head.avatar_hash, "consent": "synthetic"}]
        (action,) = said["c2pa.actions.v2"]["actions"]
        assert action["digitalSourceType"].endswith("/trainedAlgorithmicMedia")
    assert signed.render.engine == "DGTALKER"


def test_head_animation_signs_and_keeps_what_is_signed(signed, room, tmp_path):
    assert bpy.ops.dgtalker.render_head_animation() == {"FINISHED"}
    files = sorted((tmp_path / "out").iterdir())
    assert [state for state, _ in read(*files)] == ["Valid"] * 3
    before = [path.stat().st_mtime_ns for path in files]
    assert bpy.ops.dgtalker.render_head_animation() == {"FINISHED"}
    assert [path.stat().st_mtime_ns for path in files] == before
    assert room("render.head_animation.job").last.kept == 3


@pytest.mark.parametrize("by", ["Blender", "Head Animation"])
def test_a_film_is_signed_when_it_is_whole(signed, room, tmp_path, by):
    output(signed, tmp_path / "out" / "film.mp4", "FFMPEG")
    signed.render.ffmpeg.format = "MPEG4"
    signed.render.ffmpeg.codec = "H264"
    if by == "Blender":
        assert bpy.ops.render.render(animation=True) == {"FINISHED"}
    else:
        assert bpy.ops.dgtalker.render_head_animation() == {"FINISHED"}
    assert room("render.engine").last_error is None
    (film,) = (path for path in (tmp_path / "out").iterdir() if path.is_file())
    assert read(film)[0][0] == "Valid"


def test_without_a_certificate_nothing_is_rendered(signed, preferences, tmp_path):
    preferences.signing_key = ""
    with pytest.raises(RuntimeError, match="no private key"):
        bpy.ops.render.render(animation=True)
    with pytest.raises(RuntimeError, match="no private key"):
        bpy.ops.dgtalker.render_head_animation()
    other = made_certificates.make(tmp_path / "other")
    preferences.signing_key = str(other.key)
    for render in (lambda: bpy.ops.render.render(animation=True), bpy.ops.dgtalker.render_head_animation):
        with pytest.raises(RuntimeError, match="Nothing can be signed with this certificate"):
            render()
    assert not list(tmp_path.glob("out/*"))


def test_the_network_is_used_only_where_blender_may(signed, preferences):
    preferences.time_stamp_server = "https://time.example"
    system = bpy.context.preferences.system
    before, system.use_online_access = system.use_online_access, False
    try:
        with pytest.raises(RuntimeError, match="may not use the network"):
            bpy.ops.dgtalker.render_head_animation()
    finally:
        system.use_online_access = before


def test_what_cannot_be_signed_is_written_and_said(signed, preferences, capfd, tmp_path):
    output(signed, tmp_path / "out" / "f_", "OPEN_EXR")
    assert bpy.ops.dgtalker.render_head_animation() == {"FINISHED"}
    assert len(list(tmp_path.glob("out/*.exr"))) == 3
    assert capfd.readouterr().out.count("C2PA cannot sign .exr files") == 1


def test_a_signature_that_fails_is_told_and_the_picture_stays(signed, preferences, made, room, monkeypatch, tmp_path):
    """Somebody takes the key away while it renders."""
    moved = []

    def take(scene, *_):
        if not moved:
            moved.append(made.key.rename(tmp_path / "taken.key"))

    bpy.app.handlers.render_pre.append(take)
    try:
        with pytest.raises(RuntimeError, match=r"private key .* cannot be read"):
            bpy.ops.render.render(animation=True)
    finally:
        bpy.app.handlers.render_pre.remove(take)
        moved[0].rename(made.key)
    (first,) = (tmp_path / "out").iterdir()
    assert first.read_bytes().startswith(b"\x89PNG")
    assert "cannot be read" in str(room("render.engine").last_error)


def test_a_picture_of_cycles_with_heads_is_a_composite_or_none(signed, preferences, room, tmp_path):
    assert bpy.ops.dgtalker.heads_with_cycles() == {"FINISHED"}
    signed.cycles.samples = 1
    signed.render.resolution_percentage = 50
    signed.render.filepath = str(tmp_path / "out" / "cycles.png")
    key, preferences.signing_key = preferences.signing_key, ""
    with pytest.raises(RuntimeError, match="no private key"):
        bpy.ops.render.render(write_still=True)
    assert not (tmp_path / "out").exists()
    assert signed.render.engine == "CYCLES"
    preferences.signing_key = key
    assert bpy.ops.render.render(write_still=True) == {"FINISHED"}
    assert room("render.engine").last_error is None
    ((state, said),) = read(tmp_path / "out" / "cycles.png")
    assert state == "Valid"
    assert said["c2pa.actions.v2"]["actions"][0]["digitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia")


def test_frames_after_one_that_failed_are_signed(signed, room, monkeypatch, tmp_path):
    assert bpy.ops.dgtalker.heads_with_cycles() == {"FINISHED"}
    signed.cycles.samples = 1
    picture = room("render.picture")
    render, error = picture.render, room("render.engine").DGTalkerError

    def fail_once(shot, *arguments):
        if shot.frames[0].number == 2:
            raise error("A cable is loose.")
        return render(shot, *arguments)

    monkeypatch.setattr(picture, "render", fail_once)
    bpy.ops.render.render(animation=True)
    files = sorted((tmp_path / "out").iterdir())
    assert [path.name for path in files] == ["f_0001.png", "f_0003.png"]
    assert [state for state, _ in read(*files)] == ["Valid"] * 2


def test_a_preflight_says_whether_this_machine_can_sign(signed, preferences, room):
    def found():
        return list(room("farm.preflight").examine(signed))

    assert "This machine's certificate signs the files." in [each.text for each in found()]
    preferences.signing_key = ""
    (problem,) = [each for each in found() if not each.ok]
    assert "this machine has no private key" in problem.text, "the frame is rendered all the same"
    assert signed.dgtalker_sign
    output(signed, "/tmp/f_", "OPEN_EXR")
    assert all(each.ok for each in found())


def test_one_job_right_after_another_signs_its_own_files_only(signed, room, tmp_path):
    output(signed, tmp_path / "out" / "f_")
    assert bpy.ops.render.render(write_still=True) == {"FINISHED"}
    assert bpy.ops.render.render(animation=True) == {"FINISHED"}
    assert room("render.engine").last_error is None
    files = sorted((tmp_path / "out").iterdir())
    assert len(files) == 4
    assert [state for state, _ in read(*files)] == ["Valid"] * 4


def test_files_that_are_there_are_signed_by_hand(signed, tmp_path):
    signed.dgtalker_sign = False
    signed.render.filepath = str(tmp_path / "by_hand.png")
    bpy.ops.render.render(write_still=True)
    one = {"directory": str(tmp_path), "files": [{"name": "by_hand.png"}], "composite": True}
    assert bpy.ops.dgtalker.sign_files(**one) == {"FINISHED"}
    ((state, said),) = read(tmp_path / "by_hand.png")
    assert state == "Valid"
    assert said["c2pa.actions.v2"]["actions"][0]["digitalSourceType"].endswith("/compositeWithTrainedAlgorithmicMedia")
    with pytest.raises(RuntimeError, match="signed already"):
        bpy.ops.dgtalker.sign_files(**one)
