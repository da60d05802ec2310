"""Speech in a process of its own.

The recogniser keeps Python's lock for up to a second while it loads its models and works: in the engine's own process
a cancel, a ping or the end of Blender would have to wait for it. The listener reads one request from stdin and answers
on stdout, each message a line of JSON followed by raw bytes where it says so. It ends after one answer, when its stdin
ends before a request came, or when nobody reads its progress any more; a cancel kills it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from ..errors import DGTalkerError
from ..wire.json_lines import receive, send
from .session import Answer, Progress


class Listener:
    """The engine's side: keeps one process ready, so that a request does not wait for its imports."""

    def __init__(self) -> None:
        self._ready: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Starts the process that the next request will use."""
        if self._ready is not None and self._ready.poll() is None:
            return
        flags = subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0
        self._ready = subprocess.Popen(
            [sys.executable, "-I", "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, creationflags=flags
        )

    def animate(self, request: dict[str, Any], samples: bytearray, progress: Progress) -> Answer:
        """`speech.animate` for a request as docs/architecture.md describes it.

        Raises:
            DGTalkerError: from `speech.animate`, or because the process ended unexpectedly.
            Cancelled: `progress` raised it.
        """
        self.prepare()
        process, self._ready = self._ready, None
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            with process.stdin as to_listener:
                send(to_listener, {**request, "bytes": len(samples)}, samples)
            samples.clear()  # two hours are 230 MB
            while "answer" not in (message := receive(process.stdout)):
                if "error" in message:
                    raise DGTalkerError(*message["error"])
                progress(message["fraction"], message["text"])
            return message["answer"], [process.stdout.read(message["bytes"])]
        except (EOFError, OSError) as error:  # Windows calls a broken pipe an invalid argument
            raise DGTalkerError(
                f"The speech recogniser ended unexpectedly (exit code {process.wait()}).",
                "The engine's log has the details; please report this.",
            ) from error
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            self.prepare()


def main() -> None:
    """The process's side."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print belongs in the log
    import numpy as np

    from .. import speech

    speech.warm_up()
    try:
        request = receive(sys.stdin.buffer)
        samples = sys.stdin.buffer.read(request["bytes"])
        try:
            end = len(samples) - int(request.get("passages", 0))
            if not 0 <= end <= len(samples):
                raise ValueError("its passages are not in it")
            passages = [speech.Passage(**passage) for passage in json.loads(samples[end:] or "[]")]
            rate, fps = int(request["sample_rate"]), float(request["fps"])
            sound = np.frombuffer(memoryview(samples)[:end], "<f2").astype(np.float16, copy=False)
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise DGTalkerError(f"The request to animate cannot be read: {error!r}.") from error

        def progress(fraction: float, text: str) -> None:
            send(answers, {"fraction": fraction, "text": text})

        answer = speech.animate(sound, rate, fps=fps, passages=passages, progress=progress)
        take = answer.take.to_bytes()
        send(answers, {"answer": {"notes": list(answer.notes)}, "bytes": len(take)}, take)
    except DGTalkerError as error:
        send(answers, {"error": [error.message, error.hint, error.code]})
    except (EOFError, BrokenPipeError):  # the engine is gone, or does not want an answer any more
        os._exit(0)


if __name__ == "__main__":
    main()
