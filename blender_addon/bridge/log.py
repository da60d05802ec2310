"""What the engine prints, kept in a log of five files of 2 MB. No Blender."""

from __future__ import annotations

import logging
import logging.handlers
import threading
from collections import deque
from io import TextIOWrapper
from pathlib import Path
from typing import IO

from dgtalker_engine.files import no_link

FILE_BYTES = 2 * 2**20
FILES = 5

_LINE_BYTES = 8192
_TAIL_LINES = 40


class _Handler(logging.handlers.RotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding="utf-8", opener=no_link)


class EngineLog:
    """Reads an engine's output until it ends, in a thread of its own: an engine must never wait for its log.

    Args:
        stream: the engine's output.
        path: the newest file; where it cannot be written, only the last lines are kept, in memory.
    """

    def __init__(self, stream: IO[bytes], path: Path) -> None:
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._thread = threading.Thread(target=self._drain, args=(stream, path), name="dgtalker log", daemon=True)
        self._thread.start()

    def last_line(self) -> str:
        """The last line that says something, once the engine has ended."""
        self._thread.join(1.0)
        return next((line for line in reversed(self._tail) if line.strip()), "")

    def _drain(self, stream: IO[bytes], path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = _Handler(path, maxBytes=FILE_BYTES, backupCount=FILES - 1, encoding="utf-8")
        except OSError as error:
            file = logging.NullHandler()
            self._tail.append(f"the log {path} cannot be written: {error}")
        with stream:
            while part := stream.readline(_LINE_BYTES):
                line = part.decode("utf-8", "replace").rstrip("\r\n")
                self._tail.append(line)
                file.handle(logging.makeLogRecord({"msg": line, "levelno": logging.INFO}))
        file.close()
