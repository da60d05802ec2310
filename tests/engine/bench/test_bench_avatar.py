"""The bench of heads from videos: a whole small run, its keys, what it reuses, and its verdict on the paper's table."""

from __future__ import annotations

import importlib.util
import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from made_clips import make_clip

from dgtalker_engine.capture import face_model as face_models
from dgtalker_engine.capture.clip import SOUND
from dgtalker_engine.rig import ARKIT_NAMES
from dgtalker_engine.systems.d3talker.job import SYSTEM as d3talker
from dgtalker_engine.systems.gaussiantalker.job import SYSTEM
from dgtalker_engine.systems.gaussiantalker.motion import manner
from dgtalker_engine.training.metrics import closed_auc

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))

from avatars import ablations, protocols, sound_driven, tables, turned

BENCH = Path(__file__).resolve().parents[2] / "bench" / "avatar.py"
SAMPLE = Path(__file__).resolve().parents[2] / "demo" / "sample.wav"

KEYS = {
    "system", "clip", "seconds", "protocol", "psnr", "psnr_head", "ssim", "lmd", "r_open", "auc", "minutes", "fps",
    "megabytes",
}  # fmt: skip
SMALL = {
    "steps": 4,
    "face_gaussians": 1500,
    "hair_gaussians": 300,
    "neck_gaussians": 100,
    "most_gaussians": 2000,
    "density_control": False,
    "completed": False,
}


@pytest.fixture(scope="module")
def bench():
    spec = importlib.util.spec_from_file_location("bench_avatar", BENCH)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def small():
    """The system with a small configuration whatever is asked for."""

    class Small(SYSTEM.config):
        @classmethod
        def from_json(cls, values):
            return SYSTEM.config.from_json(SMALL | {"share": values["share"]})

    return replace(SYSTEM, config=Small)


def test_a_captured_clip_gives_the_rows_and_a_second_run_reuses_what_is_there(bench, small, tmp_path, monkeypatch):
    for slow in ("refine", "_fitted"):  # the capture's, which has tests of its own
        monkeypatch.setattr(protocols, slow, lambda clip, *_, **__: clip.tracks)
    clip = make_clip(tmp_path / "someone" / "clip", frames=20)
    clip.save_info(face_model_hash=face_models.load().digest, photometric=True)
    first = bench.Bench(clip.folder, tmp_path / "out", small, None, None)
    rows = first.rows()
    assert first.name == "someone"
    assert [row["protocol"] for row in rows] == ["published", "strict"]  # nobody is heard in this clip
    assert all(set(row) >= KEYS for row in rows)
    assert (first.own / "sheet.png").stat().st_size > 1000
    files = {path: path.stat().st_mtime_ns for path in first.out.rglob("*.*") if path.name != "sheet.png"}
    again = bench.Bench(clip.folder, tmp_path / "out", small, None, None).rows()
    assert {path: path.stat().st_mtime_ns for path in files} == files
    for row, before in zip(again, rows, strict=True):
        assert {key: row[key] for key in KEYS - {"fps"}} == pytest.approx(
            {key: before[key] for key in KEYS - {"fps"}}, nan_ok=True
        )


def test_a_clip_with_sound_drives_the_mouth_and_nothing_else(tmp_path):
    clip = make_clip(tmp_path / "clip", frames=60, size=32)
    sound, rate = soundfile.read(SAMPLE, dtype="float32")
    soundfile.write(clip.folder / SOUND, sound[: len(clip) * rate // 25], rate)
    head = SimpleNamespace(extras={name: each.numpy() for name, each in manner.load().tensors().items()})
    found = sound_driven.expressions(clip, face_models.load(), head, until=1.6)
    assert found is not None
    curves, late = found
    assert np.ptp(curves[:, ARKIT_NAMES.index("jawOpen")]) > 0.05
    assert np.ptp(curves[:, ARKIT_NAMES.index("browInnerUp")]) == 0
    assert abs(late) <= 0.5
    assert sound_driven.expressions(clip, face_models.load(), SimpleNamespace(extras={}), until=1.6) is None


def test_every_ablation_is_a_configuration_and_only_its_own_part_is_left_out():
    for system in (SYSTEM, d3talker):
        common = ablations.COMMON[system.name]
        full = system.config.from_json(dict(common))
        for each in ablations.TABLES[system.name][1:]:
            changed = system.config.from_json({**common, **each.changes})
            assert each.landmarks or changed != full
    assert sum(each.paper is not None for each in ablations.GAUSSIANTALKER) == 4


def test_each_ablation_has_a_training_of_its_own_and_the_landmarks_one_other_poses(bench, small, tmp_path, monkeypatch):
    chosen = (ablations.GAUSSIANTALKER[0], next(each for each in ablations.GAUSSIANTALKER if each.landmarks))
    clip = make_clip(tmp_path / "clip", frames=20)
    moved = clip.tracks.head_to_camera.copy()
    moved[:, 0, 3] += 0.04
    monkeypatch.setattr(protocols, "_fitted", lambda clip, _: replace(clip.tracks, head_to_camera=moved))
    rows = bench.Bench(clip.folder, tmp_path / "out", small, None, None).ablations(chosen)
    assert [row["ablation"] for row in rows] == [each.name for each in chosen]
    assert rows[0]["psnr"] != pytest.approx(rows[1]["psnr"], abs=0.05)
    assert len(list((tmp_path / "out").rglob("checkpoint.safetensors"))) == 2


def _averages(psnr: dict[str, float]) -> list[tables.Row]:
    rows = []
    for each in ablations.GAUSSIANTALKER:
        figures = dict.fromkeys(("psnr", "psnr_head", "ssim", "lmd", "r_open", "flicker"), 30.0)
        rows.append({"clip": "x", "ablation": each.name, **figures, "psnr": psnr.get(each.name, 30.0)})
    return ablations.means(rows, ablations.GAUSSIANTALKER)


def test_the_papers_order_is_reproduced_only_by_differences_larger_than_chance():
    like_the_paper = {row.name: row.paper[0] for row in ablations.GAUSSIANTALKER if row.paper}
    averages = _averages(like_the_paper | {ablations.AGAIN: 38.3})
    assert ablations.order(averages)["reproduced"]
    unsure = ablations.order(_averages(like_the_paper | {ablations.AGAIN: 38.0}))
    assert not unsure["reproduced"]
    verdicts = {(pair["better"], pair["worse"]): pair["verdict"] for pair in unsure["pairs"]}
    assert verdicts["without semantic loss", "without fine-tuned face parameters"] == "no difference"
    assert verdicts[ablations.FULL, "without semantic loss"] == "reproduced"
    text = ablations.shown(averages, unsure)
    assert "not reproduced" in text
    assert "38.37" in text


def test_a_table_that_no_paper_published_has_no_order():
    table = ablations.with_priors([Path("without_contrast.safetensors")])
    averages = ablations.means([{"clip": "x", "ablation": each.name, "psnr": 30.0} for each in table], table)
    text = ablations.shown(averages, ablations.order(averages))
    assert "one field" in text
    assert "begun with without_contrast" in text
    assert "reproduced" not in text


def test_the_table_has_each_systems_means_of_clips_and_the_published_rows_beside_them():
    row = {"system": "gaussiantalker", "seconds": 5.0, "protocol": "published", "psnr": 30.0, "lmd": math.nan}
    other = {**row, "system": "d3talker", "clip": "a", "psnr": 10.0, "refined": {"psnr": 11.25, "lmd": 2.0}}
    text = tables.heads([{**row, "clip": "a"}, {**row, "clip": "b", "psnr": 32.0, "lmd": 1.0}, other])
    lines = text.splitlines()
    assert lines[0].split()[:4] == ["system", "clip", "seconds", "protocol"]
    (mean,) = [line for line in lines if "mean of 2" in line]
    assert mean.split()[-2:] == ["31.00", "1"]
    (fine,) = [line for line in lines if "refined" in line]
    assert fine.split() == ["d3talker", "a", "5", "refined", "11.25", "2"]
    assert "D3-Talker" in text
    json.dumps(tables.PUBLISHED)


def test_closed_lips_are_told_by_who_is_less_open():
    lips = np.sin(np.linspace(0, 20, 100))
    assert closed_auc(lips, 3 * lips + 1) == pytest.approx(1.0)
    assert closed_auc(lips, -lips) == pytest.approx(0.0)
    assert closed_auc(lips, np.zeros(100)) == pytest.approx(0.5)
    assert closed_auc(np.zeros(0), np.zeros(0)) == 0.5


def test_of_somebody_who_turns_the_front_trains_and_the_sides_test(tmp_path, monkeypatch):
    clip = make_clip(tmp_path / "clip", frames=70, size=64)
    assert turned.of(clip, tmp_path / "none") is None  # nobody is seen from beyond 20°
    monkeypatch.setattr(turned, "FRONT", 3.0)
    monkeypatch.setattr(turned, "SIDE", 5.0)
    yaw = turned.yaws(clip)
    off = np.abs(yaw - np.median(yaw))
    cut, share = turned.of(clip, tmp_path / "cut")
    front, side = np.flatnonzero(off <= 3), np.flatnonzero(off > 5)
    assert (len(cut), share) == (len(front) + len(side), len(front) / len(cut))
    assert turned.yaws(cut) == pytest.approx(yaw[[*front, *side]])
    assert np.array_equal(cut.frame(len(front)), clip.frame(int(side[0])))
    assert not len(cut.sound()[0])
