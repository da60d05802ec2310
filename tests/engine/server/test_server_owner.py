"""An engine whose Blender is gone ends, also while it still loads."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest

PROGRAM = """
import sys, time
sys.path[:0] = {path!r}
from dgtalker_engine.server.owner import watch
loaded = watch({descriptor})
{more}
print("watched", flush=True)
time.sleep({seconds})
print("done", flush=True)
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows ends the engine with Blender")


def start(theirs: socket.socket, seconds: float, more: str = "") -> subprocess.Popen[str]:
    path = [entry or os.getcwd() for entry in sys.path]
    program = PROGRAM.format(path=path, descriptor=theirs.fileno(), seconds=seconds, more=more)
    command = [sys.executable, "-c", program]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True, pass_fds=[theirs.fileno()])


def test_it_ends_while_it_loads_although_a_request_waits():
    ours, theirs = socket.socketpair()
    with theirs:
        process = start(theirs, 600)
    assert process.stdout.readline() == "watched\n"
    ours.sendall(b"a request")
    ours.close()
    assert process.wait(60) == 0
    process.stdout.close()


@pytest.mark.parametrize("more", ["", "loaded.set()"])
def test_it_goes_on_while_blender_is_there_and_once_it_reads_by_itself(more):
    ours, theirs = socket.socketpair()
    with theirs:
        process = start(theirs, 0.5, more)
    if more:
        assert process.stdout.readline() == "watched\n"
        ours.close()
    assert process.communicate(timeout=60)[0].endswith("done\n")
    ours.close()
