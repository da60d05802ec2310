"""Removing jobs: all of one that does not run, nothing of one that does."""

from __future__ import annotations

import os

import pytest

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire import jobs
from dgtalker_engine.wire.jobs.lock import try_lock


def test_a_job_that_does_not_run_is_removed_with_all_that_it_kept(new_job, tmp_path):
    job, other = new_job(), new_job()
    (job.folder / "clip").mkdir()
    (job.folder / "clip" / "000000.jpg").write_bytes(b"a frame")
    written = tmp_path / "head.dgt"
    written.touch()
    assert jobs.remove(job)
    assert list(job.folder.parent.iterdir()) == [other.folder]
    assert written.is_file()
    assert jobs.remove(job), "it is gone"


def test_a_job_that_runs_or_is_being_started_stays(new_job):
    job = new_job()
    lock = try_lock(job.folder / "lock")
    assert lock is not None
    assert not jobs.remove(job)
    os.close(lock)
    job.record_process(os.getpid())
    assert not jobs.remove(job)
    assert job.state is jobs.State.RUNNING


def test_a_folder_that_cannot_be_removed_is_named(new_job):
    job = new_job()
    leftover = job.folder.with_name(f".removed {job.folder.name}")
    leftover.mkdir()
    (leftover / "file").touch()
    with pytest.raises(DGTalkerError, match="cannot be removed"):
        jobs.remove(job)
    assert job.state is jobs.State.WAITING
    jobs.finish_removals(job.folder.parent)
    assert list(job.folder.parent.iterdir()) == [job.folder]
    assert jobs.remove(job)
