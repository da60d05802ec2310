"""Work in a process of its own: a request, progress, an answer, over pipes.

What keeps Python's lock for long, loads much, or may even crash would hold up the engine: a cancel, a ping or the end
of Blender would have to wait for it. Each message is a line of JSON, followed by raw bytes where it says so. The
process waits for another request after an answer; it ends after an error, when a cancel kills it, and with the engine,
whatever it is doing.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from io import BufferedReader, FileIO
from typing import Any

from ..errors import DGTalkerError
from ..wire.json_lines import pipes, receive, send
from .loading import loading
from .session import Answer, Progress

_POLL = 0.2
"""Seconds after which a cancel counts although the process says nothing."""
_LAST_WAIT = 5.0
"""Seconds that a process which says nothing any more has to end by itself."""

Work = Callable[[dict[str, Any], bytearray, Progress], tuple[dict[str, Any], bytes]]
"""``(request, data, progress) -> answer, its bytes``; the data is its own to change"""

_Message = tuple[dict[str, Any], bytes]
_Request = tuple[dict[str, Any], bytearray]


class Child:
    """The engine's side: a process that waits for requests, one after the other.

    Args:
        command: whose main function calls `serve`.
    """

    def __init__(self, command: Sequence[str]) -> None:
        flags = subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, creationflags=flags)

    @classmethod
    def of(cls, module: str) -> Child:
        """One that runs a module of the engine."""
        return cls([sys.executable, "-I", "-m", module])

    @property
    def waits(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def ask(
        self,
        request: dict[str, Any],
        data: bytearray,
        progress: Progress,
        *,
        begin: str,
        crashed: Callable[[int], DGTalkerError],
    ) -> Answer:
        """Its answer. The process waits for the next request then, and has ended where this raises.

        Args:
            request: what JSON can hold.
            data: is emptied once it was sent: two hours of sound are 230 MB.
            progress: is told what the process says, and is asked at least every 0.2 s.
            begin: what the user reads until it says something.
            crashed: the error where it ends without an answer, by its exit code.

        Raises:
            DGTalkerError: the process's, or `crashed`.
            Cancelled: `progress` raised it; the process was killed.
        """
        messages: queue.SimpleQueue[_Message | None] = queue.SimpleQueue()
        talk = threading.Thread(target=self._talk, args=(request, data, messages), name="child", daemon=True)
        talk.start()
        said = (0.0, begin)
        try:
            while True:
                progress(*said)
                try:
                    message = messages.get(timeout=_POLL)
                except queue.Empty:
                    continue
                if message is None:
                    raise crashed(self._exit_code())
                told, body = message
                if "error" in told:
                    raise DGTalkerError(*told["error"])
                if "answer" in told:
                    talk.join()
                    return told["answer"], [body]
                said = told["fraction"], told["text"]
        except BaseException:
            self._process.kill()
            talk.join()
            self.close()
            raise

    def close(self) -> None:
        """Ends the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            with contextlib.suppress(OSError):  # what it did not read before it was killed
                stream.close()

    def _talk(self, request: dict[str, Any], data: bytearray, messages: queue.SimpleQueue[_Message | None]) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            with contextlib.suppress(OSError):  # one that ended before it read may have said why
                # Its stdin stays open: where it ends, the engine has ended.
                send(self._process.stdin, {**request, "bytes": len(data)}, data)
            data.clear()
            told: dict[str, Any] = {}
            while "answer" not in told:
                told = receive(self._process.stdout)
                body = self._process.stdout.read(told.get("bytes", 0))
                if len(body) < told.get("bytes", 0):
                    break
                messages.put((told, body))
        except (EOFError, OSError):  # Windows calls a broken pipe an invalid argument
            pass
        finally:
            messages.put(None)

    def _exit_code(self) -> int:
        try:
            return self._process.wait(_LAST_WAIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def serve(work: Work, prepare: Callable[[], None] = lambda: None) -> None:
    """The process's side: does requests and answers them, until one fails.

    Args:
        work: does it; raises DGTalkerError with what the user is told.
        prepare: what can be done before the first request is there.
    """
    requests, answers = pipes()

    def progress(fraction: float, text: str) -> None:
        send(answers, {"fraction": fraction, "text": text})

    asked: queue.SimpleQueue[_Request] = queue.SimpleQueue()
    # It listens while the rest prepares, which takes seconds: the engine may be gone before.
    threading.Thread(target=_listen, args=(requests, asked), name="engine", daemon=True).start()
    try:
        with loading():
            prepare()
        while True:
            answer, body = work(*asked.get(), progress)
            send(answers, {"answer": answer, "bytes": len(body)}, body)
            del body  # what waits holds nothing of what it did
    except DGTalkerError as error:
        send(answers, {"error": [error.message, error.hint, error.code]})
    except BrokenPipeError:  # the engine does not want an answer any more
        os._exit(0)


def _listen(requests: BufferedReader, asked: queue.SimpleQueue[_Request]) -> None:
    """Takes requests, and ends the process as soon as the engine has ended."""
    # Not through Python's buffer, whose lock a thread that waits would keep while the interpreter ends.
    with contextlib.suppress(EOFError, OSError, ValueError), open(requests.fileno(), "rb", 0, closefd=False) as pipe:
        while True:
            request = receive(pipe)
            data = bytearray(request["bytes"])
            with memoryview(data) as room:
                done = 0
                while done < len(data):
                    done += _read(pipe, room[done:])
            asked.put((request, data))
            del request, data
    os._exit(0)


def _read(pipe: FileIO, room: memoryview) -> int:
    """How many bytes there were."""
    with room:
        count = pipe.readinto(room)
    if not count:
        raise EOFError
    return count
