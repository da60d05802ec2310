"""Jobs outlive the Blender that started them, and any other finds them again."""

from __future__ import annotations

import json

from job_tools import wait_until

START = """
config = {{"steps": {steps}, "pace": 0.03}}
job = jobs.create(parent, jobs.Request(trainer="tiny", config=config, output={output!r}))
assert jobs.start(job, Path({python!r}))
print(job.folder.name)
"""

FINISH = """
(job,) = [job for job in jobs.known(parent) if job.folder.name == {name!r}]
print("was", job.state.value, job.progress["step"])
jobs.start(job, Path({python!r}))
print("is", job.state.value)
"""


def find(room, name):
    """The job as this Blender finds it."""
    from dgtalker_engine.wire import jobs

    (job,) = [job for job in jobs.known(room("bridge.find").data_folder() / "jobs") if job.folder.name == name]
    return job


def test_a_job_goes_on_without_the_blender_that_started_it_and_another_finds_and_cancels_it(
    room, python, another_blender, tmp_path
):
    from dgtalker_engine.wire.jobs import State

    name = another_blender(START.format(steps=2000, output=str(tmp_path / "head"), python=str(python)))[-1]
    job = find(room, name)
    assert job.state is State.RUNNING
    wait_until(lambda: job.progress)
    seen = job.progress["step"]
    wait_until(lambda: job.progress["step"] > seen)
    assert job.progress["of"] == 2000
    job.cancel()
    wait_until(lambda: job.state is State.CANCELLED)
    done = job.progress["step"]
    assert done < 2000

    # Whoever cancelled it may have changed their mind, in yet another Blender.
    said = another_blender(FINISH.format(name=name, python=str(python)))
    assert said[-2:] == [f"was cancelled {done}", "is running"]
    wait_until(lambda: job.progress["step"] > done)
    job.cancel()
    wait_until(lambda: job.state is State.CANCELLED)


def test_a_job_that_another_blender_started_gives_this_one_its_result(room, python, another_blender, tmp_path):
    from dgtalker_engine.wire.jobs import State

    output = tmp_path / "head"
    name = another_blender(START.format(steps=40, output=str(output), python=str(python)))[-1]
    job = find(room, name)
    wait_until(lambda: job.state is State.FINISHED)
    assert job.result == {"weights": 129.0}
    assert output.is_file()
    steps = [json.loads(line)["step"] for line in (job.folder / "progress.jsonl").read_text().splitlines()]
    assert steps == list(range(1, 41))
