"""Writing files: whole or not at all, in the chosen folder, through no link."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.rendering import files


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True)
    if mounted.returncode:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_file_is_written_whole_and_nothing_is_left_beside_it(tmp_path):
    folder = files.make_folder(tmp_path / "new" / "folder")
    path = files.write_file(folder, "a.bin", b"first")
    files.write_file(folder, "a.bin", b"second")
    assert path.read_bytes() == b"second"
    assert os.listdir(folder) == ["a.bin"]


@pytest.mark.parametrize("name", ["", ".", "..", "../a", "a/b", "/a", "a\\b", "C:a", "a\0b"])
def test_a_name_that_leads_elsewhere_is_refused(tmp_path, name):
    with pytest.raises(DGTalkerError):
        files.write_file(tmp_path, name, b"data")
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("there", [True, False], ids=["to a file", "to nothing"])
def test_nothing_is_written_through_a_symbolic_link(tmp_path, there):
    outside = tmp_path / "outside"
    if there:
        outside.write_bytes(b"precious")
    folder = files.make_folder(tmp_path / "out")
    (folder / "frame_0001.png").symlink_to(outside)
    with pytest.raises(DGTalkerError, match="symbolic link"):
        files.write_file(folder, "frame_0001.png", b"data")
    assert outside.exists() == there
    assert not there or outside.read_bytes() == b"precious"


def test_a_full_disk_is_said_and_what_was_there_stays(small_disk):
    files.write_file(small_disk, "a.bin", b"before")
    with pytest.raises(DGTalkerError) as caught:
        files.write_file(small_disk, "a.bin", bytes(2_000_000))
    assert "full" in caught.value.hint
    assert (small_disk / "a.bin").read_bytes() == b"before"
    assert os.listdir(small_disk) == ["a.bin"]


def test_a_disk_that_can_only_be_read_is_said_before_any_work(small_disk):
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(DGTalkerError, match="cannot be written"):
        files.make_folder(small_disk)
    with pytest.raises(DGTalkerError) as caught:
        files.make_folder(small_disk / "below")
    assert "only be read" in caught.value.hint


def test_a_folder_under_a_file_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DGTalkerError):
        files.make_folder(tmp_path / "file" / "below")
    with pytest.raises(DGTalkerError):
        files.make_folder(tmp_path / "file")


def test_a_folder_in_the_place_of_the_file_is_said(tmp_path):
    (tmp_path / "a.bin").mkdir()
    with pytest.raises(DGTalkerError):
        files.write_file(tmp_path, "a.bin", b"data")
    assert os.listdir(tmp_path) == ["a.bin"]


def test_killing_the_writer_never_leaves_half_a_file(tmp_path):
    script = (
        "import sys; from pathlib import Path; from dgtalker_engine.rendering import files\n"
        f"folder = files.make_folder(Path({str(tmp_path)!r}))\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    for byte in (b'a', b'b'):\n"
        "        files.write_file(folder, 'a.bin', byte * 3_000_000)\n"
    )
    for _ in range(5):
        process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE)
        with process.stdout:
            process.stdout.readline()
        target = tmp_path / "a.bin"
        while not target.exists():
            pass
        process.kill()
        process.wait()
        data = target.read_bytes()
        assert len(data) == 3_000_000
        assert len(set(data)) == 1


def test_write_target_makes_the_folder(tmp_path):
    assert files.write_target(Path(tmp_path / "x" / "y.json"), b"{}").read_bytes() == b"{}"
