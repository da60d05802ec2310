"""Names that no file can have, files that are none, and numbers that are none: one clear message from every command."""

from __future__ import annotations

import os

import pytest
from speech_tools import SAMPLE

from dgtalker_engine.cli.main import main

COMMANDS = {
    "animate": lambda path: ["animate", path, "-o", "out.json"],
    "convert": lambda path: ["convert", path, "out.csv"],
    "render": lambda path: ["render", path, "-o", "pictures"],
    "speak": lambda path: ["speak", str(SAMPLE), "--avatar", path, "-o", "pictures"],
    "info": lambda path: ["avatar", "info", path],
    "import": lambda path: ["avatar", "import", path, "-o", "A.dgt"],
    "export": lambda path: ["avatar", "export", path, "-o", "A.ply"],
    "capture": lambda path: ["capture", path, "-o", "clip"],
    "performance": lambda path: ["capture", path, "-o", "out.json", "--performance"],
    "face model": lambda path: ["capture", str(SAMPLE), "-o", "clip", "--face-model", path],
    "train": lambda path: ["train", path, "--system", "dgtalker", "-o", "A.dgt", "--consent", "self", "--subject", "A"],
    "dub": lambda path: ["dub", path, str(SAMPLE), "--head", "Ada.dgt", "-o", "film.mp4"],
    "transcript": lambda path: ["animate", str(SAMPLE), "-o", "out.json", "--transcript", f"{path}.srt"],
    "job": lambda path: ["job", path],
}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder.srt").mkdir()
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "pipe.srt")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_name_that_is_none_is_a_message(command, capsys):
    for path in ("x" * 5000, "y/" * 3000, "a\0b", "bad\udcff", "folder", "pipe", "loop", "/dev/zero", "folder/nothing"):
        if path == "/dev/zero" and command == "transcript":
            continue
        assert main(COMMANDS[command](path)) == 1, path
        said = capsys.readouterr().err
        assert said.startswith("dgtalker: ") or "\ndgtalker: " in said, path
        assert len(said) < 2000, path


@pytest.mark.parametrize("output", ["folder", "pipe", "loop", "x" * 5000, "a\0b"])
def test_nothing_but_a_file_is_replaced(output, tmp_path, capsys):
    before = os.lstat(output).st_mode if len(output) < 20 and "\0" not in output else None
    (tmp_path / "live.csv").write_text("Timecode,BlendShapeCount,JawOpen\n00:00:00:00.0,1,0.5\n00:00:00:01.0,1,0.6\n")
    assert main(["convert", "live.csv", output, "--to", "audio2face"]) == 1
    assert "dgtalker: " in capsys.readouterr().err
    assert before is None or os.lstat(output).st_mode == before


@pytest.mark.parametrize("number", ["nan", "inf", "1e400", "1e308", "-1", "9" * 400])
def test_a_stretch_of_a_video_that_is_none_is_a_message(number, capsys):
    for words in (["--start", number], ["--seconds", number], ["--performance", "--start", number]):
        output = "out.json" if "--performance" in words else "clip"
        assert main(["capture", str(SAMPLE), "-o", output, *words]) == 1
        assert "dgtalker: The stretch" in capsys.readouterr().err


@pytest.mark.parametrize("output", ["folder.dgt", "pipe.dgt", "x" * 5000 + ".dgt", "a\0b.dgt", "live.txt"])
def test_where_a_head_cannot_be_written_is_said_before_it_is_made(output, tmp_path, capsys):
    (tmp_path / "folder.dgt").mkdir()
    os.mkfifo(tmp_path / "pipe.dgt")
    assert main(["avatar", "sample", "-o", output]) == 1
    assert "0%" not in capsys.readouterr().err
