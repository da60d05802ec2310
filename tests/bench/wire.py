"""The bars of the wire: prints JSON. `python build.py bench wire [--kills 1000]`

Runs in the engine's environment. Sizes and round trips are measured between two processes with the wire's own frames;
cancel, crash and flood with real engines.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from dgtalker_engine import avatar as avatars_room
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.files import make_folder, write_file
from dgtalker_engine.rendering.formats import FORMATS
from dgtalker_engine.rendering.talking_shot import front_camera
from dgtalker_engine.wire import Channel, Kind, Shot, ShotFrame, ShotHead
from dgtalker_engine.wire.provenance import xmp

sys.path.insert(0, str(Path(__file__).resolve().parent))
from bridge import PYTHON, Client, EngineProcess

from blender_addon.bridge import engine

IDENTITY = tuple(np.eye(4).ravel().tolist())
BARS = {
    "unix": {"round_trip_p50_ms": 0.1, "round_trip_p99_ms": 1.0, "1080p_float32_p99_ms": 20.0},
    "tcp": {"round_trip_p50_ms": 0.2, "round_trip_p99_ms": 2.0, "1080p_float32_p99_ms": 30.0},
    "engine": {
        "cancel_max_ms": 100.0,
        "busy_ping_median_ms": 50.0,
        "busy_ping_max_ms": 1000.0,
        "gone_without_owner_s": 1.0,
        "crash_detected_max_ms": 500.0,
        "ready_again_max_s": 10.0,
        "flood_mb": 128.0,
    },
}


def echo(descriptor: int) -> None:
    """The other process: answers every request with a body of the size that it asks for."""
    channel = Channel(socket.socket(fileno=descriptor))
    bodies: dict[int, np.ndarray] = {}
    while True:
        head = channel.reader.head()
        channel.reader.skip_body(head)
        size = head.header["size"]
        if size not in bodies:
            bodies[size] = np.ones(size, "u1")
        channel.send(Kind.RESPONSE, {"id": head.header["id"]}, [bodies[size]])


def pair(transport: str) -> tuple[socket.socket, socket.socket]:
    if transport == "unix":
        return socket.socketpair()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        ours = socket.create_connection(listener.getsockname())
        return ours, listener.accept()[0]


def transfers(transport: str) -> dict[str, float]:
    ours, theirs = pair(transport)
    command = [sys.executable, __file__, "--echo", str(theirs.fileno())]
    with theirs:
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
    channel = Channel(ours)

    def ask(size: int) -> None:
        channel.send(Kind.REQUEST, {"id": 1, "size": size}, [bytes(50)])
        channel.reader.body(channel.reader.head())

    sizes = {"round_trip": (100, 5000), "512_rgba8": (512 * 512 * 4, 300), "1080p_float32": (1920 * 1080 * 16, 200)}
    figures: dict[str, float] = {}
    for name, (size, repeats) in sizes.items():
        for _ in range(10):
            ask(size)
        milliseconds = sorted(1e3 * seconds(ask, size) for _ in range(repeats))
        figures[f"{name}_p50_ms"] = round(milliseconds[repeats // 2], 3)
        figures[f"{name}_p99_ms"] = round(milliseconds[int(repeats * 0.99)], 3)
    channel.close()
    process.kill()
    process.wait()
    return figures


def seconds(work: Callable[..., object], *arguments: object) -> float:
    started = time.perf_counter()
    work(*arguments)
    return time.perf_counter() - started


def babble(duration: float) -> np.ndarray:
    times = np.arange(int(duration * 16000)) / 16000
    voice = np.sin(2 * np.pi * 120 * times) + 0.3 * np.random.default_rng(1).normal(size=times.size)
    return (0.2 * voice * np.clip(np.sin(2 * np.pi * 3 * times), 0, 1)).astype("f4")


def wait_for(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.001)


def shot_of(avatar: avatars_room.Avatar, number: int, size: int) -> bytes:
    heads = (ShotHead(0, IDENTITY, {"jawOpen": number % 10 / 10}),)
    frame = ShotFrame(number, front_camera(avatar, size), heads)
    return Shot(width=size, height=size, avatars=(avatar.metadata.hash,), frames=(frame,)).to_json().encode()


def ask_nothing() -> None:
    """The whole way of a request and its answer, and no work: the engine does not know this operation."""
    with contextlib.suppress(DGTalkerError):
        engine.request("nothing")


def ping(channel: Channel, number: int) -> None:
    """A sign of life from an engine that may be at work."""
    channel.send(Kind.PING, {"id": number})
    while (head := channel.reader.head()).kind is not Kind.PONG:
        channel.reader.skip_body(head)


def life(avatar: avatars_room.Avatar) -> dict[str, float]:
    """Round trip, cancel, and crash through `bridge.engine`."""
    engine.request("doctor")
    trips = sorted(1e3 * seconds(ask_nothing) for _ in range(2000))
    engine.request("render", {}, shot_of(avatar, 0, 512))
    sound = babble(20)
    cancels: list[float] = []
    process = EngineProcess(PYTHON, Path(tempfile.mkdtemp()) / "engine.log")
    channel = Channel(process.sock)
    for number in range(15):
        channel.send(Kind.REQUEST, {"id": number, "op": "animate", "sample_rate": 16000, "fps": 25}, [sound])
        while (head := channel.reader.head()).kind is not Kind.EVENT:
            channel.reader.skip_body(head)
        time.sleep(0.05 * number)
        started = time.perf_counter()
        channel.send(Kind.CANCEL, {"id": number})
        while (head := channel.reader.head()).kind is not Kind.ERROR:
            channel.reader.skip_body(head)
        cancels.append(1e3 * (time.perf_counter() - started))
    channel.send(Kind.REQUEST, {"id": 99, "op": "animate", "sample_rate": 16000, "fps": 25}, [sound])
    pings = sorted(1e3 * seconds(ping, channel, number) for number in range(20))
    started = time.perf_counter()
    channel.close()
    process.end()
    gone = time.perf_counter() - started

    detected: list[float] = []
    ready: list[float] = []
    for number in range(5):
        pid = engine.state().pid
        assert pid is not None
        started = time.perf_counter()
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: engine.state().status == "stopped")
        detected.append(1e3 * (time.perf_counter() - started))
        engine.request("render", {}, shot_of(avatar, number, 512))
        ready.append(time.perf_counter() - started)
    return {
        "request_p50_ms": round(trips[1000], 3),
        "cancel_median_ms": round(statistics.median(cancels), 2),
        "cancel_max_ms": round(max(cancels), 2),
        "busy_ping_median_ms": round(pings[10], 2),
        "busy_ping_max_ms": round(pings[-1], 2),
        "gone_without_owner_s": round(gone, 3),
        "crash_detected_max_ms": round(max(detected), 2),
        "ready_again_median_s": round(statistics.median(ready), 2),
        "ready_again_max_s": round(max(ready), 2),
    }


def flood() -> float:
    """Megabytes that an engine grows by while thousands of requests arrive faster than they are done."""
    process = EngineProcess(PYTHON, Path(tempfile.mkdtemp()) / "engine.log")
    client = Client(process.sock, process.end)
    client.request("doctor")
    base = resident(process.pid)
    body, header = np.ones(500_000, "f4"), {"sample_rate": 16000, "fps": 25}
    most = 0
    over = threading.Event()

    def ask() -> None:
        while not over.is_set():
            with contextlib.suppress(Exception):
                client.request("animate", header, [body], should_cancel=over.is_set)

    threads = [threading.Thread(target=ask) for _ in range(80)]
    for thread in threads:
        thread.start()
    end = time.monotonic() + 10
    while time.monotonic() < end:
        most = max(most, resident(process.pid) - base)
        time.sleep(0.02)
    over.set()
    client.close()
    return round(most / 1e6, 1)


def resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def kills(count: int, avatar: avatars_room.Avatar) -> dict[str, object]:
    """Frames are rendered and written while the engine is killed at random; every file is whole in the end."""
    dice = random.Random(11)
    folder = make_folder(Path(tempfile.mkdtemp()))
    over = threading.Event()
    killed = 0
    written = 0

    def killer() -> None:
        """Up to three kills in a row, at any moment, then none until a frame was written: four would be given up."""
        nonlocal killed
        while killed < count:
            for _ in range(dice.randint(1, 3)):
                over.wait(dice.uniform(0.0, 2.0))
                pid = engine.state().pid
                with contextlib.suppress(ProcessLookupError):
                    if pid is not None:
                        os.kill(pid, signal.SIGKILL)
                        killed += 1
            before = written
            while written == before and not over.wait(0.002):
                pass

    thread = threading.Thread(target=killer, daemon=True)
    thread.start()
    started = time.monotonic()
    while thread.is_alive():
        reply = engine.request("render", {}, shot_of(avatar, written, 128))
        rgba = np.frombuffer(reply.body, "f4", 128 * 128 * 4).reshape(128, 128, 4)
        depth = np.frombuffer(reply.body, "f4", 128 * 128, offset=rgba.nbytes).reshape(128, 128)
        data = FORMATS["png"].encode(rgba, depth, xmp([avatar.metadata.hash]))
        write_file(folder, f"frame_{written:06d}.png", data)
        written += 1
    over.set()
    files = sorted(folder.iterdir())
    torn = [path.name for path in files if not path.read_bytes().endswith(b"IEND\xaeB`\x82")]
    engine.stop()
    left = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split()
    return {
        "kills": killed,
        "frames": written,
        "files": len(files),
        "torn": len(torn),
        "processes_left": len(left),
        "seconds": round(time.monotonic() - started, 1),
    }


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=0, help="also kill the engine that often while it renders")
    parser.add_argument("--echo", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.echo is not None:
        with contextlib.suppress(OSError):
            echo(options.echo)
        return 0
    engine.configure(python=str(PYTHON), log=Path(tempfile.mkdtemp()) / "engine.log")
    file = avatars_room.builtin("robin")
    avatar = avatars_room.load(file)
    engine.register_avatar(avatar.metadata.hash, lambda: file)
    figures: dict[str, object] = {transport: transfers(transport) for transport in ("unix", "tcp")}
    figures["engine"] = {**life(avatar), "flood_mb": flood()}
    if options.kills:
        figures["random_kills"] = kills(options.kills, avatar)
    engine.stop()
    print(json.dumps({"figures": figures, "bars": BARS}, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
