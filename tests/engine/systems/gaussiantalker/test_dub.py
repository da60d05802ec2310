"""Dubs: the person of a clip says something else in the clip's pictures, and the film says that a machine made it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import soundfile
from dub_tools import FRAMES, SIZE, make_clip

from dgtalker_engine import avatar as avatars
from dgtalker_engine.capture import face_model
from dgtalker_engine.capture.clip import Clip
from dgtalker_engine.capture.video import Video
from dgtalker_engine.cli import dub as command
from dgtalker_engine.cli.main import main
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians import render
from dgtalker_engine.performance import Performance
from dgtalker_engine.rig import ARKIT_NAMES
from dgtalker_engine.systems.gaussiantalker import dub, film
from dgtalker_engine.systems.gaussiantalker.dub import Dubber, frames_for, into_video
from dgtalker_engine.systems.gaussiantalker.inpainting import InpaintingConfig
from dgtalker_engine.training.face_rig import face_rig
from dgtalker_engine.wire import provenance

OPEN = Performance(25.0, ("jawOpen",), np.full((3, 1), 0.8, np.float32))
AGREED = ("--consent", "signed", "--subject", "Bob", "--scope", "a test", "--granted-by", "Bob", "--date", "2026-11-28")


@pytest.fixture(scope="module")
def head() -> bytes:
    return avatars.builtin("robin")


@pytest.fixture(scope="module")
def dubber(head, tmp_path_factory) -> Dubber:
    return Dubber.of(make_clip(tmp_path_factory.mktemp("clip"), head), face_model.load(), avatars.load(head))


def test_a_dub_goes_forwards_and_backwards_through_the_clip():
    assert frames_for(4, 9).tolist() == [0, 1, 2, 3, 2, 1, 0, 1, 2]
    assert frames_for(1, 3).tolist() == [0, 0, 0]


def test_the_mouth_opens_and_nothing_changes_beside_the_face(dubber):
    index, picture, mask = next(iter(dubber.dub(OPEN, None)))
    original = dubber.clip.frame(index)
    assert np.array_equal(picture[mask == 0], original[mask == 0])
    assert (mask == 0).mean() > 0.4
    mouth = np.abs(picture.astype(int) - original)[SIZE // 2 : 3 * SIZE // 4, SIZE // 3 : 2 * SIZE // 3]
    assert mouth.max() > 60


def test_the_same_expression_gives_the_footage_back(dubber):
    picture, _ = dubber.frame(2, {}, None)
    assert np.abs(picture.astype(int) - dubber.clip.frame(2)).mean() < 2


def test_a_tracked_blink_that_just_shuts_narrow_eyes_shuts_the_heads(dubber, monkeypatch):
    blink = ARKIT_NAMES.index("eyeBlinkLeft")
    reach, expression = np.ones(len(ARKIT_NAMES), np.float32), np.zeros_like(dubber.clip.tracks.expression)
    reach[blink] = expression[:, blink] = 0.6
    rig = replace(face_rig(face_model.load(), dubber.clip.tracks.identity), reach=reach)
    monkeypatch.setattr(dub, "face_rig", lambda *_: rig)
    clip = replace(dubber.clip, tracks=replace(dubber.clip.tracks, expression=expression))
    shut = Dubber.of(clip, face_model.load(), dubber.avatar).footage(0)
    full = render(dubber.avatar.pose(dubber.avatar.rig.weights({"eyeBlinkLeft": 1.0})), clip.camera(0))
    assert np.abs(shut.rendered / 255 - np.clip(full.rgb, 0, 1)).max() < 0.01


def test_a_wide_open_mouth_needs_a_larger_mask(dubber):
    still = dubber.footage(0).face.sum(dtype=int)
    assert dubber.footage(0, {"jawOpen": 1.0}).face.sum(dtype=int) > still


def test_the_whole_picture_keeps_what_lies_around_the_square(dubber):
    random = np.random.default_rng(0)
    whole = random.integers(0, 255, (100, 120, 3)).astype(np.uint8)
    (picture,) = into_video([(0, np.zeros((SIZE, SIZE, 3), np.uint8), np.eye(SIZE) > 2)], dubber.clip, lambda _: whole)
    assert np.array_equal(picture, whole)
    everywhere = np.ones((SIZE, SIZE), np.float32)
    (picture,) = into_video([(0, np.zeros((SIZE, SIZE, 3), np.uint8), everywhere)], dubber.clip, lambda _: whole)
    assert not picture[2:98, 20:116].any()
    assert np.array_equal(picture[:, :20], whole[:, :20])


def test_a_clip_of_another_face_model_is_refused(dubber, head):
    other = replace(face_model.load(), neutral=1.01 * face_model.load().neutral)
    with pytest.raises(DGTalkerError, match="another face model"):
        Dubber.of(dubber.clip, other, dubber.avatar)


def test_a_film_has_its_pictures_its_sound_and_where_it_comes_from(tmp_path, head):
    av = pytest.importorskip("av")
    path = tmp_path / "film.mp4"
    shades = [np.full((33, 48, 3), shade, np.uint8) for shade in (40, 120, 200)]
    sound = 0.3 * np.sin(np.arange(4000) / 10).astype(np.float32)
    packet = provenance.xmp(["abc"])
    film.write_film(path, iter(shades), 12.5, sound, 16000, packet)
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        assert container.streams.video[0].average_rate == 12.5
        heard = sum(frame.samples / frame.sample_rate for frame in av.open(str(path)).decode(audio=0))
    assert [frame.shape for frame in frames] == [(32, 48, 3)] * 3
    assert [round(float(frame.mean())) for frame in frames] == pytest.approx([40, 120, 200], abs=4)
    assert heard == pytest.approx(0.25, abs=0.08)
    data = path.read_bytes()
    assert film.XMP_BOX + packet.encode() in data
    assert b"trainedAlgorithmicMedia" in data
    assert [each.name for each in tmp_path.iterdir()] == ["film.mp4"]


def test_the_command_asks_who_is_seen_in_the_clip_and_writes_nothing_without(dubber, head, tmp_path, capsys):
    file = tmp_path / "head.dgt"
    file.write_bytes(head)
    words = ["dub", str(dubber.clip.folder), "none.wav", "--head", str(file), "-o", str(tmp_path / "film.mp4")]
    assert main(words) == 1
    said = capsys.readouterr().err
    assert "nobody has agreed to this dub" in said
    assert "--consent" in said
    assert main([*words, *AGREED]) == 1
    assert "none.wav" in capsys.readouterr().err, "consent is there, the words are not"
    assert main(words) == 1
    assert "nobody has agreed" in capsys.readouterr().err, "nothing was dubbed, and nothing is kept of what was said"
    assert main([*words, "--subject", "Bob"]) == 1
    assert "without --consent" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == [file]


def _pictures(path):
    av = pytest.importorskip("av")
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_the_command_dubs_the_whole_video_and_only_the_video_that_the_clip_is_from(tmp_path, monkeypatch, head, capsys):
    video, other, sound, dubbed, file = (tmp_path / n for n in ("wall.mp4", "b.mp4", "a.wav", "dub.mp4", "head.dgt"))
    walls = [np.full((100, 120, 3), (40, 90 + 10 * i, 160), np.uint8) for i in range(FRAMES)]
    film.write_film(video, iter(walls), 25.0, np.zeros(0, np.float32), 16000, "")
    film.write_film(other, iter(walls[:3]), 25.0, np.zeros(0, np.float32), 16000, "")
    clip = make_clip(tmp_path / "clip", head)
    clip.save_info(source=replace(clip.info.source, digest=Video.open(video).digest()))
    soundfile.write(sound, np.zeros(1920, np.float32), 16000)
    file.write_bytes(head)
    monkeypatch.setattr(command, "spoken", lambda *_: OPEN)
    monkeypatch.setattr(command, "InpaintingConfig", partial(InpaintingConfig, steps=2, patch=32, width=4, frames=2))

    def run(output, into):
        words = ["dub", str(clip.folder), str(sound), "--head", str(file), "-o", str(output), "--into-video", str(into)]
        return main([*words, *AGREED])

    assert run(dubbed, video) == 0
    assert Clip.load(clip.folder).info.consent["subject"] == "Bob", "what was said is kept with the clip"
    shown, originals = _pictures(dubbed), _pictures(video)
    assert len(shown) == OPEN.frames
    for picture, original in zip(shown, originals, strict=False):
        change = np.abs(picture.astype(int) - original).max(axis=2)
        assert change[:, :16].max() < 12
        assert change[50:90, 50:90].max() > 60
    assert "does not say how this person speaks" in capsys.readouterr().err
    assert run(tmp_path / "no.mp4", other) != 0
    assert "was not made from" in capsys.readouterr().err
    assert run(video, video) != 0
    assert "replace its own video" in capsys.readouterr().err
    assert not (tmp_path / "no.mp4").exists()
