"""What view layers show of frames, kept on disk until all layers of a file have had their turn. No Blender."""

from __future__ import annotations

import shutil
import tempfile
from collections import defaultdict
from pathlib import Path

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire import Shot

_SPARE = 256 << 20
"""Bytes that are left to others."""
_HINT = "Make room there, or render fewer frames at once."


class Spool:
    """Shots of one frame, by its number and the view that sees it."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self._kept: dict[tuple[int, str], list[Path]] = defaultdict(list)
        self._count = 0

    def put(self, number: int, view: str, shot: Shot) -> None:
        """Keeps what one more layer shows.

        Raises:
            DGTalkerError: there is no room.
        """
        data = shot.to_json().encode()
        try:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="dgtalker-"))
            if shutil.disk_usage(self._folder).free < len(data) + _SPARE:
                raise DGTalkerError(
                    f"The disk of {self._folder.parent} has no room for what the view layers show of frame {number}.",
                    _HINT,
                )
            path = self._folder / f"{self._count}.json"
            path.write_bytes(data)
        except OSError as error:
            raise DGTalkerError(
                f"What the view layers show cannot be kept in {tempfile.gettempdir()}: {error}.", _HINT
            ) from error
        self._count += 1
        self._kept[number, view].append(path)

    def take(self, number: int, view: str) -> tuple[Shot, ...]:
        """What was kept of a frame, in the order in which it was; it is gone then.

        Raises:
            DGTalkerError: somebody else has removed it.
        """
        try:
            paths = self._kept.pop((number, view), [])
            shots = tuple(Shot.from_json(path.read_bytes()) for path in paths)
            for path in paths:
                path.unlink()
        except OSError as error:
            raise DGTalkerError(f"What the view layers show of frame {number} is gone: {error}.", _HINT) from error
        return shots

    def clear(self) -> None:
        """Nothing is kept any more."""
        self._kept.clear()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
