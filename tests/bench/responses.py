"""How long a user waits: cancelling, Ctrl-C, a killed worker, dragging a slider, opening a head. Prints JSON.

Run by `python build.py bench responses`. The wire's own times, and those of a busy or crashed engine, are those of
`bench wire`; those inside Blender of `bench keys`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "engine" / "training"))
from sequence import hardware, speaking
from take_tools import make_take

from dgtalker_engine import avatar, speech
from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.performance import Direction, perform
from dgtalker_engine.rendering.sequence import render_sequence
from dgtalker_engine.speech import sound
from dgtalker_engine.speech.analysis.activity import Span
from dgtalker_engine.speech.progress import NO_PROGRESS, Stage
from dgtalker_engine.speech.recognition import phones
from dgtalker_engine.wire import jobs

SAMPLE = Path(__file__).resolve().parents[1] / "demo" / "sample.wav"
TEXT = SAMPLE.with_suffix(".txt").read_text(encoding="utf-8")
BARS = {
    "perform_minute_ms": 50.0,
    "perform_minute_all_settings_ms": 50.0,
    "perform_100_strips_of_10_minutes_ms": 500.0,
    "open_head_max_ms": 200.0,
    "cancel_sequence_128_ms": 100.0,
    "cancel_sequence_1024_ms": 100.0,
    "ctrl_c_s": 3.0,
    "cancel_listening_ms": 500.0,
    "cancel_alignment_ms": 500.0,
    "cancel_job_s": 1.0,
    "killed_listener_s": 30.0,
    "hear_20_minutes_cpu_s": 40.0,
}
EVERYTHING = Direction(-0.5, 60.5, articulation=-0.5, hold=0.1, smoothing=0.1, offset=0.03, styles={"sad": 0.5}, seed=3)
STRIPS = [Direction(6.0 * i, 6.0 * i + 5.5, seed=i + 1, styles={"happy": 0.5}) for i in range(100)]

LAUNCHER = """
import sys
sys.path[:0] = {path!r}
import tiny
from dgtalker_engine import systems
from dgtalker_engine.cli.main import main
systems.TRAINERS["tiny"] = tiny.train_job
sys.exit(main(sys.argv[4:]))
"""


def main() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores Ctrl-C
    minute, long = make_take(60.0), make_take(600.0)
    head = avatar.load(avatar.builtin(avatar.BUILTIN_NAMES[0]))
    figures = {
        "perform_minute_ms": 1e3 * least(lambda: perform(minute, [Direction(-0.5, 60.5)])),
        "perform_minute_all_settings_ms": 1e3 * least(lambda: perform(minute, [EVERYTHING])),
        "perform_100_strips_of_10_minutes_ms": 1e3 * least(lambda: perform(long, STRIPS), 3),
        "open_head_max_ms": 1e3 * max(least(lambda name=name: open_head(name)) for name in avatar.BUILTIN_NAMES),
        **{f"cancel_sequence_{size}_ms": 1e3 * cancel_sequence(head, size) for size in (128, 1024)},
        "ctrl_c_s": ctrl_c(head),
        "cancel_listening_ms": 1e3 * cancel_listening(""),
        "cancel_alignment_ms": 1e3 * cancel_listening(TEXT * 6),
        "cancel_job_s": cancel_job(),
        "killed_listener_s": killed_listener(),
        "hear_20_minutes_cpu_s": hear_twenty_minutes(),
    }
    rounded = {name: round(value, 3) for name, value in figures.items()}
    print(json.dumps({"figures": rounded, "bars": BARS, "hardware": hardware()}, indent=1))


def least(work: Callable[[], object], times: int = 7) -> float:
    """Seconds of the quickest of some runs."""
    spent = []
    for _ in range(times):
        started = time.perf_counter()
        work()
        spent.append(time.perf_counter() - started)
    return min(spent)


def open_head(name: str) -> None:
    avatar.load(avatar.builtin(name))


def cancel_sequence(head: avatar.Avatar, size: int) -> float:
    """Seconds from the wish to end, a fifth of a second after the first frame, to the end."""
    first, asked = 0.0, 0.0

    def progress(fraction: float, text: str) -> None:
        nonlocal first, asked
        first = first or (time.perf_counter() if fraction > 0 else 0.0)
        if first and time.perf_counter() > first + 0.2:
            asked = time.perf_counter()
            raise Cancelled

    with tempfile.TemporaryDirectory() as folder:
        try:
            render_sequence(speaking(head, size, size, 1000), [head], Path(folder), progress)
        except Cancelled:
            return time.perf_counter() - asked
    raise AssertionError("the sequence was over before it could be cancelled")


def ctrl_c(head: avatar.Avatar) -> float:
    """Seconds from Ctrl-C to the end of `render` on the command line."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shot = replace(speaking(head, 256, 256, 2000), avatars=(f"builtin:{avatar.BUILTIN_NAMES[0]}",))
        (folder / "shot.json").write_text(shot.to_json(), encoding="utf-8")
        command = [sys.executable, "-I", "-m", "dgtalker_engine", "render", folder / "shot.json", "-o", folder / "out"]
        process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        while not (folder / "out" / "frame_0003.png").exists():
            assert process.poll() is None, "nothing is rendered"
            time.sleep(0.01)
        started = time.perf_counter()
        process.send_signal(signal.SIGINT)
        process.wait()
        return time.perf_counter() - started


def cancel_listening(transcript: str) -> float:
    """Seconds from the wish to end, a third of the way through the sample six times over, to the end."""
    samples, rate = speech.read_audio(SAMPLE)
    samples = np.tile(samples, 6)
    passages = [speech.Passage(0.0, len(samples) / rate, transcript=transcript)] if transcript else []
    asked = 0.0

    def progress(fraction: float, text: str) -> None:
        nonlocal asked
        if fraction > 0.3:
            asked = asked or time.perf_counter()
            raise Cancelled

    try:
        speech.animate(samples, rate, fps=25.0, passages=passages, progress=progress)
    except Cancelled:
        return time.perf_counter() - asked
    raise AssertionError("the recording was heard before it could be cancelled")


def cancel_job() -> float:
    """Seconds from `Job.cancel` to its end, of a job whose steps take 50 ms."""
    with tempfile.TemporaryDirectory() as name:
        python = Path(name) / "python"
        (Path(name) / "launcher.py").write_text(LAUNCHER.format(path=sys.path))
        python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{name}/launcher.py" "$@"\n')
        python.chmod(0o755)
        config = {"steps": 2000, "pace": 0.05}
        job = jobs.create(Path(name), jobs.Request(trainer="tiny", config=config, output=f"{name}/result"))
        jobs.start(job, python)
        while (job.progress or {"step": 0})["step"] < 3:
            assert job.state is jobs.State.RUNNING, "nothing is trained"
            time.sleep(0.01)
        time.sleep(0.02)  # into the middle of a step
        started = time.perf_counter()
        job.cancel()
        while job.state is not jobs.State.CANCELLED:
            assert job.state is jobs.State.RUNNING, "it was not cancelled"
            time.sleep(0.002)
        return time.perf_counter() - started


def killed_listener() -> float:
    """Seconds from the death of the processes that help to listen to the message about it."""
    samples = np.tile(sound.to_speech_rate(*speech.read_audio(SAMPLE), NO_PROGRESS), 6)
    length = len(samples) / sound.RATE / 6
    killed = 0.0

    def kill(fraction: float, text: str) -> None:
        nonlocal killed
        for task in Path("/proc/self/task").glob("*/children"):
            for number in task.read_text().split():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(int(number), signal.SIGKILL)
                    killed = killed or time.perf_counter()

    try:
        chunks = [Span(i * length, (i + 1) * length) for i in range(6)]
        phones.recognise(samples, chunks, [], Stage(kill), processes=2)
    except DGTalkerError:
        return time.perf_counter() - killed
    raise AssertionError("nobody noticed that the processes are gone")


def hear_twenty_minutes() -> float:
    """Processor seconds of this process for twenty minutes in which little is said."""
    samples, rate = speech.read_audio(SAMPLE)
    heard = np.zeros(20 * 60 * rate, np.float32)
    for minute in (1, 19):
        heard[minute * 60 * rate :][: len(samples)] = samples
    started = time.process_time()
    speech.animate(heard, rate, fps=25.0)
    return time.process_time() - started


if __name__ == "__main__":
    main()
