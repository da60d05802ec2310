"""`bridge.engine` against real engine processes."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from launcher import engine_python

from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.performance import Take, perform

SLOW = {"sample_rate": 16000, "fps": 25}


def kill_engine(bridge):
    """Kills the engine that runs; False when none does."""
    pid = bridge.state().pid
    if pid is None:
        return False
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def children(pid):
    """Processes that this one has started and that have not ended."""
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the thread has ended meanwhile
            found += (task / "children").read_text().split()
    return [child for child in found if running(child)]


def running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_nothing_runs_until_something_is_asked(bridge):
    assert bridge.state().status == "stopped"
    assert bridge.state().python == sys.executable


def test_the_first_request_starts_the_engine_and_the_next_uses_the_same(bridge):
    report = bridge.request("doctor").header["report"]
    assert {"text", "ok", "advice"} <= set(report["lines"][0])
    first = bridge.state()
    assert first.status == "running"
    bridge.request("doctor")
    assert bridge.state().pid == first.pid


def test_a_performance_comes_back_with_progress_in_the_calling_thread(shared_bridge, recording):
    heard = []
    reply = shared_bridge.request(
        "animate",
        SLOW,
        recording[: 2 * 16000],
        on_progress=lambda fraction, text: heard.append((fraction, text, threading.current_thread())),
    )
    assert perform(Take.from_bytes(reply.body)).frames == 50
    assert heard
    assert all(0 <= fraction <= 1 and text for fraction, text, _ in heard)
    assert {thread for _, _, thread in heard} == {threading.current_thread()}


@pytest.mark.parametrize("on_demand", [False, True])
def test_what_speech_needs_is_loaded_beforehand_or_when_it_is_asked_for(bridge, recording, wait_until, on_demand):
    bridge.configure(python=sys.executable, log=bridge.state().log, speech_on_demand=on_demand)
    bridge.request("doctor")
    engine = bridge.state().pid
    if on_demand:
        assert not children(engine)
    else:
        wait_until(lambda: children(engine))
    assert Take.from_bytes(bridge.request("animate", SLOW, recording[: 2 * 16000]).body).fps == 25
    assert children(engine), "it stays for the next request"


def test_submit_does_not_wait_and_tells_progress(shared_bridge, recording):
    pending = shared_bridge.submit("animate", SLOW, recording[: 2 * 16000])
    assert not pending.done
    assert not pending.wait(0.01)
    assert Take.from_bytes(pending.result().body).fps == 25
    assert pending.done
    assert pending.progress[1]


def test_the_engines_errors_arrive_as_they_were_meant(shared_bridge):
    with pytest.raises(DGTalkerError) as caught:
        shared_bridge.submit("open_avatar", {"builtin": "nobody"}).result()
    assert "nobody" in caught.value.message
    assert caught.value.hint


def test_the_engine_lives_on_after_a_cancel(shared_bridge, recording):
    shared_bridge.request("doctor")
    pid = shared_bridge.state().pid
    pending = shared_bridge.submit("animate", SLOW, recording)
    while not pending.progress[1]:
        time.sleep(0.01)
    pending.cancel()
    with pytest.raises(Cancelled):
        pending.result()
    with pytest.raises(Cancelled):
        shared_bridge.request("animate", SLOW, recording, should_cancel=lambda: True)
    assert shared_bridge.request("doctor").header["report"]
    assert shared_bridge.state().pid == pid


def test_a_callback_that_fails_cancels_the_work(shared_bridge, recording):
    def fail(fraction, text):
        raise RuntimeError("callback")

    with pytest.raises(RuntimeError, match="callback"):
        shared_bridge.request("animate", SLOW, recording, on_progress=fail)
    assert shared_bridge.submit("doctor").wait(5), "the engine is still at work"


def test_many_threads_share_one_engine(shared_bridge):
    failures = []

    def ask():
        try:
            for _ in range(20):
                shared_bridge.request("doctor")
        except DGTalkerError as error:
            failures.append(error)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(children(os.getpid())) == 1


def test_cancel_while_the_engine_starts(light_bridge):
    pending = light_bridge.submit("doctor")
    pending.cancel()
    with pytest.raises(Cancelled):
        pending.result()


def test_a_crash_is_noticed_at_once_and_the_next_request_has_a_new_engine(light_bridge, wait_until):
    light_bridge.request("doctor")
    old = light_bridge.state().pid
    kill_engine(light_bridge)
    wait_until(lambda: light_bridge.state().status == "stopped")
    assert "signal 9" in light_bridge.state().error
    light_bridge.request("doctor")
    assert light_bridge.state().pid != old
    assert light_bridge.state().error == ""


def test_an_engine_killed_at_work_is_replaced_and_the_request_repeated(light_bridge, recording):
    pending = light_bridge.submit("animate", SLOW, recording[: 4 * 16000])
    while not pending.progress[1]:
        time.sleep(0.01)
    assert kill_engine(light_bridge)
    assert Take.from_bytes(pending.result().body).frames == 100


def test_an_engine_killed_while_it_starts_is_replaced(light_bridge):
    pending = light_bridge.submit("doctor")
    deadline = time.monotonic() + 5
    while not (starting := children(os.getpid())):
        assert time.monotonic() < deadline
    os.kill(int(starting[0]), signal.SIGKILL)
    assert pending.result().header["report"]


def test_a_request_that_always_ends_the_engine_is_given_up_and_points_to_the_log(light_bridge, recording):
    over = threading.Event()

    def killer():
        while not over.wait(0.02):
            kill_engine(light_bridge)

    thread = threading.Thread(target=killer)
    thread.start()
    try:
        with pytest.raises(DGTalkerError) as caught:
            light_bridge.request("animate", SLOW, recording)
    finally:
        over.set()
        thread.join()
    assert caught.value.code == "crashed"
    assert "4 times" in caught.value.message
    assert str(light_bridge.state().log) in caught.value.hint
    assert light_bridge.request("doctor").header["report"]


def test_random_kills_lose_nothing_and_leave_nobody_behind(light_bridge, wait_until):
    dice = random.Random(5)
    over = threading.Event()
    answers, killed = [], []

    def killer():
        """Up to three kills in a row, at any moment of a start or a request, then none until one was answered."""
        while not over.is_set():
            for _ in range(dice.randint(1, 3)):
                over.wait(dice.uniform(0.0, 0.4))
                killed.append(kill_engine(light_bridge))
            seen = len(answers)
            while len(answers) == seen and not over.wait(0.005):
                pass

    thread = threading.Thread(target=killer)
    thread.start()
    try:
        while sum(killed) < 6:
            answers.append(light_bridge.request("doctor").header["report"]["lines"])
    finally:
        over.set()
        thread.join()
    light_bridge.request("doctor")
    assert len(children(os.getpid())) == 1
    light_bridge.stop()
    wait_until(lambda: not children(os.getpid()))


def test_stop_ends_what_is_under_way_and_the_next_request_starts_anew(light_bridge, recording, wait_until):
    pending = light_bridge.submit("animate", SLOW, recording)
    while not pending.progress[1]:
        time.sleep(0.01)
    light_bridge.stop()
    with pytest.raises(DGTalkerError) as caught:
        pending.result()
    assert caught.value.code == "stopped"
    wait_until(lambda: not children(os.getpid()))
    assert light_bridge.request("doctor").header["report"]


def test_restart_begins_another_engine_without_waiting(light_bridge, wait_until):
    light_bridge.request("doctor")
    old = light_bridge.state().pid
    light_bridge.restart()
    assert light_bridge.state().status == "starting"
    wait_until(lambda: light_bridge.state().status == "running")
    assert light_bridge.state().pid != old


def test_an_environment_that_leaks_from_blender_does_no_harm(bridge, monkeypatch, tmp_path):
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("PYTHONHOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert bridge.request("doctor").header["report"]


def test_a_python_without_the_engine_says_what_is_missing(bridge, tmp_path):
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho No module named dgtalker_engine >&2\nexit 1\n")
    python.chmod(0o755)
    bridge.configure(python=str(python), log=tmp_path / "engine.log")
    with pytest.raises(DGTalkerError, match="has no DGTalker engine") as caught:
        bridge.request("doctor")
    assert "preferences" in caught.value.hint


def test_a_python_that_is_no_program_is_named_at_once(bridge, tmp_path):
    python = tmp_path / "python"
    python.write_bytes(b"\x00\x01")
    python.chmod(0o755)
    bridge.configure(python=str(python), log=tmp_path / "engine.log")
    with pytest.raises(DGTalkerError, match="cannot be started") as caught:
        bridge.request("doctor")
    assert caught.value.code == "no_engine"


def test_two_blenders_have_an_engine_each(light_bridge, tmp_path, addon):
    python, log = light_bridge.state().python, str(tmp_path / "log" / "engine.log")
    script = (
        "import sys, types; from pathlib import Path\n"
        "package = types.ModuleType('blender_addon')\n"
        f"package.__path__ = [{addon.__path__[0]!r}]\n"
        "sys.modules['blender_addon'] = package\n"
        "from blender_addon.bridge import engine\n"
        f"engine.configure(python={python!r}, log=Path({log!r}))\n"
        "engine.request('doctor')\n"
        "print(engine.state().pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    light_bridge.request("doctor")
    other = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with other:
        pid = int(other.stdout.readline())
        assert pid != light_bridge.state().pid
        light_bridge.stop()
        assert Path(f"/proc/{pid}").exists()
        assert light_bridge.request("doctor").header["report"]
    assert not Path(f"/proc/{pid}").exists()


def test_the_log_can_be_read_and_says_what_happened(light_bridge):
    light_bridge.request("doctor")
    light_bridge.stop()
    assert "connected" in light_bridge.state().log.read_text()


def test_a_log_that_cannot_be_written_stops_nobody(light_bridge, tmp_path):
    (tmp_path / "file").write_text("")
    light_bridge.configure(python=light_bridge.state().python, log=tmp_path / "file" / "engine.log")
    assert light_bridge.request("doctor").header["report"]


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for the engine's Python is a shell script")
@pytest.mark.parametrize("failures", [1, 99])
def test_an_engine_whose_gpu_has_failed_is_replaced_and_the_request_repeated(bridge, tmp_path, failures):
    """A GPU cannot be broken on purpose: engines that say so, each on a line of `starts`."""
    program = f"""
import os, sys
from dgtalker_engine.cli.main import main
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.server import doctor
from dgtalker_engine.server.operations import Operations
Operations.warm_up = lambda self: None
def fail():
    with open({str(tmp_path / "starts")!r}, "a") as starts:
        starts.write(f"{{os.getpid()}}\\n")
    if len(open({str(tmp_path / "starts")!r}).readlines()) <= {failures}:
        raise DGTalkerError("The GPU has failed: an illegal memory access.", code="gpu_failed")
    return {{"lines": [doctor._engine()]}}
doctor.examine = fail
sys.exit(main(sys.argv[4:]))
"""
    bridge.configure(python=engine_python(tmp_path, program), log=tmp_path / "log" / "engine.log")
    if failures == 1:
        assert bridge.request("doctor").header["report"]
    else:
        with pytest.raises(DGTalkerError, match=r"4 times during doctor\. The GPU has failed") as caught:
            bridge.request("doctor")
        assert caught.value.code == "crashed"
    started = (tmp_path / "starts").read_text().split()
    assert len(set(started)) == len(started) == (2 if failures == 1 else 4)
