"""Speech in a process of its own: the recogniser keeps Python's lock for up to a second while it loads and works."""

from __future__ import annotations

import json
from typing import Any

from ..errors import DGTalkerError
from .child import Child, serve
from .session import Answer, Progress


class Listener:
    """The engine's side: keeps one process ready, so that a request does not wait for its imports."""

    def __init__(self) -> None:
        self._ready: Child | None = None

    def prepare(self) -> None:
        """Starts the process that the next request will use."""
        if self._ready is None or not self._ready.waits:
            self._ready = Child.of(__name__)

    def animate(self, request: dict[str, Any], data: bytearray, manner: bytes, progress: Progress) -> Answer:
        """`speech.animate` for a request as docs/architecture.md describes it.

        Args:
            request: its header.
            data: sound and passages.
            manner: of whoever speaks, as `systems.manner_part` has it; empty for anybody's.
            progress: is told how far it is.

        Raises:
            DGTalkerError: from `speech.animate`, or because the process ended unexpectedly.
            Cancelled: `progress` raised it.
        """
        self.prepare()
        child, self._ready = self._ready, None
        assert child is not None
        data += manner
        try:
            return child.ask({**request, "manner": len(manner)}, data, progress, begin="Listening", crashed=_crashed)
        finally:
            self.prepare()


def _crashed(code: int) -> DGTalkerError:
    return DGTalkerError(
        f"The speech recogniser ended unexpectedly (exit code {code}).",
        "The engine's log has the details; please report this.",
    )


def _animate(request: dict[str, Any], data: bytes, progress: Progress) -> tuple[dict[str, Any], bytes]:
    import numpy as np

    from .. import speech, systems

    try:
        said = len(data) - int(request["manner"])
        end = said - int(request.get("passages", 0))
        if not 0 <= end <= said:
            raise ValueError("its passages are not in it")
        passages = [speech.Passage(**passage) for passage in json.loads(data[end:said] or "[]")]
        rate, fps = int(request["sample_rate"]), float(request["fps"])
        sound = np.frombuffer(memoryview(data)[:end], "<f2").astype(np.float16, copy=False)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DGTalkerError(f"The request to animate cannot be read: {error!r}.") from error
    manner = systems.manner_of(data[said:]) if said < len(data) else None
    answer = speech.animate(sound, rate, fps=fps, passages=passages, manner=manner, progress=progress)
    return {"notes": list(answer.notes)}, answer.take.to_bytes()


def main() -> None:
    """The process's side."""
    from .. import speech

    serve(_animate, speech.warm_up)


if __name__ == "__main__":
    main()
