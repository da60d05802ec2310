"""Performances from videos in a process of its own: what MediaPipe loads stays, and a damaged video may crash it."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

from ..errors import DGTalkerError
from .child import Child, serve
from .session import Answer, Progress


def capture_performance(request: dict[str, Any], progress: Progress) -> Answer:
    """`capture.performance_from_video` for a request as docs/performance.md describes it; the engine's side.

    Raises:
        DGTalkerError: from there, or because the process ended unexpectedly.
        Cancelled: `progress` raised it.
    """
    with closing(Child.of(__name__)) as child:
        return child.ask(request, bytearray(), progress, begin="Opening the video", crashed=_crashed)


def _crashed(code: int) -> DGTalkerError:
    return DGTalkerError(
        f"What reads videos ended unexpectedly (exit code {code}).",
        "Convert the video to MP4 (H.264); the engine's log has the details.",
    )


def _capture(request: dict[str, Any], data: bytearray, progress: Progress) -> tuple[dict[str, Any], bytes]:
    try:
        path, start = Path(str(request["path"])), float(request.get("start", 0.0))
        seconds = None if request.get("seconds") is None else float(request["seconds"])
    except (KeyError, TypeError, ValueError) as error:
        raise DGTalkerError(f"The request to capture cannot be read: {error!r}.") from error
    from ..capture.performance_from_video import performance_from_video

    captured = performance_from_video(path, start=start, seconds=seconds, progress=progress)
    answer = {
        "notes": list(captured.notes),
        "has_sound": captured.has_sound,
        "sound_begins": captured.sound_begins,
        "blinks": captured.blinks.tolist(),
    }
    return answer, captured.performance.to_json().encode()


if __name__ == "__main__":
    serve(_capture)
