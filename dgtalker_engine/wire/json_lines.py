"""Messages between the processes of the engine: a line of JSON, followed by raw bytes where it says so."""

from __future__ import annotations

import json
from typing import IO, Any


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
