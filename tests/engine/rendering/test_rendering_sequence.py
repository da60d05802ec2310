"""Shots to folders of pictures: the same files however the work is divided, and a clean end whenever it ends."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import numpy as np
import pytest

from dgtalker_engine import avatar as avatars_room
from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.kernels import thread_pool
from dgtalker_engine.performance import Performance
from dgtalker_engine.rendering import sequence
from dgtalker_engine.rendering.formats import FORMATS
from dgtalker_engine.rendering.frame import render_frame
from dgtalker_engine.rendering.frame_digest import frame_digest
from dgtalker_engine.rendering.inputs import load_shot, open_avatar
from dgtalker_engine.rendering.talking_shot import talking_shot
from dgtalker_engine.wire import Shot
from dgtalker_engine.wire.provenance import xmp


def silent(fraction, text):
    pass


@pytest.fixture(scope="module")
def robin():
    return avatars_room.load(avatars_room.builtin("robin"))


@pytest.fixture(scope="module")
def talking(robin):
    """``talking(frames, size=96) -> Shot``, with a mouth that moves and a head that turns."""

    def make(frames, size=96):
        times = np.arange(frames)[:, None]
        weights = 0.5 + 0.5 * np.sin(times * [0.7, 0.3, 0.2])
        names = ("jawOpen", "mouthSmileLeft", "headYaw")
        performance = Performance(25.0, names, (weights * [1.0, 0.7, 0.3]).astype("f4"))
        return talking_shot(robin, "builtin:robin", performance, size)

    return make


@pytest.fixture
def threads():
    """Sets how many processors are used; all of them again after the test."""
    yield thread_pool.set_thread_count
    thread_pool.set_thread_count(None)


def digests(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def names(numbers, suffix=".png"):
    return [f"frame_{number:04d}{suffix}" for number in numbers]


@pytest.mark.parametrize("format", FORMATS)
def test_the_files_are_those_of_frames_rendered_one_by_one(robin, talking, threads, tmp_path, format):
    shot = talking(9)
    kind, mark = FORMATS[format], xmp([robin.metadata.hash])
    expected = {}
    for name, frame in zip(names(range(1, 10), kind.suffix), shot.frames, strict=True):
        digest = frame_digest(shot, frame, [robin.metadata.hash], kind)
        data = kind.encode(*render_frame(shot, frame, [robin]), mark, digest)
        expected[name] = hashlib.sha256(data).hexdigest()
    for count in (1, 2, 5):
        threads(count)
        written = sequence.render_sequence(shot, [robin], tmp_path / str(count), silent, format)
        assert written.files == [(tmp_path / str(count)).resolve() / name for name in expected]
        assert written.rendered == 9
        assert digests(tmp_path / str(count)) == expected
        assert thread_pool.thread_count() == count


def test_files_that_are_there_are_replaced_and_others_stay(robin, talking, tmp_path):
    (tmp_path / "frame_0002.png").write_bytes(b"old")
    (tmp_path / "notes.txt").write_bytes(b"mine")
    sequence.render_sequence(talking(3), [robin], tmp_path, silent)
    assert sorted(os.listdir(tmp_path)) == [*names([1, 2, 3]), "notes.txt"]
    assert (tmp_path / "frame_0002.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "notes.txt").read_bytes() == b"mine"


def test_a_shot_of_files_and_built_in_heads_is_rendered_into_a_folder(talking, tmp_path):
    (tmp_path / "heads").mkdir()
    (tmp_path / "heads" / "copy.dgt").write_bytes(avatars_room.builtin("robin"))
    both = Shot(width=64, height=64, avatars=("builtin:robin", "heads/copy.dgt"), frames=talking(2).frames)
    (tmp_path / "shot.json").write_text(both.to_json())
    loaded = load_shot(tmp_path / "shot.json")
    avatars = [open_avatar(name, tmp_path) for name in loaded.avatars]
    assert avatars[0].metadata.hash == avatars[1].metadata.hash
    sequence.render_sequence(loaded, avatars, tmp_path / "out", silent)
    assert sorted(os.listdir(tmp_path / "out")) == names([1, 2])


def test_without_frames_there_are_no_files(robin, talking, tmp_path):
    written = sequence.render_sequence(replace(talking(1), frames=()), [robin], tmp_path / "out", silent)
    assert written == ([], 0)
    assert os.listdir(tmp_path / "out") == []


def test_two_frames_of_one_number_are_refused_before_any_work(robin, talking, tmp_path):
    shot = talking(2)
    with pytest.raises(DGTalkerError, match="same number"):
        sequence.render_sequence(replace(shot, frames=shot.frames[:1] * 2), [robin], tmp_path / "out", silent)
    assert not (tmp_path / "out").exists()


def test_progress_goes_up_from_nothing(robin, talking, tmp_path):
    heard = []
    sequence.render_sequence(talking(12, 256), [robin], tmp_path, lambda *progress: heard.append(progress))
    fractions = [fraction for fraction, _ in heard]
    assert fractions[0] == 0
    assert fractions == sorted(fractions)
    assert fractions[-1] <= 1
    assert len(set(fractions)) > 2
    assert heard[0][1] == "0 of 12 pictures"


def test_a_frame_that_cannot_be_rendered_is_named_and_ends_all(robin, talking, tmp_path):
    shot = talking(60)
    broken = replace(shot.frames[3], camera=replace(shot.frames[3].camera, K=(0.0,) * 9))
    shot = replace(shot, frames=(*shot.frames[:3], broken, *shot.frames[4:]))
    with pytest.raises(DGTalkerError, match=r"Frame 4: .*camera"):
        sequence.render_sequence(shot, [robin], tmp_path, silent)
    written = sorted(os.listdir(tmp_path))
    assert set(written) <= set(names([1, 2, 3, 5, 6, 7, 8]))
    assert all((tmp_path / name).read_bytes().endswith(b"IEND\xaeB`\x82") for name in written)


def test_a_file_that_cannot_be_written_ends_all(robin, talking, tmp_path):
    (tmp_path / "frame_0003.png").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(DGTalkerError, match=r"frame_0003\.png is a symbolic link"):
        sequence.render_sequence(talking(60), [robin], tmp_path, silent)
    assert len(os.listdir(tmp_path)) < 30
    assert not (tmp_path / "elsewhere").exists()


def test_a_disk_that_fills_up_leaves_whole_files_alone(robin, talking, tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("this user may not mount a file system")
    try:
        with pytest.raises(DGTalkerError) as caught:
            sequence.render_sequence(talking(200, 128), [robin], folder, silent)
        assert "full" in caught.value.hint
        files = list(folder.iterdir())
        assert len(files) > 3
        assert all(path.read_bytes().endswith(b"IEND\xaeB`\x82") for path in files)
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.parametrize("size", [128, 1024])
def test_cancelling_leaves_whole_files_and_nobody_who_writes_on(robin, talking, tmp_path, wait_until, size):
    asked = 0.0

    def progress(fraction, text):
        nonlocal asked
        if fraction > 0 and not asked:
            asked = time.monotonic() + 0.2
        if asked and time.monotonic() > asked:
            raise Cancelled

    with pytest.raises(Cancelled):
        sequence.render_sequence(talking(1000, size), [robin], tmp_path, progress)
    files = sorted(os.listdir(tmp_path))
    assert 0 < len(files) < 1000
    assert all(name.endswith(".png") and not name.startswith(".") for name in files)
    assert all((tmp_path / name).read_bytes().endswith(b"IEND\xaeB`\x82") for name in files)
    wait_until(lambda: not any(thread.name.startswith("pipeline") for thread in threading.enumerate()))
    assert sorted(os.listdir(tmp_path)) == files


def test_ctrl_c_in_the_middle_is_clean(talking, tmp_path):
    (tmp_path / "shot.json").write_text(talking(2000, 256).to_json())
    command = [sys.executable, "-I", "-m", "dgtalker_engine", "render", tmp_path / "shot.json"]
    process = subprocess.Popen([*command, "-o", tmp_path / "out"], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not (tmp_path / "out" / "frame_0003.png").exists():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "Traceback" not in said
    for path in (tmp_path / "out").iterdir():
        assert path.read_bytes().endswith(b"IEND\xaeB`\x82")


def test_few_large_frames_use_all_processors(robin, talking, threads, tmp_path):
    """One frame alone, and frames of which only a few fit into the memory that is allowed."""
    threads(3)
    sequence.render_sequence(talking(1, 64), [robin], tmp_path / "one", silent)
    assert sorted(os.listdir(tmp_path / "one")) == names([1])
    large = replace(talking(2, 64), width=6000, height=6000)
    sequence.render_sequence(large, [robin], tmp_path / "large", silent)
    assert sorted(os.listdir(tmp_path / "large")) == names([1, 2])


@pytest.mark.parametrize("name", ["nobody", "builtin:nobody", "missing.dgt"])
def test_an_avatar_that_is_not_there_is_named(tmp_path, name):
    with pytest.raises(DGTalkerError, match=name.removeprefix("builtin:")):
        open_avatar(name, tmp_path)
