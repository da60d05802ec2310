"""From a video to a clip, on films of the built-in heads. The fit of the face model has tests of its own."""

from __future__ import annotations

import dataclasses
import re
import shutil

import av
import made_videos as made
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from dgtalker_engine.capture import face_model, observe, pipeline
from dgtalker_engine.capture.clip import Clip, frame_path
from dgtalker_engine.capture.coverage import lip_opening
from dgtalker_engine.capture.fit import Fit
from dgtalker_engine.cli.main import main
from dgtalker_engine.errors import Cancelled, DGTalkerError

pytestmark = pytest.mark.usefixtures("landmarker")

SIZE = 128


def quiet(fraction, text):
    assert 0 <= fraction <= 1
    assert text


@pytest.fixture(autouse=True)
def quick_fit(monkeypatch):
    """In place of the fit: the pose with which the heads are filmed, and the mean face."""

    def fit_landmarks(model, landmarks, arkit, blink, times, size, progress):
        assert np.isfinite(landmarks).all()
        count = len(landmarks)
        pose = np.eye(4)
        pose[:3, :3], pose[2, 3] = [[1, 0, 0], [0, 0, -1], [0, 1, 0]], 0.85
        return Fit(
            focal=2.2 * size,
            identity=np.zeros(len(model.identity)),
            expression=np.zeros((count, len(model.expression_names))),
            pose=np.zeros((count, len(model.joint_names), 3)),
            head_to_camera=np.tile(pose, (count, 1, 1)),
            landmark_offsets=np.zeros((478, 3)),
            reprojected=landmarks[..., :2],
            error=np.zeros(count),
        )

    monkeypatch.setattr(pipeline, "fit_landmarks", fit_landmarks)
    monkeypatch.setattr(pipeline, "refine", lambda clip, model, progress: clip.tracks)


@pytest.fixture(scope="module")
def talking(tmp_path_factory):
    """A film of 48 frames with sound."""
    sound = 0.3 * np.sin(np.arange(2 * 16000) / 9).astype(np.float32)
    return made.write_video(tmp_path_factory.mktemp("talking") / "talking.mp4", made.talking(48), sound=sound)


def test_a_film_of_a_talking_head_becomes_a_clip(talking, tmp_path, capsys):
    folder = tmp_path / "clip"
    assert main(["capture", str(talking), "-o", str(folder), "--size", str(SIZE)]) == 0
    said = capsys.readouterr().err
    assert re.search(r"48 frames of 128 × 128 px, about \d+ MB in", said), "the room it needs, first"
    assert "Milliseconds a frame: scan" in said
    clip = Clip.load(folder)
    assert clip.info.kept == tuple(range(48))
    assert clip.info.fps == 25
    assert clip.info.photometric
    assert clip.tracks.times == pytest.approx(np.arange(48) / 25, abs=1e-3)
    samples, rate = clip.sound()
    assert len(samples) / rate == pytest.approx(48 / 25, abs=0.02)
    opening = lip_opening(clip.tracks.landmarks)
    jaws = np.array((0.0, 0.2, 0.4, 0.6, 0.6, 0.4, 0.2, 0.0) * 6)
    assert np.corrcoef(opening, jaws)[0, 1] > 0.9
    shut = np.isin(np.arange(48) % 16, (9, 10))
    assert clip.tracks.blink[shut].min() > 0.6 > 0.3 > clip.tracks.blink[~shut].max()
    mask = clip.mask(20)
    assert mask.shape == (SIZE, SIZE)
    assert mask[SIZE // 2, SIZE // 2] > 250, "the face is the person"
    assert mask[:6, :6].max() < 50, "what is behind is not"
    assert not (folder / ".unfinished").exists()
    report = (folder / "report.html").read_text()
    assert report.count("data:image/jpeg;base64,") >= 6
    assert "No smile" in report
    assert "No smile" in said


def test_a_capture_that_was_stopped_goes_on_where_it_was(talking, tmp_path, monkeypatch):
    monkeypatch.setattr(observe, "CHUNK", 10)
    whole = pipeline.capture(talking, tmp_path / "whole", size=SIZE, progress=quiet)

    def until_frame_35(fraction, text):
        if "frame 35 " in text:
            raise Cancelled

    folder = tmp_path / "clip"
    with pytest.raises(Cancelled):
        pipeline.capture(talking, folder, size=SIZE, progress=until_frame_35)
    with pytest.raises(DGTalkerError, match="is no clip"):
        Clip.load(folder)
    (folder / "frames" / ".000031.jpg.1.tmp").touch()  # as a kill leaves it
    seen = []
    clip = pipeline.capture(talking, folder, size=SIZE, progress=lambda fraction, text: seen.append(text))
    tracked = [text for text in seen if text.startswith("Tracking")]
    assert tracked[0] == "Tracking the face, frame 31 of 48"
    assert "Looking for the face" not in seen
    assert clip.info.kept == whole.info.kept
    assert not list(folder.rglob(".*"))
    assert clip.frame_path(40).read_bytes() == whole.frame_path(40).read_bytes()
    assert np.abs(clip.tracks.landmarks - whole.tracks.landmarks).max() < 0.02 * SIZE
    again = pipeline.capture(talking, folder, size=SIZE, progress=lambda *_: pytest.fail("it is there already"))
    assert np.array_equal(again.tracks.landmarks, clip.tracks.landmarks)


def test_a_clip_whose_rejected_frames_were_being_removed_when_the_power_went_is_finished(talking, tmp_path):
    folder = tmp_path / "clip"
    pictures = made.talking(40)
    pictures[20] = np.full_like(pictures[20], 100)  # a flash, which is left out, and shown in the report
    film = made.write_video(tmp_path / "film.mp4", pictures)
    report = pipeline.capture(film, folder, size=SIZE, progress=quiet).folder / "report.html"
    assert not frame_path(folder, 20).exists()
    before = report.read_bytes()
    (folder / pipeline.UNFINISHED).mkdir()  # as it was before all was done
    assert not pipeline.is_captured(folder)
    pipeline.capture(film, folder, size=SIZE, progress=quiet)
    assert pipeline.is_captured(folder)
    assert report.read_bytes() == before


def test_a_file_that_gets_shorter_meanwhile_is_no_shorter_clip(talking, tmp_path):
    film = tmp_path / "film.mkv"
    with av.open(str(talking)) as read, av.open(str(film), "w") as written:
        streams = {stream.index: written.add_stream_from_template(stream) for stream in read.streams}
        for packet in read.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream.index]
                written.mux(packet)
    whole = film.read_bytes()

    def leave(fraction, text):
        if text.startswith("Tracking the face, frame 1 "):
            film.write_bytes(whole[: len(whole) // 2])

    with pytest.raises(DGTalkerError, match=r"film.mkv can be read up to .* only, where it could be") as error:
        pipeline.capture(film, tmp_path / "clip", size=SIZE, progress=leave)
    assert "drive" in error.value.hint
    film.write_bytes(whole)
    assert len(pipeline.capture(film, tmp_path / "clip", size=SIZE, progress=quiet)) == 48


def test_a_download_that_broke_off_is_said(tmp_path):
    film = made.write_video(tmp_path / "film.mkv", made.talking(120))
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])
    clip = pipeline.capture(film, tmp_path / "clip", size=SIZE, progress=quiet)
    assert any(re.match(r"The video's pictures can be read up to \d\.\d s", note) for note in clip.info.notes)


def test_what_a_clip_cannot_teach_is_judged_by_its_refined_poses(talking, tmp_path, monkeypatch):
    def refine(clip, model, progress):
        assert any("No view of the right side" in sentence for sentence in clip.info.cannot_teach)
        poses = clip.tracks.head_to_camera.copy()
        poses[3, :3, :3] = poses[3, :3, :3] @ Rotation.from_euler("z", 20, degrees=True).as_matrix()
        return dataclasses.replace(clip.tracks, head_to_camera=poses)

    monkeypatch.setattr(pipeline, "refine", refine)
    info = pipeline.capture(talking, tmp_path / "clip", seconds=1.2, size=SIZE, progress=quiet).info
    sides = [sentence for sentence in info.cannot_teach if "No view" in sentence]
    assert len(sides) == 1
    assert "left side" in sides[0]
    assert not any("No sound" in sentence for sentence in info.cannot_teach)


def test_a_folder_with_something_else_in_it_is_left_alone(talking, tmp_path):
    (tmp_path / "letter.txt").touch()
    with pytest.raises(DGTalkerError, match="is not empty"):
        pipeline.capture(talking, tmp_path, size=SIZE, progress=quiet)
    pipeline.capture(talking, tmp_path / "clip", seconds=1.2, size=SIZE, progress=quiet)
    with pytest.raises(DGTalkerError, match=r"another clip, of talking.mp4"):
        pipeline.capture(talking, tmp_path / "clip", size=SIZE, progress=quiet)
    ours = face_model.load()
    other = dataclasses.replace(ours, neutral=1.01 * ours.neutral)
    with pytest.raises(DGTalkerError, match="another face model"):
        pipeline.capture(talking, tmp_path / "clip", seconds=1.2, size=SIZE, model=other, progress=quiet)


def test_a_stretch_of_a_long_video_is_taken(talking, tmp_path):
    clip = pipeline.capture(talking, tmp_path / "clip", start=0.52, seconds=1.2, size=SIZE, progress=quiet)
    assert len(clip) == 30
    assert clip.tracks.times[0] == 0
    assert clip.info.source.start == pytest.approx(0.52)
    samples, rate = clip.sound()
    assert len(samples) / rate == pytest.approx(1.2, abs=0.01)


def test_a_recording_that_does_not_begin_at_zero_is_taken_from_its_beginning(tmp_path):
    times = 1.4 + np.arange(40) / 25
    path = made.write_video(tmp_path / "broadcast.ts", made.talking(40), times=times)
    clip = pipeline.capture(path, tmp_path / "clip", seconds=1.2, size=SIZE, progress=quiet)
    assert len(clip) == 30
    assert clip.tracks.times[0] == 0


def test_what_cannot_be_asked_for_is_refused(talking, tmp_path):
    for options in ({"size": 0}, {"size": 10000}, {"start": -1.0}, {"seconds": 0.0}):
        with pytest.raises(DGTalkerError):
            pipeline.capture(talking, tmp_path / "clip", **{"size": SIZE, **options}, progress=quiet)
    with pytest.raises(DGTalkerError, match="has no pictures between 100 s"):
        pipeline.capture(talking, tmp_path / "clip", start=100.0, size=SIZE, progress=quiet)


def test_a_full_disk_is_said_before_anything_is_written(talking, tmp_path, monkeypatch):
    full = shutil.disk_usage(tmp_path)._replace(free=100 * 2**20)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: full)
    with pytest.raises(DGTalkerError, match=r"needs about \d+ MB in .*, where 100 MB are free") as error:
        pipeline.capture(talking, tmp_path / "clip", size=SIZE, progress=quiet)
    assert "--seconds" in error.value.hint
    assert not (tmp_path / "clip" / "frames").exists()


def test_frames_that_teach_wrong_are_left_out_with_their_reason(tmp_path):
    pictures = made.talking(100)
    nothing = np.full_like(pictures[0], 100)
    for i in range(20, 23):  # a flash
        pictures[i] = nothing
    for i in range(40, 46):  # a dark cup before the mouth
        pictures[i] = pictures[i].copy()
        pictures[i][150:215, 85:155] = (30, 25, 40)
    for i in range(60, 63):  # the head moves to the side
        smear = np.stack([np.roll(pictures[i], shift, axis=1) for shift in range(-8, 9)])
        pictures[i] = smear.mean(axis=0).astype(np.uint8)
    path = made.write_video(tmp_path / "film.mp4", pictures)
    clip = pipeline.capture(path, tmp_path / "clip", size=SIZE, progress=quiet)
    reasons = {rejected.frame: rejected.reason for rejected in clip.info.rejected}
    assert {reasons.get(i) for i in range(20, 23)} == {"no face is seen"}
    assert {reasons.get(i) for i in range(40, 46)} == {"something is before the mouth"}
    assert {reasons.get(i) for i in range(60, 63)} == {"the face is blurred by motion"}
    assert len(reasons) <= 16, "and hardly any others"
    assert not frame_path(clip.folder, 41).exists()
    assert "No sound" in " ".join(clip.info.cannot_teach)
    assert "something is before the mouth" in (clip.folder / "report.html").read_text()


def test_a_clip_with_too_little_of_use_is_refused(tmp_path):
    path = made.write_video(tmp_path / "film.mp4", made.talking(15))
    with pytest.raises(DGTalkerError, match=r"Only 15 frames of film.mp4 are of use, 25 are needed"):
        pipeline.capture(path, tmp_path / "clip", size=SIZE, progress=quiet)


def test_a_phones_uneven_rate_is_kept_in_the_times(tmp_path):
    rng = np.random.default_rng(3)
    times = np.sort(np.arange(60) / 30 + rng.uniform(-0.008, 0.008, 60))
    times -= times[0]
    times = np.delete(times, [20, 21])
    path = made.write_video(tmp_path / "phone.mp4", made.talking(58), times=times)
    clip = pipeline.capture(path, tmp_path / "clip", size=SIZE, progress=quiet)
    assert clip.info.fps == pytest.approx(30, rel=0.03)
    assert np.abs(clip.tracks.times[:, None] - times).min(axis=1).max() < 1e-3, "each is a time of the file"
    assert np.abs(clip.tracks.times - np.array(clip.info.kept) / clip.info.fps).max() < 0.55 / clip.info.fps
    assert len(clip) >= 54
