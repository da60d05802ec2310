"""Stages of a long work tell one progress, also when the work is resumed."""

from __future__ import annotations

import pytest

from dgtalker_engine.errors import Cancelled
from dgtalker_engine.training import Progress, Run, Stages
from dgtalker_engine.training.stages import consecutive

COSTS = {"capture": 10.0, "train": 80.0, "bake": 10.0}


def told_of(folder, costs=COSTS, **more):
    told: list[Progress] = []
    return Stages(Run(folder=folder, progress=told.append, **more), costs), told


def pass_through(run: Run, *, seconds: float, parts: int = 4) -> None:
    for part in range(1, parts + 1):
        share = part / parts
        run.progress(Progress(step=part, of=parts, losses={}, seconds=seconds * share, eta=seconds * (1 - share)))


def test_the_fraction_of_the_whole_work_only_grows_and_ends_at_one(tmp_path):
    stages, told = told_of(tmp_path)
    for name, seconds in (("capture", 30.0), ("train", 60.0), ("bake", 5.0)):
        pass_through(stages.begin(name), seconds=seconds)
    fractions = [each.fraction for each in told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == pytest.approx(1.0)
    assert [each.stage for each in told[::4]] == ["capture", "train", "bake"]
    assert told[-1].seconds == pytest.approx(95.0)
    assert told[-1].eta == 0


def test_the_time_that_is_left_counts_the_later_stages_at_the_speed_of_the_earlier_ones(tmp_path):
    stages, told = told_of(tmp_path)
    pass_through(stages.begin("capture"), seconds=20.0)  # twice as long as expected
    assert told[0].eta == pytest.approx(15.0 + 90.0)
    train = stages.begin("train")
    train.progress(Progress(step=1, of=100, losses={}, seconds=1.0, eta=99.0))
    assert told[-1].eta == pytest.approx(99.0 + 20.0)


def test_a_stage_that_had_nothing_to_do_says_nothing_about_the_speed_of_the_others(tmp_path):
    stages, told = told_of(tmp_path)
    stages.begin("capture")
    pass_through(stages.begin("train"), seconds=80.0)
    assert told[0].eta == pytest.approx(60.0 + 10.0)
    assert told[3].fraction == pytest.approx(80.0 / 90.0)


def test_a_resumed_work_goes_on_at_the_fraction_where_it_was(tmp_path):
    stages, told = told_of(tmp_path)
    pass_through(stages.begin("capture"), seconds=10.0)
    stages.begin("train").progress(Progress(step=50, of=100, losses={}, seconds=40.0, eta=40.0))
    again, retold = told_of(tmp_path)
    pass_through(again.begin("capture"), seconds=0.01)  # it is there already
    again.begin("train").progress(Progress(step=50, of=100, losses={}, seconds=40.0, eta=40.0))
    assert retold[-1].fraction == pytest.approx(told[-1].fraction)
    assert retold[-1].seconds == pytest.approx(told[-1].seconds)


def test_every_stage_has_a_folder_of_its_own_and_a_cancelled_work_begins_no_stage(tmp_path):
    stages, _ = told_of(tmp_path)
    assert stages.begin("capture").folder == tmp_path / "capture"
    stages, _ = told_of(tmp_path, cancelled=lambda: True)
    with pytest.raises(Cancelled):
        stages.begin("train")


def test_works_that_follow_each_other_are_told_as_one():
    told: list[Progress] = []
    first, second = consecutive(Run(progress=told.append), (6, 2))
    for run, steps, seconds in ((first, 6, 12.0), (second, 2, 8.0)):
        for step in range(1, steps + 1):
            left = seconds * (1 - step / steps)
            run.progress(Progress(step=step, of=steps, losses={}, seconds=seconds - left, eta=left))
    assert [each.step for each in told] == list(range(1, 9))
    assert {each.of for each in told} == {8}
    assert told[2].seconds == pytest.approx(6.0)
    assert told[2].eta == pytest.approx(10.0)  # all steps as quick as those until now
    assert told[-1].seconds == pytest.approx(20.0)
    assert told[-1].eta == 0
