"""Live lips over the wire: a real engine listens to a sound file at the pace of a microphone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from process_tools import running
from test_server_session import listening

from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.server.live import Live
from dgtalker_engine.wire import Kind

SAMPLE = Path(__file__).resolve().parents[2] / "demo" / "sample.wav"


@pytest.fixture
def engine(shared_engine):
    yield shared_engine
    shared_engine.ask(9, "live_stop")


def start(engine, path, **more):
    return engine.ask(1, "live_start", {"path": str(path), "file": str(SAMPLE), **more})


def frames(path):
    with wave.open(str(path), "rb") as file:
        return file.getnframes(), np.frombuffer(file.readframes(file.getnframes()), "<i2")


def test_weights_come_while_it_listens_and_the_rest_at_the_end(engine, tmp_path):
    path = tmp_path / "line.wav"
    kind, about, _ = start(engine, path)
    assert kind is Kind.RESPONSE
    names, rows, delays = about["names"], [], []
    while sum(map(len, rows)) * about["interval"] < 1.5:
        kind, told, body = engine.ask(2, "live_read", {"after": sum(map(len, rows))})
        rows.append(np.frombuffer(body, "<f4").reshape(-1, len(names)))
        last = sum(map(len, rows)) - 1
        if len(rows[-1]):
            delays.append(time.monotonic() - about["begun"] - last * about["interval"])
        assert told["ended"] is None
    kind, told, body = engine.ask(3, "live_stop", {"after": sum(map(len, rows))})
    rows.append(np.frombuffer(body, "<f4").reshape(-1, len(names)))
    every = np.concatenate(rows)
    assert told["ended"] == []
    assert min(delays) < 0.15  # the bench has the others
    assert 0.1 < every[:, names.index("jawOpen")].max() <= 1.0
    count, samples = frames(path)
    assert count == pytest.approx(told["seconds"] * 48000, abs=1)
    assert np.abs(samples).max() > 1000
    assert len(every) * about["interval"] >= told["seconds"]
    assert engine.ask(4, "live_read")[1]["code"] == "not_live"


def test_a_second_one_is_refused_and_a_new_one_begins_once_the_first_has_ended(engine, tmp_path):
    start(engine, tmp_path / "one.wav")
    kind, told, _ = engine.ask(2, "live_start", {"path": str(tmp_path / "two.wav"), "file": str(SAMPLE)})
    assert (kind, told["code"]) == (Kind.ERROR, "refused")
    engine.ask(3, "live_stop")
    assert engine.ask(4, "live_start", {"path": str(tmp_path / "two.wav"), "file": str(SAMPLE)})[0] is Kind.RESPONSE


def test_where_it_cannot_begin_it_says_why_and_writes_nothing(engine, tmp_path):
    kind, told, _ = engine.ask(1, "live_start", {"path": str(tmp_path / "x.wav"), "microphone": "A Theremin"})
    assert kind is Kind.ERROR
    assert "A Theremin" in told["message"] or "system's sound" in told["message"]
    assert told["hint"]
    assert not list(tmp_path.iterdir())
    taken = tmp_path / "taken.wav"
    taken.write_bytes(b"mine")
    kind, told, _ = start(engine, taken)
    assert (kind, taken.read_bytes()) == (Kind.ERROR, b"mine")
    assert "taken.wav" in told["message"]


def test_what_was_recorded_stays_when_the_listening_process_dies(engine, tmp_path, wait_until):
    path = tmp_path / "line.wav"
    start(engine, path)
    engine.ask(2, "live_read", {"after": 20})
    wait_until(lambda: path.stat().st_size > 48000)
    child = next(pid for pid in listening(engine.process.pid) if b"microphone" in command(pid))
    os.kill(int(child), signal.SIGKILL)
    rows = 0
    while (told := engine.ask(3, "live_read", {"after": rows})[1])["ended"] is None:
        rows += told["rows"]
    assert "unexpectedly" in told["ended"][0]
    count, samples = frames(path)
    assert count > 20000
    assert np.abs(samples).max() > 0


def test_it_ends_with_the_engine_and_keeps_the_sound(raw_engine, tmp_path, wait_until):
    engine, path = raw_engine(light=True), tmp_path / "line.wav"
    start(engine, path)
    engine.ask(2, "live_read", {"after": 10})
    children = [pid for pid in listening(engine.process.pid) if b"microphone" in command(pid)]
    engine.end()
    wait_until(lambda: not any(running(int(pid)) for pid in children))
    assert frames(path)[0] > 4800


def test_a_full_disk_is_said_and_what_was_written_before_is_kept(tmp_path):
    path = tmp_path / "line.wav"
    asked = json.dumps({"microphone": "", "path": str(path), "file": str(SAMPLE)}).encode() + b"\n"
    command = ["prlimit", "--fsize=30000", sys.executable, "-I", "-m", "dgtalker_engine.server.microphone"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        process.stdin.write(asked)
        process.stdin.flush()
        said = process.stdout.read()
    assert b"could not be written any further" in said
    assert 10000 < frames(path)[0] <= 15000


def test_one_who_gives_up_while_it_begins_stops_what_listens_and_a_new_one_can_begin(tmp_path):
    live = Live()

    def progress(fraction, text):
        raise Cancelled

    with pytest.raises(Cancelled):
        live.start({"path": str(tmp_path / "one.wav"), "file": str(SAMPLE)}, progress)
    with pytest.raises(DGTalkerError, match="No microphone"):
        live.stop({})
    live.start({"path": str(tmp_path / "two.wav"), "file": str(SAMPLE)}, lambda fraction, text: None)
    assert live.stop({})[0]["ended"] == []
    assert [each.name for each in tmp_path.iterdir()] == ["two.wav"]


def test_microphones_are_listed_or_it_is_said_why_not(engine):
    kind, told, _ = engine.ask(1, "microphones")
    if kind is Kind.RESPONSE:
        assert all(isinstance(name, str) and name for name in told["microphones"])
    else:
        assert "sound" in told["message"]


def command(pid):
    return Path(f"/proc/{pid}/cmdline").read_bytes()
