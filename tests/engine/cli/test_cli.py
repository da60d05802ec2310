"""The command line, as a user runs it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import fields

import numpy as np
import pytest
import soundfile
from PIL import Image
from speech_tools import SAMPLE

from dgtalker_engine.performance import Direction, exchange


def run(*words, **options):
    command = [sys.executable, "-I", "-m", "dgtalker_engine", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, **options)


@pytest.fixture(scope="module")
def sound(tmp_path_factory, recording):
    path = tmp_path_factory.mktemp("sound") / "speech.wav"
    soundfile.write(path, recording[: 16000 * 6 // 5].astype(np.float32), 16000)
    return path


def test_help_names_every_command():
    answer = run("--help")
    assert answer.returncode == 0
    for command in ("animate", "convert", "render", "speak", "avatar", "doctor", "warm", "serve"):
        assert f"\n    {command} " in answer.stdout


def test_a_command_without_what_it_needs_says_so():
    answer = run("speak")
    assert answer.returncode == 2
    assert "--avatar" in answer.stderr


def test_animate_writes_a_performance(sound, tmp_path):
    path = tmp_path / "new" / "performance.json"
    answer = run("animate", sound, "-o", path, "--fps", 30)
    assert answer.returncode == 0, answer.stderr
    data = json.loads(path.read_text())
    assert set(data) == {"fps", "names", "weights"}
    performance = exchange.read(path)
    assert performance.fps == 30
    assert performance.frames == 36
    assert "%" in answer.stderr
    assert str(path) in answer.stderr
    assert answer.stdout == ""


def test_animate_writes_for_live_link_face_and_convert_for_the_others(sound, tmp_path):
    answer = run("animate", sound, "-o", tmp_path / "face.csv", "--fps", 30)
    assert answer.returncode == 0, answer.stderr
    assert "Live Link Face" in answer.stderr
    answer = run("convert", tmp_path / "face.csv", tmp_path / "face.json", "--to", "audio2face")
    assert answer.returncode == 0, answer.stderr
    data = json.loads((tmp_path / "face.json").read_text())
    assert (data["exportFps"], data["numPoses"], data["numFrames"]) == (30, 52, 36)
    answer = run("convert", tmp_path / "face.json", tmp_path / "ours.json")
    assert answer.returncode == 0, answer.stderr
    assert exchange.read(tmp_path / "ours.json").frames == 36


def test_everything_that_a_direction_sets_is_an_option(sound, tmp_path):
    text = run("animate", "--help").stdout
    settings = {field.name for field in fields(Direction)} - {"start", "end", "styles"}
    assert all(f"--{name} " in text for name in settings)
    still = [word for name in ("lips", "jaw", "expression", "head", "blinks", "gaze") for word in (f"--{name}", 0)]
    answer = run("animate", sound, "-o", tmp_path / "p.json", *still, "--style", "happy=0.5", "--seed", 3)
    assert answer.returncode == 0, answer.stderr
    assert np.abs(exchange.read(tmp_path / "p.json").weights).max() < 0.01
    assert run("animate", sound, "-o", tmp_path / "p.json", "--style", "grumpy").returncode == 2


def test_speak_writes_marked_pictures(sound, tmp_path):
    answer = run("speak", sound, "--avatar", "robin", "-o", tmp_path / "out", "--size", 64, "--fps", 10)
    assert answer.returncode == 0, answer.stderr
    names = sorted(os.listdir(tmp_path / "out"))
    assert names == [f"frame_{number:04d}.png" for number in range(1, 13)]
    image = Image.open(tmp_path / "out" / names[0])
    assert (image.mode, image.size) == ("RGBA", (64, 64))
    assert "trainedAlgorithmicMedia" in image.text["XML:com.adobe.xmp"]
    assert np.asarray(image)[32, 32, 3] == 255
    assert np.asarray(image)[0, 0, 3] == 0


def test_speak_writes_the_format_that_is_asked_for(sound, tmp_path):
    words = ["--avatar", "robin", "-o", tmp_path / "out", "--size", 32, "--fps", 5, "--format", "exr"]
    answer = run("speak", sound, *words)
    assert answer.returncode == 0, answer.stderr
    assert sorted(os.listdir(tmp_path / "out")) == [f"frame_{number:04d}.exr" for number in range(1, 7)]
    assert run("speak", sound, *words[:-1], "gif").returncode == 2


def test_an_avatar_can_be_looked_at():
    answer = run("avatar", "info", "robin")
    assert answer.returncode == 0
    for word in ("Robin", "linear", "synthetic", "Gaussians", "28 lip"):
        assert word in answer.stdout


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["animate", "missing.wav", "-o", "p.json"], "missing.wav"),
        (["animate", "text.wav", "-o", "p.json"], "text.wav"),
        (["animate", "text.wav", "-o", "p.fbx"], "p.fbx"),
        (["animate", SAMPLE, "-o", "p.json", "--transcript", "missing.srt"], "missing.srt"),
        (["animate", SAMPLE, "-o", "p.json", "--articulation", "3"], "articulation"),
        (["convert", "text.wav", "p.json"], "text.wav"),
        (["convert", "missing.csv", "p.json"], "missing.csv"),
        (["render", "missing.json", "-o", "out"], "missing.json"),
        (["render", "text.wav", "-o", "out"], "shot"),
        (["speak", "text.wav", "--avatar", "nobody", "-o", "out"], "nobody"),
        (["speak", "text.wav", "--avatar", "text.wav", "-o", "out"], "text.wav"),
        (["avatar", "info", "text.wav"], "damaged"),
    ],
)
def test_bad_input_is_a_message_with_a_hint_and_leaves_nothing_behind(tmp_path, words, part):
    (tmp_path / "text.wav").write_text("no sound, no shot, no avatar")
    answer = run(*words, cwd=tmp_path)
    assert answer.returncode == 1
    assert "Traceback" not in answer.stderr
    assert "dgtalker: " in answer.stderr
    assert part in answer.stderr
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["text.wav"]


def test_ctrl_c_is_clean(tmp_path, recording):
    soundfile.write(tmp_path / "long.wav", np.tile(recording, 5).astype(np.float32), 16000)
    command = [sys.executable, "-I", "-m", "dgtalker_engine", "animate", tmp_path / "long.wav"]
    process = subprocess.Popen(
        [*command, "-o", tmp_path / "p.json"], stderr=subprocess.PIPE, text=True, restore_signals=True
    )
    with process.stderr as progress:
        progress.readline()
        process.send_signal(signal.SIGINT)
        rest = progress.read()
    assert process.wait(20) == 130
    assert "Traceback" not in rest
    assert not (tmp_path / "p.json").exists()


def test_warm_compiles_the_kernels():
    assert run("warm").returncode == 0
    assert "The rendering kernels are compiled" in run("doctor").stdout
