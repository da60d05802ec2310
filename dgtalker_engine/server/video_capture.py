"""Performances from videos in a process of its own.

MediaPipe and the decoder keep Python's lock for long, and what they load stays loaded; a damaged video may even end
their process. The process reads one request from stdin and answers on stdout, as `listener` does; a cancel kills it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ..errors import DGTalkerError
from ..wire.json_lines import receive, send
from .session import Answer, Progress


def capture_performance(request: dict[str, Any], progress: Progress) -> Answer:
    """`capture.performance_from_video` for a request as docs/performance.md describes it; the engine's side.

    Raises:
        DGTalkerError: from there, or because the process ended unexpectedly.
        Cancelled: `progress` raised it.
    """
    flags = subprocess.CREATE_NO_WINDOW if sys.platform == "win32" else 0
    process = subprocess.Popen(
        [sys.executable, "-I", "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, creationflags=flags
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        progress(0.0, "Opening the video")
        with process.stdin as to_process:
            send(to_process, request)
        while "answer" not in (message := receive(process.stdout)):
            if "error" in message:
                raise DGTalkerError(*message["error"])
            progress(message["fraction"], message["text"])
        return message["answer"], [process.stdout.read(message["bytes"])]
    except (EOFError, OSError) as error:  # Windows calls a broken pipe an invalid argument
        raise DGTalkerError(
            f"What reads videos ended unexpectedly (exit code {process.wait()}).",
            "Convert the video to MP4 (H.264); the engine's log has the details.",
        ) from error
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def main() -> None:
    """The process's side."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what libraries print belongs in the log
    try:
        request = receive(sys.stdin.buffer)
        try:
            path, start = Path(str(request["path"])), float(request.get("start", 0.0))
            seconds = None if request.get("seconds") is None else float(request["seconds"])
        except (KeyError, TypeError, ValueError) as error:
            raise DGTalkerError(f"The request to capture cannot be read: {error!r}.") from error
        from ..capture.performance_from_video import performance_from_video

        def progress(fraction: float, text: str) -> None:
            send(answers, {"fraction": fraction, "text": text})

        captured = performance_from_video(path, start=start, seconds=seconds, progress=progress)
        content = captured.performance.to_json().encode()
        answer = {"notes": list(captured.notes), "has_sound": captured.has_sound, "blinks": captured.blinks.tolist()}
        send(answers, {"answer": answer, "bytes": len(content)}, content)
    except DGTalkerError as error:
        send(answers, {"error": [error.message, error.hint, error.code]})
    except (EOFError, BrokenPipeError):  # the engine is gone, or does not want an answer any more
        os._exit(0)


if __name__ == "__main__":
    main()
