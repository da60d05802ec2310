"""Frames of Head Animation that go to the engine in one message. No Blender."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from dgtalker_engine.wire import Shot

_BATCH_BYTES = 16 << 20
"""A frame more than that goes alone: the largest of them still fits into a message."""
_MOMENT_BYTES, _HEAD_BYTES, _WEIGHT_BYTES = 1024, 1280, 64
"""Of numbers and names in a message, at most."""
_BASE64 = 4 / 3


@dataclass
class Batch:
    """Frames that go to the engine together."""

    shots: list[Shot] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    bytes: float = 0.0

    def takes(self, other: Shot) -> bool:
        """Whether there is room for a frame that has what all frames of one shot have in common."""
        if not self.shots:
            return True
        return self.bytes + size_of(other) <= _BATCH_BYTES and _in_common(self.shots[0]) == _in_common(other)

    def add(self, shot: Shot, file: Path) -> None:
        self.shots.append(shot)
        self.files.append(file)
        self.bytes += size_of(shot)

    def joined(self) -> Shot:
        """One shot of all frames."""
        index: dict[str, int] = {}
        frames = []
        for each in self.shots:
            (frame,) = each.frames
            frames.append(frame.with_avatars([index.setdefault(avatar, len(index)) for avatar in each.avatars]))
        return replace(self.shots[0], avatars=tuple(index), frames=tuple(frames))


def _in_common(each: Shot) -> tuple[object, ...]:
    return each.width, each.height, each.region, each.background, each.filter_width


def size_of(each: Shot) -> float:
    """Of a frame in a message, about."""
    (frame,) = each.frames
    moments = (frame, *frame.subframes)
    heads = [head for moment in moments for head in moment.heads]
    hiding = sum(len(moment.occluders or b"") + len(moment.solids or b"") for moment in moments)
    numbers = _MOMENT_BYTES * len(moments) + sum(_HEAD_BYTES + _WEIGHT_BYTES * len(head.weights) for head in heads)
    return numbers + _BASE64 * (hiding + sum(len(head.vertices) for head in heads))
