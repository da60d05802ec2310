"""The way from a clip to a head as one job: consent first, stopped and resumed anywhere, checked at the end."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
from dataclasses import replace

import numpy as np
import pytest
from bound_head import made_clip, system_that

from dgtalker_engine import avatar
from dgtalker_engine.capture import face_model as face_models
from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.rig import ARKIT_NAMES, Surface
from dgtalker_engine.training import Run
from dgtalker_engine.training.avatar_job import train_avatar
from dgtalker_engine.training.support import seen, unsupported
from dgtalker_engine.wire.jobs import Request

CONSENT = {"subject": "Nobody", "scope": "tests", "granted_by": "tests", "date": "", "status": "synthetic"}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return made_clip(tmp_path_factory.mktemp("clip") / "clip", frames=6, size=64)


@pytest.fixture(scope="module")
def trained(clip, tmp_path_factory):
    """The job's folder, its output, what it returned, all progress, and the pictures that it showed."""
    folder = tmp_path_factory.mktemp("job")
    told, shown = [], []
    run = Run(folder=folder / "job", progress=told.append, show=shown.append)
    result = train_avatar(system_that(), request_of(clip, folder / "Nobody.dgt"), run)
    return folder, avatar.load(folder / "Nobody.dgt"), result, told, shown


def request_of(clip, path, **changes) -> Request:
    request = Request(trainer="bound", input=str(clip.folder), output=str(path), consent=CONSENT)
    return replace(request, **changes)


def test_the_file_holds_the_head_its_consent_and_how_it_was_trained(trained, clip):
    _, head, result, _, _ = trained
    assert head.metadata.name == "Nobody"
    assert head.metadata.consent.status == "synthetic"
    assert head.metadata.training.system == "bound"
    assert head.metadata.training.frames == len(clip)
    assert head.metadata.training.bake_psnr > 40
    assert head.metadata.training.bake_psnr == result["bake"]["psnr"]
    assert "tongueOut" in head.metadata.training.unsupported
    assert not {"jawOpen", "cheekPuff", "browDownLeft"} & set(result["unsupported"])
    json.dumps(result)


def test_its_controls_are_arkits_and_those_of_head_and_gaze_and_they_move_it(trained):
    head = trained[1]
    assert head.rig.names[: len(ARKIT_NAMES)] == ARKIT_NAMES
    rest = head.pose(head.rig.defaults).means.numpy()
    chin = rest[:, 2] < np.quantile(rest[:, 2], 0.5)
    opened = head.pose(head.rig.weights({"jawOpen": 1.0})).means.numpy()
    assert (opened - rest)[chin, 2].min() < -0.008
    turned = head.pose(head.rig.weights({"headTurn": 1.0})).means.numpy()
    assert np.abs(turned - rest)[rest[:, 2] > 0].max() > 0.02
    assert np.abs(turned - rest)[rest[:, 2] < rest[:, 2].min() + 0.01].max() < 0.003
    side = head.pose(head.rig.weights({"gazeSide": 1.0})).means.numpy()
    assert 0.001 < np.abs(side - rest).max() < 0.02


def test_eyes_sink_behind_lids_that_shut_and_stay_where_they_are_until_then(trained):
    head = trained[1]
    rest = head.pose(head.rig.defaults).means.numpy()

    def sunk(blink):
        back = (head.pose(head.rig.weights({"eyeBlinkLeft": blink})).means.numpy() - rest)[:, 1]
        return np.quantile(back[rest[:, 0] > 0], 0.999), back[rest[:, 0] < -0.005].max()

    assert sunk(1.0) == pytest.approx((0.008, 0.0), abs=0.002)
    assert sunk(0.5) == pytest.approx((0.0, 0.0), abs=0.003)


def test_the_proxy_mesh_has_the_persons_colours_and_the_surfaces_of_a_face(trained):
    proxy = trained[1].proxy
    assert {Surface.SKIN, Surface.LIPS, Surface.IRIS, Surface.HAIR, Surface.TEETH} <= set(proxy.surfaces.tolist())

    def colour(surface):
        return proxy.colours[np.unique(proxy.faces[proxy.surfaces == surface, :3]), :3].mean(axis=0)

    assert colour(Surface.LIPS)[0] > 1.5 * colour(Surface.LIPS)[1]
    assert colour(Surface.HAIR).mean() < 0.7 * colour(Surface.SKIN).mean()


def test_its_progress_runs_through_the_stages_to_the_end_and_pictures_are_shown(trained):
    _, _, _, told, shown = trained
    stages = list(dict.fromkeys(each.stage for each in told))
    assert stages == ["train", "bake"]  # the clip was there
    fractions = [each.fraction for each in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert shown
    assert shown[-1].shape == (64, 64, 3)


@pytest.mark.parametrize("consent", [{}, CONSENT | {"status": "unknown"}])
def test_without_consent_nothing_is_read_and_nothing_is_written(tmp_path, consent):
    request = Request(trainer="bound", input="no such video", output=str(tmp_path / "a" / "b.dgt"), consent=consent)
    with pytest.raises(DGTalkerError, match="consent"):
        train_avatar(system_that(), request, Run(folder=tmp_path / "job"))
    assert list(tmp_path.iterdir()) == []


def test_a_clip_of_somebody_else_than_the_one_who_agreed_is_refused(tmp_path, clip, trained):
    other = CONSENT | {"subject": "Somebody"}
    with pytest.raises(DGTalkerError, match="shows Nobody, and not Somebody"):
        train_avatar(system_that(), request_of(clip, tmp_path / "x.dgt", consent=other), Run(folder=tmp_path / "job"))
    assert not (tmp_path / "x.dgt").exists()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"input": "no/such.mp4"}, "no video"),
        ({"input": ""}, "no video"),
        ({"output": "head.blend"}, "cannot be written"),
        ({"config": {"wings": 2}}, "no wings"),
    ],
)
def test_a_request_that_cannot_be_done_is_refused_before_any_work(tmp_path, clip, changes, said):
    with pytest.raises(DGTalkerError, match=said):
        train_avatar(system_that(), request_of(clip, tmp_path / "x.dgt", **changes), Run(folder=tmp_path / "job"))
    assert not (tmp_path / "x.dgt").exists()


def test_a_video_that_went_after_it_was_read_is_not_missed(tmp_path, clip):
    request = request_of(clip, tmp_path / "Nobody.dgt", input=str(tmp_path / "on a stick.mp4"))
    shutil.copytree(clip.folder, tmp_path / "job" / "clip")
    assert train_avatar(system_that(), request, Run(folder=tmp_path / "job"))["frames"] == len(clip)
    (tmp_path / "job" / "clip" / ".unfinished").mkdir()
    with pytest.raises(DGTalkerError, match="no video"):
        train_avatar(system_that(), request, Run(folder=tmp_path / "job"))


def test_a_job_that_is_stopped_again_and_again_gives_the_same_file_as_one_that_was_not(tmp_path, clip, trained):
    request, stopped_in = request_of(clip, tmp_path / "Nobody.dgt"), []
    for patience in (1, 9, 25, 60, 10**9):
        asked = iter(range(10**9))
        told = []
        run = Run(folder=tmp_path / "job", progress=told.append, cancelled=lambda: next(asked) >= patience)  # noqa: B023
        with contextlib.suppress(Cancelled):
            train_avatar(system_that(), request, run)
            break
        assert not (tmp_path / "Nobody.dgt").exists()
        stopped_in.append(told[-1].stage if told else "")
    assert "train" in stopped_in
    assert "bake" in stopped_in
    assert (tmp_path / "Nobody.dgt").read_bytes() == (trained[0] / "Nobody.dgt").read_bytes()


def test_a_control_is_seen_where_it_or_its_mirror_image_was_for_some_frames():
    frames = np.zeros((10, 52))
    frames[2:6, ARKIT_NAMES.index("mouthSmileLeft")] = 0.4
    frames[7, ARKIT_NAMES.index("jawOpen")] = 1.0  # one frame may be a mistake
    assert seen(frames) == {"mouthSmileLeft", "mouthSmileRight"}


def test_a_control_is_supported_unless_it_uncovers_what_no_frame_shows(clip):
    face_model = face_models.load()
    missing = unsupported(clip, face_model)
    assert "tongueOut" in missing
    assert not {"cheekPuff", "mouthSmileRight", "jawLeft", "browInnerUp"} & set(missing)
    out = np.zeros((len(clip), 52), np.float32)
    out[:, ARKIT_NAMES.index("tongueOut")] = 1.0
    shown = replace(clip, tracks=replace(clip.tracks, expression=out))
    assert "tongueOut" not in unsupported(shown, face_model)


def test_what_is_left_is_told_by_what_the_system_says_its_training_takes(tmp_path):
    raw = made_clip(tmp_path / "clip", frames=6, size=64, photometric=False)
    told = []
    run = Run(folder=tmp_path / "job", progress=told.append, cancelled=lambda: bool(told))
    with pytest.raises(Cancelled):
        train_avatar(replace(system_that(), cost=lambda _: 1e6), request_of(raw, tmp_path / "Nobody.dgt"), run)
    assert told[0].stage == "capture"
    assert told[0].eta > 1e5


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that refuses everybody")
def test_a_folder_that_cannot_be_written_to_is_told_before_anything_is_trained(tmp_path, clip):
    request = Request(trainer="bound", input=str(clip.folder), output="/proc/head.dgt", consent=CONSENT)
    with pytest.raises(DGTalkerError, match="Nothing can be written to /proc") as refused:
        train_avatar(system_that(pytest.fail), request, Run(folder=tmp_path))
    assert "another folder" in refused.value.hint or "may write" in refused.value.hint
    assert list(tmp_path.iterdir()) == []
