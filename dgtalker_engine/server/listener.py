"""Speech in a process of its own: the recogniser keeps Python's lock for up to a second while it loads and works."""

from __future__ import annotations

import json
from typing import Any

from ..errors import DGTalkerError
from .child import Child, serve
from .session import Answer, Progress

_MOST_HEARD = 2000
"""Answers, each of at most 10 s of sound and about 4 kB, that are kept."""


class Listener:
    """The engine's side: keeps one process, so that a request does not wait for its imports and models, and what was
    recognised, so that only what is new or was corrected is listened to again."""

    def __init__(self) -> None:
        self._child: Child | None = None
        self._heard: dict[str, Any] = {}

    def prepare(self) -> None:
        """Starts the process that the next request will use, where none waits."""
        self._waiting()

    def close(self) -> None:
        """Ends the process."""
        if self._child is not None:
            self._child.close()

    def _waiting(self) -> Child:
        if self._child is None or not self._child.waits:
            self._child = Child.of(__name__)
        return self._child

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
        child = self._waiting()
        heard = json.dumps(self._heard).encode()
        lengths = {"manner": len(manner), "heard": len(heard)}
        data += manner + heard
        try:
            answer, body = child.ask({**request, **lengths}, data, progress, begin="Listening", crashed=_crashed)
        finally:
            self.prepare()
        self._remember(answer.pop("heard"))
        return answer, body

    def _remember(self, heard: dict[str, Any]) -> None:
        """Keeps what was used last."""
        self._heard = {name: each for name, each in self._heard.items() if name not in heard} | heard
        for name in list(self._heard)[:-_MOST_HEARD]:
            del self._heard[name]


def _crashed(code: int) -> DGTalkerError:
    return DGTalkerError(
        f"The speech recogniser ended unexpectedly (exit code {code}).",
        "The engine's log has the details; please report this.",
    )


def _animate(request: dict[str, Any], data: bytearray, progress: Progress) -> tuple[dict[str, Any], bytes]:
    import numpy as np

    from .. import speech, systems

    try:
        known = len(data) - int(request["heard"])
        said = known - int(request["manner"])
        end = said - int(request.get("passages", 0))
        if not 0 <= end <= said:
            raise ValueError("its passages are not in it")
        passages = [speech.Passage(**passage) for passage in json.loads(data[end:said] or "[]")]
        rate, fps = int(request["sample_rate"]), float(request["fps"])
        heard = _Heard(json.loads(data[known:]))
        sound = np.frombuffer(memoryview(data)[:end], "<f2").astype(np.float16, copy=False)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DGTalkerError(f"The request to animate cannot be read: {error!r}.") from error
    manner = systems.manner_of(bytes(data[said:known])) if said < known else None
    answer = speech.animate(
        sound, rate, fps=fps, passages=passages, manner=manner, heard=heard, overwrite=True, progress=progress
    )
    return {"notes": list(answer.notes), "heard": heard.used}, answer.take.to_bytes()


class _Heard(dict[str, Any]):
    """What was recognised, and what of it was asked for or added now."""

    def __init__(self, known: dict[str, Any]) -> None:
        super().__init__(known)
        self.used: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        self.used[name] = super().__getitem__(name)
        return self.used[name]


def main() -> None:
    """The process's side."""
    from .. import speech

    serve(_animate, speech.warm_up)


if __name__ == "__main__":
    main()
