"""Frames of Head Animation that go to the engine in one message. No Blender."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire import MAX_BODY, Shot

_BATCH_BYTES = 16 << 20
"""A frame more than that goes alone: the largest of them still fits into a message."""
_MOMENT_BYTES, _HEAD_BYTES, _WEIGHT_BYTES = 1024, 1280, 64
"""Of numbers and names in a message, at most."""
_LABEL_BYTES = 512
"""Of a head's name and indices, at most: six for each byte of a name that has no ASCII."""
_BASE64 = 4 / 3

Layers = tuple[Shot, ...]
"""A frame as each view layer of its file shows it, in their order."""


@dataclass
class Batch:
    """Frames that go to the engine together."""

    frames: list[Layers] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    bytes: float = 0.0

    def takes(self, other: Layers) -> bool:
        """Whether there is room for a frame that has what all frames of its layers' shots have in common."""
        if not self.frames:
            return True
        return self.bytes + _bytes(other) <= _BATCH_BYTES and _in_common(self.frames[0]) == _in_common(other)

    def add(self, frame: Layers, file: Path) -> None:
        """Raises DGTalkerError where all that its view layers show does not fit into a message."""
        if _bytes(frame) > MAX_BODY:
            number, layers = frame[0].frames[0].number, len(frame)
            raise DGTalkerError(
                f"What hides heads in frame {number} is too much for a file of {layers} view layers.",
                "Render fewer view layers at once, or hide meshes in renders, or subdivide them less.",
            )
        self.frames.append(frame)
        self.files.append(file)
        self.bytes += _bytes(frame)

    def joined(self) -> Layers:
        """One shot of all frames for each layer."""
        return tuple(_joined(shots) for shots in zip(*self.frames, strict=True))


def _joined(shots: Sequence[Shot]) -> Shot:
    index: dict[str, int] = {}
    frames = []
    for each in shots:
        (frame,) = each.frames
        frames.append(frame.with_avatars([index.setdefault(avatar, len(index)) for avatar in each.avatars]))
    return replace(shots[0], avatars=tuple(index), frames=tuple(frames))


def _in_common(layers: Layers) -> list[tuple[object, ...]]:
    return [(each.width, each.height, each.region, each.background, each.filter_width, each.passes) for each in layers]


def _bytes(layers: Layers) -> float:
    return sum(size_of(each) for each in layers)


def size_of(each: Shot) -> float:
    """Of a frame in a message, about."""
    (frame,) = each.frames
    moments = (frame, *frame.subframes, *frame.neighbours)
    heads = [head for moment in moments for head in moment.heads]
    hiding = sum(len(moment.occluders or b"") + len(moment.solids or b"") for moment in moments)
    numbers = _MOMENT_BYTES * len(moments) + sum(_HEAD_BYTES + _WEIGHT_BYTES * len(head.weights) for head in heads)
    if frame.pass_inputs is not None:
        numbers += _LABEL_BYTES * len(frame.pass_inputs.labels)
    return numbers + _BASE64 * (hiding + sum(len(head.vertices) for head in heads))
