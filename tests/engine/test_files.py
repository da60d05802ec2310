"""Writing files: whole or not at all, in the chosen folder, through no link."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dgtalker_engine import files
from dgtalker_engine.errors import DGTalkerError

REPOSITORY = Path(__file__).resolve().parents[2]


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
        "import sys; from pathlib import Path; from dgtalker_engine import files\n"
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


def test_a_planted_link_in_the_place_of_a_temporary_file_is_not_followed(tmp_path, monkeypatch):
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious")
    folder = files.make_folder(tmp_path / "out")
    monkeypatch.setattr(files.secrets, "token_hex", lambda count: "guessed")
    (folder / ".a.bin.guessed.tmp").symlink_to(outside)
    with pytest.raises(DGTalkerError, match="cannot be written"):
        files.write_whole(folder / "a.bin", b"data")
    assert outside.read_bytes() == b"precious"


@pytest.mark.skipif(not hasattr(os, "O_NOFOLLOW"), reason="this system cannot tell links when it opens them")
def test_nothing_is_added_through_a_link(tmp_path):
    (tmp_path / "log").symlink_to(tmp_path / "outside")
    with pytest.raises(OSError, match="symbolic links"), open(tmp_path / "log", "ab", opener=files.no_link):
        pass
    assert not (tmp_path / "outside").exists()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no umask")
@pytest.mark.parametrize("mask", [0o022, 0o007, 0o077])
def test_what_is_written_has_the_rights_that_the_umask_leaves(tmp_path, mask):
    before = os.umask(mask)
    try:
        files.write_whole(tmp_path / "a.dgt", b"data")
    finally:
        os.umask(before)
    assert (tmp_path / "a.dgt").stat().st_mode & 0o777 == 0o666 & ~mask


NO_FILE_S_NAME = ["a\0b", "\udcff\ud800", "x" * 5000, "a" * 255 + "b"]


@pytest.mark.parametrize("name", NO_FILE_S_NAME, ids=ascii)
def test_a_path_that_no_file_can_have_is_one_clear_error(tmp_path, name):
    for use in (
        lambda path: files.read_file(path, 10, "The thing"),
        lambda path: files.write_whole(path, b"data"),
        lambda path: files.write_target(path, b"data"),
        lambda path: files.make_folder(path),
    ):
        with pytest.raises(DGTalkerError) as caught:
            use(tmp_path / name)
        str(caught.value).encode()
        assert len(str(caught.value)) < 1000
    assert os.listdir(tmp_path) == []


def test_a_name_of_as_many_letters_as_a_disk_takes_can_be_written(tmp_path):
    for name in ("x" * 255, "ж" * 127, "𝄞" * 63):
        files.write_whole(tmp_path / name, b"data")
        assert (tmp_path / name).read_bytes() == b"data"


def test_no_more_of_a_file_is_read_than_it_may_have(tmp_path):
    (tmp_path / "whole").write_bytes(bytes(10))
    assert files.read_file(tmp_path / "whole", 10, "The thing") == bytes(10)
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(DGTalkerError, match="too large"):
        files.read_file(tmp_path / "huge", 10, "The thing")


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="this system has no /proc")
def test_a_file_that_hides_its_size_is_read_whole_and_no_further_than_it_may_be():
    assert b"Name:" in files.read_file("/proc/self/status", 1 << 16, "The thing")
    with pytest.raises(DGTalkerError, match="too large"):
        files.read_file("/proc/self/status", 10, "The thing")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")
def test_what_never_ends_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in ("/dev/zero", tmp_path / "pipe", tmp_path):
        with pytest.raises(DGTalkerError):
            files.read_file(path, 1 << 40, "The thing")


def test_what_a_kill_left_is_removed_and_nothing_else(tmp_path):
    for name in (".a[1].bin.0123.tmp", ".a1.bin.0123.tmp", "a[1].bin"):
        (tmp_path / name).write_bytes(b"")
    files.remove_unfinished(tmp_path / "a[1].bin")
    assert sorted(os.listdir(tmp_path)) == [".a1.bin.0123.tmp", "a[1].bin"]


WRITES = re.compile(
    r"write_bytes|write_text|mkstemp|NamedTemporary|os\.replace|save_file\(|np\.savez?\((?!\s*buffer)|O_CREAT"
    r"|open\([^)\n]*[\"'][wax][bt]?\+?[\"']"
)
OTHERWISE = {
    "dgtalker_engine/files.py": "the way itself",
    "blender_addon/render/head_animation/contact_sheet.py": "into a temporary file of `files.replacing`",
    "blender_addon/render/head_animation/film.py": "into a temporary file of `files.replacing`",
    "blender_addon/speech/timeline/fallback_mixdown.py": "into a folder of its own that is new",
    "dgtalker_engine/cli/dub.py": "into a folder of its own that is new",
    "dgtalker_engine/server/microphone.py": "into a file that is new, never through a link; whole after every block",
    "dgtalker_engine/speech/recognition/recogniser.py": "into a folder of its own that is new",
    "blender_addon/render/head_animation/spool.py": "into a temporary folder of its own, which nobody else reads",
    "dgtalker_engine/systems/gaussiantalker/film.py": "into a temporary file of `files.replacing`",
    "dgtalker_engine/systems/gaussiantalker/motion/__main__.py": "the makers' own cache",
    "dgtalker_engine/wire/jobs/start.py": "adds, by `files.no_link`",
    "dgtalker_engine/wire/jobs/lock.py": "locks, by `files.no_link`",
    "dgtalker_engine/training/jobs.py": "adds, by `files.no_link`",
    "dgtalker_engine/systems/dgtalker/prior/__main__.py": "adds, by `files.no_link`",
    "blender_addon/bridge/log.py": "adds, by `files.no_link`",
    "blender_addon/install/children.py": "what a program says, by `files.no_link`",
}
"""Where files are written without `files`, and why that follows no link and tears nothing."""


def test_all_that_writes_goes_one_way():
    found = set()
    for room in ("dgtalker_engine", "blender_addon"):
        for path in (REPOSITORY / room).rglob("*.py"):
            name = path.relative_to(REPOSITORY).as_posix()
            if "/heads/" not in name and WRITES.search(path.read_text(encoding="utf-8")):
                found.add(name)
    assert found - OTHERWISE.keys() == set()
