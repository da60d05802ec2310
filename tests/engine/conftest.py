"""What the tests of the engine share: real engine processes, and the add-on's modules that need no Blender."""

from __future__ import annotations

import contextlib
import math
import os
import signal
import socket
import subprocess
import sys
import time
import types
from pathlib import Path

import numpy as np
import pytest
import torch
from head_cloud import head_cloud, look_at
from launcher import LIGHT, engine_python

import dgtalker_engine
from dgtalker_engine.capture import ready
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.gaussians import Camera, Gaussians
from dgtalker_engine.gaussians.constants import SH_C0
from dgtalker_engine.kernels import thread_pool
from dgtalker_engine.wire import Channel, Kind, new_token, shake_hands

REPOSITORY = Path(__file__).resolve().parents[2]

# How the built-in heads are made is in the repository, not in the wheel that is installed here.
dgtalker_engine.__path__.append(str(REPOSITORY / "dgtalker_engine"))

# Where there is a GPU, too, tests are about the processor's pictures; those about the GPU's ask for it.
os.environ.setdefault("DGTALKER_BACKEND", "cpu")


# A shell's background job ignores Ctrl-C, and so would the commands that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def landmarker():
    """Skips where MediaPipe cannot be loaded: it needs the system's OpenGL ES."""
    try:
        ready.check()
    except DGTalkerError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def robin_file() -> bytes:
    """The first built-in head as the sculpture alone makes it, not fitted to pictures."""
    from dgtalker_engine.heads.sculpture.build import build_file

    return build_file("robin")


class RawEngine:
    """An engine process with a bare channel to it."""

    def __init__(self, *, token_given=None, greet=True, light=False):
        token = new_token()
        self.sock, theirs = socket.socketpair()
        python = [sys.executable, "-I", *([LIGHT] if light else [])]
        words = ["serve", "--speech-on-demand", "--fd", str(theirs.fileno())]
        with theirs:
            self.process = subprocess.Popen(
                [*python, "-m", "dgtalker_engine", *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self.token = token
        with self.process.stdin:
            self.process.stdin.write((token if token_given is None else token_given) + b"\n")
        if greet:
            shake_hands(self.sock, token, "owner", timeout=30)
        self.channel = Channel(self.sock)
        self.sock.settimeout(60)

    def send(self, kind, header, body=()):
        self.channel.send(kind, header, body)

    def receive(self):
        head = self.channel.reader.head()
        return head.kind, head.header, self.channel.reader.body(head)

    def answer(self, number):
        """The next response or error to this request; other frames are passed over."""
        while True:
            kind, header, body = self.receive()
            if kind in (Kind.RESPONSE, Kind.ERROR) and header["id"] == number:
                return kind, header, body

    def ask(self, number, op, header=None, body=()):
        self.send(Kind.REQUEST, {**(header or {}), "id": number, "op": op}, body)
        return self.answer(number)

    def memory(self):
        """Resident bytes."""
        return resident(self.process.pid)

    def end(self):
        self.channel.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(5)
        self.process.kill()
        return self.process.wait()


def resident(pid):
    fields = Path(f"/proc/{pid}/statm").read_text().split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE")


def _wait_until(condition, timeout=10.0):
    """Seconds until `condition()` was true; fails when it did not become so."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < timeout, "waited in vain"
        time.sleep(0.01)
    return time.monotonic() - started


@pytest.fixture
def wait_until():
    """``wait_until(condition, timeout=10.0) -> seconds``"""
    return _wait_until


@pytest.fixture(scope="session")
def recording():
    """Twenty seconds that keep the recogniser busy: mono float16 at 16 kHz."""
    times = np.arange(20 * 16000) / 16000
    pitch = np.sin(2 * np.pi * 120 * times + 3 * np.sin(2 * np.pi * 2 * times))
    noise = np.random.default_rng(3).normal(size=times.size)
    loudness = np.clip(np.sin(2 * np.pi * 3 * times), 0, 1)
    return ((pitch + 0.3 * noise) * loudness * 0.2).astype("f2")


@pytest.fixture
def raw_engine():
    """Starts engines with a bare channel: ``raw_engine(**options) -> RawEngine``; they are ended with the test."""
    engines = []

    def start(**options):
        engines.append(RawEngine(**options))
        return engines[-1]

    yield start
    for engine in engines:
        engine.end()


@pytest.fixture(scope="module")
def shared_engine():
    """One engine with a bare channel for the tests of a module that leave it as it was."""
    engine = RawEngine()
    yield engine
    engine.end()


@pytest.fixture(scope="session")
def addon():
    """`blender_addon` without its `__init__`, which needs Blender: so its modules that need none can be imported."""
    package = sys.modules.get("blender_addon")
    if package is None:
        package = types.ModuleType("blender_addon")
        package.__path__ = [str(REPOSITORY / "blender_addon")]
        sys.modules["blender_addon"] = package
    return package


@pytest.fixture
def bridge(addon, tmp_path):
    """`blender_addon.bridge.engine`, set up for an engine on this Python; its engine ends with the test."""
    from blender_addon.bridge import engine

    engine.configure(python=sys.executable, log=tmp_path / "log" / "engine.log", speech_on_demand=True)
    yield engine
    engine.stop()


@pytest.fixture
def light_bridge(bridge, tmp_path):
    """The same with `launcher.LIGHT`, for tests about engines that start and end, not about what they can do."""
    python = engine_python(tmp_path, LIGHT)
    bridge.configure(python=python, log=bridge.state().log, speech_on_demand=True)
    return bridge


@pytest.fixture(scope="module")
def _shared_log(addon, tmp_path_factory):
    from blender_addon.bridge import engine

    yield tmp_path_factory.mktemp("shared") / "engine.log"
    engine.stop()


@pytest.fixture
def shared_bridge(_shared_log):
    """The same as `bridge`, for tests that leave the engine as it was: those that follow each other share one."""
    from blender_addon.bridge import engine

    engine.configure(python=sys.executable, log=_shared_log, speech_on_demand=True)
    return engine


@pytest.fixture(scope="session")
def head():
    """``head(count, *, degree=0, seed=0) -> Gaussians``"""
    return head_cloud


@pytest.fixture(scope="session")
def look():
    """``look(eye, width, height, *, filling=0.8, orthographic=False, near=0.01) -> Camera``"""
    return look_at


def _one(mean=(0.0, 0.0, 1.0), scale=0.1, opacity=0.8, colour=(0.9, 0.5, 0.2), quat=(1.0, 0.0, 0.0, 0.0)):
    dc = (torch.tensor(colour) - 0.5) / SH_C0
    scales = torch.tensor([scale] * 3 if isinstance(scale, float) else scale).reshape(1, 3)
    return Gaussians(
        means=torch.tensor([mean]),
        quats=torch.tensor([quat]),
        scales=scales,
        opacities=torch.tensor([opacity]),
        sh=dc.reshape(1, 1, 3),
    )


@pytest.fixture(scope="session")
def one():
    """``one(mean, scale, opacity, colour, quat) -> Gaussians``: a single one."""
    return _one


@pytest.fixture(scope="session")
def straight():
    """``straight(width, height, focal, **options) -> Camera``: at the origin, looking along +Z."""

    def camera(width=32, height=32, focal=100.0, **options):
        K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
        return Camera(K=K, world_to_camera=np.eye(4), width=width, height=height, **options)

    return camera


@pytest.fixture(scope="session")
def decibels():
    """``decibels(image, reference) -> (rgb, alpha, depth · alpha)``: peak signal-to-noise ratios, of 1 and 1 m."""

    def of(a, b):
        error = np.mean((np.asarray(a, np.float64) - np.asarray(b, np.float64)) ** 2)
        return math.inf if error == 0 else -10 * math.log10(error)

    def compare(image, reference):
        return (
            of(image.rgb, reference.rgb),
            of(image.alpha, reference.alpha),
            of(image.depth * image.alpha, reference.depth * reference.alpha),
        )

    return compare


@pytest.fixture
def threads():
    """``threads(count)``; all processors again after the test."""
    yield thread_pool.set_thread_count
    thread_pool.set_thread_count(None)
