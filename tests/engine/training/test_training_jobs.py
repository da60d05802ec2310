from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import kill, pid_of
from PIL import Image
from tiny import TinyConfig, parameters, train

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.files import write_whole
from dgtalker_engine.training import Run, checkpoints
from dgtalker_engine.training.jobs import run_job
from dgtalker_engine.wire import jobs
from dgtalker_engine.wire.jobs import Job, Request, State
from dgtalker_engine.wire.jobs.lock import try_lock

STEPS = 60
ENDLESS = 1_000_000
"""Steps of a job that a test ends, however slow the machine is."""
START = """
import sys; sys.path[:0] = {path!r}
from pathlib import Path
from dgtalker_engine.wire import jobs
print(jobs.start(jobs.Job(Path(sys.argv[1])), Path(sys.argv[2])))
"""


@pytest.fixture(scope="module")
def uninterrupted() -> bytes:
    return parameters(train(TinyConfig(steps=STEPS), Run()))


def step_of(job: Job) -> int:
    return (job.progress or {"step": 0})["step"]


def start_elsewhere(job: Job, python: Path) -> subprocess.Popen:
    """Another process, which starts the job and ends, as another Blender might."""
    program = START.format(path=[entry or os.getcwd() for entry in sys.path])
    command = [sys.executable, "-c", program, str(job.folder), str(python)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def trained(job: Job) -> bytes:
    return Path(job.request.output).read_bytes()


def test_a_job_tells_its_progress_while_it_runs_shows_a_picture_and_ends_with_a_result(
    new_job, python, wait_until, uninterrupted
):
    job = new_job(steps=STEPS, pace=0.03)
    assert job.state is State.WAITING
    assert jobs.start(job, python)
    assert job.state is State.RUNNING
    wait_until(lambda: 0 < step_of(job) < STEPS, 200)
    assert job.progress["of"] == STEPS
    assert job.progress["losses"]["error"] > 0
    assert job.progress["eta"] > 0
    wait_until(job.preview.is_file, 200)
    assert Image.open(job.preview).size == (8, 8)
    wait_until(lambda: job.state is State.FINISHED, 200)
    assert job.result == {"weights": 129.0}
    assert step_of(job) == STEPS
    assert trained(job) == uninterrupted
    assert not jobs.start(job, python)


def test_a_job_killed_at_random_moments_and_resumed_gives_the_same_bits(new_job, python, wait_until, uninterrupted):
    random = np.random.default_rng()
    job = new_job(steps=STEPS, pace=0.03)
    for goal in np.sort(random.integers(1, STEPS - 20, 2)):
        assert jobs.start(job, python)
        wait_until(lambda goal=goal: step_of(job) >= goal, 200)
        time.sleep(random.uniform(0, 0.02))
        kill(job)
        wait_until(lambda: job.state is not State.RUNNING)
        assert job.state is State.INTERRUPTED
    assert jobs.start(job, python)
    wait_until(lambda: job.state is State.FINISHED, 200)
    assert trained(job) == uninterrupted


def test_a_job_resumes_over_whatever_a_kill_left_half_written(new_job, python, wait_until, uninterrupted):
    job = new_job(steps=STEPS)
    for name in (checkpoints.FILE, "preview.png", "process.json", "result.json", "error.json"):
        (job.folder / f".{name}.123.tmp").write_bytes(b"{ha")
    (job.folder / "progress.jsonl").write_bytes(b'{"step": 3, "of": 60}\n{"step": 4, "o')
    assert job.progress == {"step": 3, "of": 60}
    assert jobs.start(job, python)
    wait_until(lambda: job.state is State.FINISHED, 200)
    assert trained(job) == uninterrupted
    assert step_of(job) == STEPS
    lines = (job.folder / "progress.jsonl").read_bytes().splitlines()
    assert lines[1] == b'{"step": 4, "o'
    assert all(json.loads(line) for line in lines[2:])
    assert not [path.name for path in job.folder.iterdir() if path.suffix == ".tmp"]


def test_cancel_ends_a_job_and_keeps_the_checkpoint(new_job, python, wait_until, uninterrupted):
    job = new_job(steps=STEPS, pace=0.05)
    jobs.start(job, python)
    wait_until(lambda: step_of(job) >= 3, 200)
    job.cancel()
    wait_until(lambda: job.state is State.CANCELLED)
    done = step_of(job)
    assert 3 <= done < STEPS
    assert (job.folder / checkpoints.FILE).is_file()
    assert jobs.start(job, python)
    assert not job.cancel_wanted
    wait_until(lambda: step_of(job) > done, 200)
    wait_until(lambda: job.state is State.FINISHED, 200)
    assert trained(job) == uninterrupted


def test_sigterm_interrupts_a_job_with_a_checkpoint(new_job, python, wait_until):
    job = new_job(steps=ENDLESS, pace=0.05)
    jobs.start(job, python)
    wait_until(lambda: step_of(job) >= 3, 200)
    os.kill(pid_of(job), signal.SIGTERM)
    wait_until(lambda: job.state is State.INTERRUPTED)
    assert (job.folder / checkpoints.FILE).is_file()
    assert job.error is None


def test_a_job_goes_on_when_who_started_it_is_killed_and_is_found_again(new_job, python, wait_until, uninterrupted):
    job = new_job(steps=STEPS, pace=0.02)
    starter = start_elsewhere(job, python)
    assert starter.stdout.readline() == "True\n"
    os.kill(starter.pid, signal.SIGKILL)
    starter.wait()
    starter.stdout.close()
    (found,) = jobs.known(job.folder.parent)
    assert found == job
    assert found.state is State.RUNNING
    assert os.getsid(pid_of(found)) == pid_of(found)
    wait_until(lambda: found.state is State.FINISHED, 200)
    assert trained(found) == uninterrupted


def test_a_job_inherits_no_socket_and_no_file_but_its_lock(new_job, python, wait_until, tmp_path):
    import socket

    ours, theirs = socket.socketpair()
    with ours, theirs, (tmp_path / "open").open("w"):
        job = new_job(steps=ENDLESS, pace=0.05)
        jobs.start(job, python)
        wait_until(lambda: step_of(job) >= 1, 200)
        opened = []
        for path in Path(f"/proc/{pid_of(job)}/fd").iterdir():
            with contextlib.suppress(FileNotFoundError):  # its own, closed meanwhile; what is inherited stays open
                opened.append(os.readlink(path))
    assert not [name for name in opened if name.startswith("socket:")]
    assert str(tmp_path / "open") not in opened
    assert str(job.folder / "lock") in opened


def test_of_several_that_start_a_job_at_once_one_does(new_job, python, wait_until, uninterrupted):
    job = new_job(steps=STEPS, pace=0.02)
    starters = [start_elsewhere(job, python) for _ in range(4)]
    said = [starter.communicate()[0] for starter in starters]
    assert sorted(said) == ["False\n"] * 3 + ["True\n"]
    wait_until(lambda: job.state is State.FINISHED, 200)
    assert trained(job) == uninterrupted
    lines = (job.folder / "progress.jsonl").read_bytes().splitlines()
    assert [json.loads(line)["step"] for line in lines] == list(range(1, STEPS + 1))


def test_two_jobs_never_write_one_file(new_job, python):
    failed = new_job(steps=STEPS)
    failed.record_error(DGTalkerError("No face.", "Another video."))
    paused = jobs.create(failed.folder.parent, failed.request)
    paused.cancel()
    assert paused.state is State.CANCELLED, "it goes on one day"
    with pytest.raises(DGTalkerError, match="Another training writes result-0") as refused:
        jobs.start(failed, python)
    assert "remove one" in refused.value.hint
    assert failed.state is State.FAILED
    paused.record_result({})
    assert jobs.start(failed, python), "the other one is over"


def test_another_process_of_a_running_job_ends_and_changes_nothing(new_job, python, wait_until):
    job = new_job(steps=ENDLESS, pace=0.2)
    jobs.start(job, python)
    wait_until(lambda: step_of(job) >= 1, 200)
    before = (job.folder / "process.json").read_bytes()
    second = subprocess.run([python, "-I", "-m", "dgtalker_engine", "job", job.folder], check=False)
    assert second.returncode == 0
    assert (job.folder / "process.json").read_bytes() == before
    assert job.state is State.RUNNING


def test_a_job_that_cannot_be_done_fails_with_what_to_do_and_can_be_started_again(new_job, python, wait_until):
    job = new_job(steps=0)
    jobs.start(job, python)
    wait_until(lambda: job.state is State.FAILED, 200)
    assert "steps = 0 is less than 1" in job.error.message
    assert job.error.hint
    assert jobs.start(job, python)
    assert job.error is None
    wait_until(lambda: job.state is State.FAILED, 200)


def test_what_nobody_expected_fails_too_and_is_in_the_log(new_job, capsys):
    job = new_job(steps=3)

    def broken(_request, _run):
        raise ZeroDivisionError("by chance")

    assert run_job(job.folder, {"tiny": broken}, bytes) == 1
    assert "in broken" in capsys.readouterr().err
    assert job.state is State.FAILED
    assert "by chance" in job.error.message
    assert "log.txt" in job.error.hint


def test_a_job_whose_process_cannot_be_recorded_fails_and_says_so(new_job):
    job = new_job(steps=3)
    (job.folder / "process.json").mkdir()
    assert run_job(job.folder, {}, bytes) == 1
    assert job.state is State.FAILED
    assert "process.json cannot be written" in job.error.message


FORKS = """
import os, sys, time
sys.path[:0] = {path!r}
from pathlib import Path
from dgtalker_engine.training.jobs import run_job

def forks(request, run):
    if os.fork() == 0:
        print(os.getpid(), flush=True)
    time.sleep(600)

run_job(Path(sys.argv[1]), {{"tiny": forks}}, bytes)
"""


def test_what_a_killed_job_forked_does_not_keep_its_lock(new_job, python, wait_until):
    job = new_job(steps=3)
    program = FORKS.format(path=[entry or os.getcwd() for entry in sys.path])
    process = subprocess.Popen([sys.executable, "-c", program, str(job.folder)], stdout=subprocess.PIPE, text=True)
    with process:
        child = int(process.stdout.readline())
        try:
            assert try_lock(job.folder / "lock") is None
            process.kill()
            process.wait()
            assert job.state is State.INTERRUPTED
            assert jobs.start(job, python)
            wait_until(lambda: job.state is State.FINISHED, 200)
        finally:
            os.kill(child, signal.SIGKILL)


def test_a_disk_without_locks_is_told_and_not_taken_for_a_job_that_runs(new_job, python, monkeypatch):
    def no_locks(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    job = new_job(steps=3)
    monkeypatch.setattr(fcntl, "flock", no_locks)
    with pytest.raises(DGTalkerError, match="cannot be locked: No locks") as refused:
        jobs.start(job, python)
    assert "network disks" in refused.value.hint


@pytest.mark.parametrize("readers", [3, 1000])
def test_a_file_that_somebody_reads_is_replaced_a_moment_later(tmp_path, monkeypatch, readers):
    """On Windows, which refuses until it is closed."""
    path, replace, refused = tmp_path / "file", os.replace, []

    def busy(source, target):
        if len(refused) < readers:
            refused.append(source)
            raise PermissionError(errno.EACCES, "Access is denied")
        replace(source, target)

    path.write_bytes(b"old")
    monkeypatch.setattr(os, "replace", busy)
    if readers == 3:
        write_whole(path, b"new")
        assert path.read_bytes() == b"new"
    else:
        with pytest.raises(DGTalkerError, match="Access is denied"):
            write_whole(path, b"new")
        assert path.read_bytes() == b"old"
        assert len(refused) < 20
    assert list(tmp_path.iterdir()) == [path]


def test_a_job_that_a_full_disk_does_not_take_leaves_nothing(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DGTalkerError, match="No space left"):
        jobs.create(tmp_path, Request(trainer="tiny"))
    assert list(tmp_path.iterdir()) == []


def test_a_trainer_that_the_engine_does_not_have_is_told(new_job):
    job = new_job(steps=3)
    assert run_job(job.folder, {"other": lambda request, run: {}}, bytes) == 1
    assert "tiny" in job.error.message
    assert "other" in job.error.hint


def test_a_job_cancelled_before_it_begins_trains_nothing(new_job, python):
    job = new_job(steps=3)
    job.cancel()
    subprocess.run([python, "-I", "-m", "dgtalker_engine", "job", job.folder], check=True)
    assert job.state is State.CANCELLED
    assert job.progress is None


def test_a_python_that_cannot_be_started_leaves_the_job_as_it_was(new_job, tmp_path, python, wait_until):
    job = new_job(steps=3)
    with pytest.raises(DGTalkerError, match="cannot be started") as refused:
        jobs.start(job, tmp_path / "no-python")
    assert refused.value.code == "no_engine"
    assert job.state is State.WAITING
    assert jobs.start(job, python)
    wait_until(lambda: job.state is State.FINISHED, 200)


def test_a_number_that_another_process_has_now_is_not_taken_for_the_job(new_job):
    job = new_job(steps=3)
    job.record_process(os.getpid())
    assert job.state is State.RUNNING
    record = json.loads((job.folder / "process.json").read_bytes())
    (job.folder / "process.json").write_text(json.dumps(record | {"started": "long ago"}))
    assert job.state is State.INTERRUPTED


def test_a_request_comes_back_as_it_was_given(tmp_path):
    request = Request(
        trainer="tiny", config={"steps": 3, "rate": 0.1}, input="clip", output="ä.dgt", consent={"status": "self"}
    )
    job = jobs.create(tmp_path, request)
    assert job.request == request
    assert jobs.known(tmp_path) == [job]


def test_folders_that_are_no_jobs_are_passed_over(tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / ".2026 half made").mkdir()
    (tmp_path / "file").write_text("")
    assert jobs.known(tmp_path) == []
    assert jobs.known(tmp_path / "nowhere") == []
    with pytest.raises(DGTalkerError, match="not the folder of a job"):
        run_job(tmp_path / "other", {}, bytes)
    assert list((tmp_path / "other").iterdir()) == []
