"""The bridge's parts: finding the engine, its log, its connection, its process."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from launcher import LIGHT, engine_python

from dgtalker_engine.errors import DGTalkerError

pytestmark = pytest.mark.usefixtures("addon")


@pytest.fixture
def data_home(monkeypatch, tmp_path):
    if sys.platform != "linux":
        pytest.skip("the folder is set by a variable on Linux only")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    (tmp_path / "dgtalker").mkdir()
    return tmp_path / "dgtalker"


def test_the_engine_that_build_py_made_is_found(data_home):
    from blender_addon.bridge import find

    (data_home / "engine.json").write_text(json.dumps({"python": sys.executable}))
    assert find.remembered() == sys.executable
    assert str(find.engine_python()) == sys.executable


def test_the_users_choice_comes_first(data_home):
    from blender_addon.bridge import find

    (data_home / "engine.json").write_text(json.dumps({"python": "/elsewhere"}))
    assert str(find.engine_python(sys.executable)) == sys.executable


@pytest.mark.parametrize("text", [None, "", "[]", '{"python": 3}', '{"python": "/nowhere/python"}'])
def test_no_engine_is_a_clear_error(data_home, text):
    from blender_addon.bridge import find

    if text is not None:
        (data_home / "engine.json").write_text(text)
    with pytest.raises(DGTalkerError) as caught:
        find.engine_python()
    assert caught.value.code == "no_engine"
    assert "install" in caught.value.hint.lower()


@pytest.mark.parametrize("path", ["//evil/python", "evil/python", "./python", "python", "~/python", "a\0b"])
def test_only_a_whole_path_is_taken_for_the_engine(tmp_path, monkeypatch, path):
    """Another would lie in whatever folder Blender was started from, or beside whatever file it has opened."""
    from blender_addon.bridge import find

    monkeypatch.chdir(tmp_path)
    (tmp_path / "evil").mkdir()
    for there in (tmp_path / "evil" / "python", tmp_path / "python"):
        there.symlink_to(sys.executable)
    with pytest.raises(DGTalkerError, match="whole path") as caught:
        find.engine_python(path)
    assert caught.value.code == "no_engine"


def test_a_file_that_is_no_program_is_refused(tmp_path):
    from blender_addon.bridge import find

    python = tmp_path / "python"
    python.write_text("")
    python.chmod(0o644)
    with pytest.raises(DGTalkerError, match="not a program"):
        find.engine_python(str(python))


def test_the_log_keeps_five_files_of_two_megabytes(tmp_path):
    from blender_addon.bridge.log import EngineLog

    line = b"x" * 999 + b"\n"
    log = EngineLog(io.BytesIO(line * 15_000 + b"\xff the end"), tmp_path / "log" / "engine.log")
    log._thread.join(30)
    files = sorted((tmp_path / "log").iterdir())
    assert len(files) == 5
    assert all(file.stat().st_size <= 2 * 2**20 for file in files)
    assert files[0].read_text().endswith("the end\n")
    assert log.last_line().endswith("the end")


def test_a_line_without_end_is_no_trouble(tmp_path):
    from blender_addon.bridge.log import EngineLog

    log = EngineLog(io.BytesIO(b"y" * 3_000_000), tmp_path / "engine.log")
    log._thread.join(30)
    assert len(log.last_line()) <= 8192


def test_an_engine_that_does_not_answer_counts_as_gone(raw_engine):
    from blender_addon.bridge.client import Client
    from blender_addon.bridge.process import EngineGone

    engine = raw_engine(light=True)
    engine.sock.settimeout(None)
    client = Client(engine.sock, lambda: "ended", heartbeat=1.5)
    engine.process.send_signal(signal.SIGSTOP)
    with pytest.raises(EngineGone, match="not answered"):
        client.request("doctor")
    engine.process.send_signal(signal.SIGCONT)


def test_an_idle_engine_keeps_its_heartbeat(raw_engine):
    from blender_addon.bridge.client import Client

    engine = raw_engine(light=True)
    engine.sock.settimeout(None)
    client = Client(engine.sock, lambda: "ended", heartbeat=3.0)
    time.sleep(7)
    assert client.alive
    client.close()


def test_a_slow_reader_does_not_trip_the_heartbeat(tmp_path, addon):
    """Blender is stopped for longer than the heartbeat, with an answer waiting, and goes on as if nothing had been."""
    script = tmp_path / "slow.py"
    script.write_text(
        "import sys, types; from pathlib import Path\n"
        "package = types.ModuleType('blender_addon')\n"
        f"package.__path__ = [{addon.__path__[0]!r}]\n"
        "sys.modules['blender_addon'] = package\n"
        "from blender_addon.bridge import find\n"
        "from blender_addon.bridge.client import Client\n"
        "from blender_addon.bridge.process import EngineProcess\n"
        f"process = EngineProcess(Path({engine_python(tmp_path, LIGHT)!r}), Path({str(tmp_path / 'engine.log')!r}))\n"
        "client = Client(process.sock, process.end, heartbeat=3.0)\n"
        "print('ready', flush=True)\n"
        "client.request('doctor')\n"
        "print('answered', flush=True)\n"
        "sys.stdin.readline()\n"
        "client.request('doctor')\n"
        "print('alive' if client.alive else client.reason, flush=True)\n"
        "client.close()\n"
    )
    blender = subprocess.Popen([sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with blender:
        assert blender.stdout.readline() == b"ready\n"
        blender.send_signal(signal.SIGSTOP)
        time.sleep(7)
        blender.send_signal(signal.SIGCONT)
        assert blender.stdout.readline() == b"answered\n"
        blender.stdin.write(b"\n")
        blender.stdin.flush()
        assert blender.stdout.readline() == b"alive\n"


def test_the_way_of_windows_works_and_leaves_no_listener(tmp_path):
    from blender_addon.bridge.client import Client
    from blender_addon.bridge.process import EngineProcess

    process = EngineProcess(Path(engine_python(tmp_path, LIGHT)), tmp_path / "engine.log", tcp=True)
    client = Client(process.sock, process.end)
    assert client.request("doctor").header["report"]
    port = process.sock.getsockname()[1]
    assert process.sock.getsockname()[0] == "127.0.0.1"
    with socket.socket() as stranger:
        assert stranger.connect_ex(("127.0.0.1", port)) != 0
    client.close()


def test_a_stranger_who_connects_first_is_turned_away(tmp_path, monkeypatch):

    from blender_addon.bridge import process as module
    from blender_addon.bridge.client import Client

    real = socket.create_server

    def server(*arguments, **options):
        listener = real(*arguments, **options)
        stranger = socket.create_connection(listener.getsockname())
        threading.Thread(target=lambda: (stranger.sendall(b"GET / HTTP/1.1\r\n" * 10), stranger.recv(1))).start()
        return listener

    monkeypatch.setattr(module.socket, "create_server", server)
    process = module.EngineProcess(Path(engine_python(tmp_path, LIGHT)), tmp_path / "engine.log", tcp=True)
    client = Client(process.sock, process.end)
    assert client.request("doctor").header["report"]
    client.close()


def test_ending_an_engine_twice_is_fine_and_leaves_no_zombie(tmp_path):
    from blender_addon.bridge.process import EngineProcess

    process = EngineProcess(Path(sys.executable), tmp_path / "engine.log")
    process.sock.close()
    assert process.end() == process.end() == "exit code 0"
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
