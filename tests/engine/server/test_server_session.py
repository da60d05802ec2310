"""What a connection to a real engine process promises."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
from launcher import LIGHT, engine_python
from process_tools import running

from dgtalker_engine.wire import MAX_BODY, MAX_HEADER, Channel, Kind
from dgtalker_engine.wire.frames import MAGIC, PREFIX, VERSION

SLOW = {"sample_rate": 16000, "fps": 25}


def listening_sockets(pid):
    """TCP sockets in the state LISTEN that this process holds."""
    mine = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            mine.add(os.readlink(link))
        except OSError:
            continue
    found = []
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in mine:
                found.append(fields[1])
    return found


def listening(pid):
    """Processes that a process has started, and those that they have."""
    found = []
    with contextlib.suppress(OSError):  # it has ended meanwhile
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += (task / "children").read_text().split()
    return [each for child in found for each in (child, *listening(child))]


def start_slow_work(engine, number, recording):
    """A request that keeps the worker busy for seconds, and has begun."""
    engine.send(Kind.REQUEST, {"id": number, "op": "animate", **SLOW}, [recording])
    while engine.receive()[0] is not Kind.EVENT:
        pass


def test_nobody_listens_after_the_start(shared_engine):
    engine = shared_engine
    engine.ask(1, "doctor")
    assert listening_sockets(engine.process.pid) == []


def test_the_token_is_neither_in_the_arguments_nor_in_the_environment(shared_engine):
    engine = shared_engine
    for name in ("cmdline", "environ"):
        assert engine.token not in Path(f"/proc/{engine.process.pid}/{name}").read_bytes()


@pytest.mark.parametrize("token", [b"", b"0" * 64, b"x" * 1000])
def test_a_wrong_token_ends_the_engine(raw_engine, token):
    from dgtalker_engine.wire import HandshakeError, shake_hands

    engine = raw_engine(token_given=token, greet=False)
    with pytest.raises(HandshakeError):
        shake_hands(engine.sock, engine.token, "owner")
    engine.sock.close()
    assert engine.process.wait(10) == 1


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.1\r\n\r\n" + bytes(200),
        PREFIX.pack(MAGIC, VERSION, Kind.REQUEST, 0, 20, 0) + b'{"op":"doctor","id":1}',
    ],
    ids=["http", "a frame"],
)
def test_nothing_is_answered_before_the_handshake(raw_engine, garbage):
    engine = raw_engine(greet=False)
    engine.sock.sendall(garbage)
    engine.sock.settimeout(10)
    received = b""
    with contextlib.suppress(ConnectionResetError):  # it closed without reading all of the garbage
        while part := engine.sock.recv(4096):
            received += part
    assert received.startswith(b"DGTH")
    assert len(received) == 40
    assert engine.process.wait(10) == 1


def test_an_engine_that_nobody_talks_to_ends(raw_engine):
    engine = raw_engine(greet=False)
    assert engine.process.wait(20) == 1


def test_serve_by_hand_says_that_blender_starts_it():
    answer = subprocess.run(
        [sys.executable, "-I", "-m", "dgtalker_engine", "serve"], input=b"", capture_output=True, timeout=60
    )
    assert answer.returncode == 1
    assert b"Blender starts" in answer.stderr


@pytest.mark.parametrize(("header", "body"), [(MAX_HEADER + 1, 0), (2, MAX_BODY + 1), (2, 2**62)])
def test_an_oversize_frame_ends_the_connection_and_is_never_allocated(raw_engine, header, body):
    engine = raw_engine()
    engine.sock.sendall(PREFIX.pack(MAGIC, VERSION, Kind.REQUEST, 0, header, body))
    with pytest.raises(ConnectionError):
        engine.receive()
    assert engine.process.wait(10) == 1


@pytest.mark.parametrize(
    ("kind", "header"),
    [
        (Kind.REQUEST, {"op": "doctor"}),
        (Kind.REQUEST, {"id": "one", "op": "doctor"}),
        (Kind.REQUEST, {"id": 1}),
        (Kind.RESPONSE, {"id": 1}),
    ],
)
def test_a_frame_that_makes_no_sense_ends_the_connection(raw_engine, kind, header):
    engine = raw_engine()
    engine.send(kind, header)
    assert engine.process.wait(10) == 1


def test_an_unknown_operation_is_an_error_and_the_engine_goes_on(shared_engine):
    engine = shared_engine
    kind, header, _ = engine.ask(1, "dance")
    assert (kind, header["code"]) == (Kind.ERROR, "error")
    assert "dance" in header["message"]
    assert engine.ask(2, "doctor")[0] is Kind.RESPONSE


@pytest.mark.parametrize(
    ("op", "header", "body"),
    [
        ("render", {}, b"not a shot"),
        ("open_avatar", {}, b"not an avatar"),
        ("open_avatar", {"builtin": "nobody"}, b""),
        ("animate", {"sample_rate": 16000}, bytes(64)),
        ("animate", {"sample_rate": "fast", "fps": 25}, bytes(64)),
        ("animate", {"sample_rate": 16000, "fps": 25, "passages": 14}, bytes(64) + b'[{"shout": 1}]'),
        ("animate", {"sample_rate": 16000, "fps": 25, "passages": 2}, bytes(64)),
        ("animate", {"sample_rate": 16000, "fps": 25, "passages": 9999}, bytes(64)),
        ("animate", {"sample_rate": 16000, "fps": 25, "passages": -2}, bytes(64)),
        ("animate", {"sample_rate": 16000, "fps": 25}, bytes(63)),
        ("animate", {"sample_rate": 16000, "fps": float("1e300")}, bytes(64)),
    ],
)
def test_bad_input_is_one_clear_error_and_the_engine_goes_on(shared_engine, op, header, body):
    engine = shared_engine
    kind, answer, _ = engine.ask(1, op, header, [body])
    assert (kind, answer["code"]) == (Kind.ERROR, "error")
    assert "unexpectedly" not in answer["message"]
    assert engine.ask(2, "doctor")[0] is Kind.RESPONSE


def test_an_avatar_that_is_not_open_is_named(shared_engine):
    shot = (
        '{"version": 1, "width": 8, "height": 8, "avatars": ["abc"], "frames": [{"number": 1, "heads": [], "camera":'
        '{"K": [1,0,0,0,1,0,0,0,1], "world_to_camera": [1,0,0,0,0,1,0,0,0,0,1,0,0,0,0,1]}}]}'
    )
    kind, header, _ = shared_engine.ask(1, "render", {}, [shot.encode()])
    assert (kind, header["code"], header["avatar"]) == (Kind.ERROR, "unknown_avatar", "abc")


def test_a_ping_is_answered_while_the_engine_works(raw_engine, recording):
    engine = raw_engine(light=True)
    start_slow_work(engine, 1, recording)
    for number in range(20):
        engine.send(Kind.PING, {"id": number})
        while (frame := engine.receive())[0] is not Kind.PONG:
            assert frame[0] is Kind.EVENT, "the work was not over before"
        assert frame[1] == {"id": number}


def test_cancel_is_acknowledged_before_the_work_is_done(raw_engine, recording):
    engine = raw_engine(light=True)
    for number in range(1, 6):
        start_slow_work(engine, number, recording)
        engine.send(Kind.CANCEL, {"id": number})
        kind, header, _ = engine.answer(number)
        assert (kind, header["code"]) == (Kind.ERROR, "cancelled")
    assert engine.ask(99, "doctor")[0] is Kind.RESPONSE  # and nothing more of what was cancelled


def test_a_transcript_may_be_longer_than_a_header(shared_engine):
    words = json.dumps([{"start": 0.0, "end": 1.0, "transcript": "fish " * MAX_HEADER}]).encode()
    header = {"sample_rate": 16000, "fps": 25, "passages": len(words)}
    kind, answer, _ = shared_engine.ask(1, "animate", header, [bytes(32000), words])
    assert kind is Kind.RESPONSE
    assert "No speech" in answer["notes"][0]


def test_a_cancel_ends_the_processes_that_listen(raw_engine, recording, wait_until):
    engine = raw_engine(light=True)
    start_slow_work(engine, 2, np.tile(recording, 4))
    wait_until(lambda: len(listening(engine.process.pid)) >= 2, 60)
    busy = listening(engine.process.pid)
    engine.send(Kind.CANCEL, {"id": 2})
    assert engine.answer(2)[1]["code"] == "cancelled"
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in busy))
    assert engine.ask(3, "doctor")[0] is Kind.RESPONSE


def test_a_queued_request_is_cancelled_without_being_done(raw_engine, recording):
    engine = raw_engine(light=True)
    start_slow_work(engine, 1, recording)
    engine.send(Kind.REQUEST, {"id": 2, "op": "doctor"})
    engine.send(Kind.CANCEL, {"id": 2})
    assert engine.answer(2)[1]["code"] == "cancelled"
    engine.send(Kind.CANCEL, {"id": 2})
    engine.send(Kind.CANCEL, {"id": 77})
    engine.send(Kind.CANCEL, {"id": "two"})
    engine.send(Kind.CANCEL, {"id": 1})
    assert engine.answer(1)[1]["code"] == "cancelled"
    assert engine.ask(3, "doctor")[0] is Kind.RESPONSE


def test_sixty_four_requests_queue_and_the_next_is_refused_as_busy(raw_engine, recording):
    engine = raw_engine(light=True)
    start_slow_work(engine, 1, recording)
    for number in range(2, 2 + 70):
        engine.send(Kind.REQUEST, {"id": number, "op": "dance"})
    refused = []
    for _ in range(6):
        while (frame := engine.receive())[0] is Kind.EVENT:
            pass
        assert frame[1]["code"] == "busy"
        refused.append(frame[1]["id"])
    assert refused == list(range(66, 72))
    engine.send(Kind.CANCEL, {"id": 1})
    assert engine.answer(1)[1]["code"] == "cancelled"
    answered = [engine.receive()[1]["id"] for _ in range(64)]
    assert answered == list(range(2, 66))


@pytest.mark.parametrize(("size", "count"), [(100_000, 200), (4_000_000, 40)])
def test_a_flood_of_requests_costs_at_most_128_mb(raw_engine, recording, size, count):
    engine = raw_engine(light=True)
    assert engine.ask(1, "doctor")[0] is Kind.RESPONSE
    start_slow_work(engine, 2, recording)
    base = engine.memory()
    body = np.ones(size // 4, "f4")
    most, refused = 0, 0
    for number in range(10, 10 + count):
        engine.send(Kind.REQUEST, {"id": number, "op": "animate", **SLOW}, [body])
        engine.send(Kind.PING, {"id": number})
        while (frame := engine.receive())[0] is not Kind.PONG:
            refused += frame[1].get("code") == "busy"
        most = max(most, engine.memory() - base)
    assert refused > 0
    assert most <= 128_000_000


def test_an_owner_that_does_not_read_for_a_while_gets_everything(raw_engine):
    engine = raw_engine(light=True)
    engine.send(Kind.PING, {"id": 0})
    for number in range(1, 61):
        engine.send(Kind.REQUEST, {"id": number, "op": "doctor"})
        for _ in range(5):
            engine.send(Kind.PING, {"id": number})
    time.sleep(3)
    answered = []
    while len(answered) < 60:
        kind, header, _ = engine.receive()
        if kind is Kind.RESPONSE:
            answered.append(header["id"])
    assert answered == list(range(1, 61))


def test_bye_ends_the_engine(raw_engine):
    engine = raw_engine(light=True)
    engine.send(Kind.BYE, {})
    assert engine.process.wait(10) == 0


def test_ctrl_c_in_the_terminal_does_not_end_it(raw_engine):
    engine = raw_engine(light=True)
    engine.process.send_signal(signal.SIGINT)
    assert engine.ask(1, "doctor")[0] is Kind.RESPONSE


def test_the_end_of_the_connection_ends_the_engine_while_it_works(raw_engine, recording, wait_until):
    engine = raw_engine(light=True)
    start_slow_work(engine, 1, recording)
    engine.sock.shutdown(socket.SHUT_RDWR)
    wait_until(lambda: engine.process.poll() is not None)


def test_no_orphan_stays_when_the_owner_is_killed(recording, tmp_path, wait_until, addon):
    owner = tmp_path / "owner.py"
    owner.write_text(
        textwrap.dedent(f"""
        import sys, time, types
        from pathlib import Path
        package = types.ModuleType("blender_addon")
        package.__path__ = [{addon.__path__[0]!r}]
        sys.modules["blender_addon"] = package
        from blender_addon.bridge import engine
        import numpy as np
        engine.configure(python={engine_python(tmp_path, LIGHT)!r}, log=Path({str(tmp_path)!r}) / "engine.log")
        pending = engine.submit("animate", {SLOW!r}, np.load({str(tmp_path / "sound.npy")!r}))
        while not pending.progress[1]:
            time.sleep(0.01)
        pid = engine.state().pid
        print(pid, Path(f"/proc/{{pid}}/task/{{pid}}/children").read_text(), flush=True)
        time.sleep(60)
        """)
    )
    np.save(tmp_path / "sound.npy", recording)
    process = subprocess.Popen([sys.executable, str(owner)], stdout=subprocess.PIPE)
    with process.stdout:
        pids = process.stdout.readline().decode().split()
    assert len(pids) == 2
    assert all(running(pid) for pid in pids)
    process.kill()
    process.wait()
    wait_until(lambda: not any(running(pid) for pid in pids))


SESSION = """
import socket, sys, time
from dgtalker_engine.server.session import Session
from dgtalker_engine.wire import Channel

def handle(op, header, body, progress):
    while op == "long":
        progress(0.5, "Goes on")
        time.sleep(0.01)
    return {"did": op}, []

Session(Channel(socket.socket(fileno=int(sys.argv[1]))), handle, lambda: None, ("long",)).run()
"""


def test_what_is_apart_holds_up_nothing_else_and_can_be_cancelled():
    ours, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, "-I", "-c", SESSION, str(theirs.fileno())]
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
    channel = Channel(ours)
    ours.settimeout(60)

    def send(kind, number, op):
        channel.send(kind, {"id": number, "op": op})

    def answer():
        while (head := channel.reader.head()).kind is Kind.EVENT:
            pass
        return head.kind, head.header

    send(Kind.REQUEST, 1, "long")
    send(Kind.REQUEST, 2, "long")
    for number in (3, 4):
        send(Kind.REQUEST, number, "quick")
        assert answer() == (Kind.RESPONSE, {"id": number, "did": "quick"})
    for number in (2, 1):  # one that waits behind the other, and that one
        send(Kind.CANCEL, number, "long")
        assert answer()[1]["code"] == "cancelled"
    send(Kind.REQUEST, 5, "long")
    assert channel.reader.head().header["id"] == 5, "the worker is free again"
    channel.close()
    process.wait(10)
