"""Messages between the processes of the engine: a line of JSON, followed by raw bytes where it says so."""

from __future__ import annotations

import json
import os
import sys
from io import BufferedReader, BufferedWriter
from typing import IO, Any


def pipes() -> tuple[BufferedReader, BufferedWriter]:
    """This process's stdin and stdout, for messages and nothing else: what libraries print goes to stderr.

    Windows' libraries look at stdin while they load, and would wait there for a thread that reads the pipe.
    """
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    requests = os.fdopen(os.dup(sys.stdin.fileno()), "rb", closefd=False)
    with open(os.devnull, "rb") as nothing:
        os.dup2(nothing.fileno(), sys.stdin.fileno())
    return requests, answers


def send(stream: IO[bytes], message: dict[str, Any], data: bytes | bytearray | memoryview = b"") -> None:
    """Writes a message and the bytes that follow it.

    Raises:
        OSError: nobody reads any more.
    """
    stream.write(json.dumps(message).encode() + b"\n")
    stream.write(data)
    stream.flush()


def receive(stream: IO[bytes]) -> dict[str, Any]:
    """Reads the next message; the bytes that follow it are the caller's to read.

    Raises:
        EOFError: the other side has ended.
    """
    line = stream.readline()
    if not line.endswith(b"\n"):
        raise EOFError
    return json.loads(line)
