"""What was heard of each line of a speaker, in the .blend: strips are moved, copied and cut without hearing them again.

A line is a strip, or strips of one speaker that sound at the same time. No Blender.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import Take
from dgtalker_engine.performance.lines import Laid, cut_out, laid_out, seed_of

from ..keys.moves import Move
from ..timeline.timing import Span

MOST_UNUSED = 1 << 20
"""Bytes of lines that no strip speaks now which are kept, the newest of them: a trim that is taken back, another sound
that is tried, cost no hearing."""

_NEAR = 0.03
"""Seconds by which a strip may reach beyond what was heard of its sound."""


@dataclass(frozen=True)
class PlacedLine:
    """A line where it lies on the timeline.

    Attributes:
        name: of its first strip.
        sound: which sounds it has, and how they are retimed.
        heard_as: a hash of all else that the engine hears or is told of it.
        zero: the frame, whole or not, at which its first sound file begins.
        start, end: the frames that are heard.
        reach_start, reach_end: the frames, whole or not, up to which it moves the face.
        rate: frames per second.
        alone: whether it is one strip, of which a part may be played.
    """

    name: str
    sound: str
    heard_as: str
    zero: float
    start: float
    end: float
    reach_start: float
    reach_end: float
    rate: float
    alone: bool

    @property
    def played(self) -> Span:
        """What is heard, seconds of its sound file."""
        return Span((self.start - self.zero) / self.rate, (self.end - self.zero) / self.rate)


@dataclass(frozen=True)
class HeardLine:
    """What the engine found in a line.

    Attributes:
        sound, heard_as: as of a PlacedLine.
        start, end: what was heard, seconds of its sound file.
        begins: the second of its sound file at which `take` begins.
        take: the bytes of a Take.
    """

    sound: str
    heard_as: str
    start: float
    end: float
    begins: float
    take: bytes

    def answers(self, line: PlacedLine) -> bool:
        """Whether the engine would find nothing else in a line."""
        if (self.sound, self.heard_as) != (line.sound, line.heard_as):
            return False
        early, late = self.start - line.played.start, line.played.end - self.end
        return max(early, late) < _NEAR and (line.alone or min(early, late) > -_NEAR)


def answer_to(line: PlacedLine, bank: Sequence[HeardLine]) -> HeardLine | None:
    """What was heard of a line, the most of it where it was heard at several places; None where nobody has listened."""
    found = [own for own in bank if own.answers(line)]
    return max(found, key=lambda own: _shared(own, line)) if len(found) > 1 else next(iter(found), None)


def _shared(own: HeardLine, line: PlacedLine) -> float:
    """Seconds of all over which a line moves the face that were heard."""
    start, end = ((edge - line.zero) / line.rate for edge in (line.reach_start, line.reach_end))
    inside = Span(own.begins, own.begins + _parsed(own.take).duration).clipped(Span(start, end))
    return round(inside.end - inside.start, 2)


def heard(take: bytes, first: int, lines: Sequence[PlacedLine]) -> list[HeardLine]:
    """What a take of several lines, that starts at frame `first`, says of each."""
    whole, found = Take.from_bytes(take), []
    for number, line in enumerate(lines):
        start, end = ((edge - first) / line.rate for edge in (line.reach_start, line.reach_end))
        own, begin = cut_out(whole, start, end, seed_of(whole.seed, number))
        found.append(
            HeardLine(
                sound=line.sound,
                heard_as=line.heard_as,
                start=line.played.start,
                end=line.played.end,
                begins=(first + begin - line.zero) / line.rate,
                take=own.to_bytes(),
            )
        )
    return found


def laid(lines: Sequence[PlacedLine], bank: Sequence[HeardLine], first: int, last: int, seed: int | None) -> Take:
    """The take of a speaker's lines over the frames `first` to `last`, as the engine would make it.

    Args:
        lines: by when they start; all of them are in the bank.
        seed: of what moves between them; None: the first line's.
    """
    placed = []
    for line in lines:
        own = answer_to(line, bank)
        assert own is not None
        take = _parsed(own.take)
        origin = (line.zero - first) / line.rate + own.begins
        start, end = ((edge - first) / line.rate for edge in (line.reach_start, line.reach_end))
        placed.append(Laid(take=take, origin=origin, start=start, end=end))
    seeds = [line.take.seed for line in placed]
    return laid_out(placed, last + 1 - first, placed[0].take.fps, seeds[0] if seed is None else seed)


@lru_cache(maxsize=256)
def _parsed(data: bytes) -> Take:
    return Take.from_bytes(data)


def moves(before: Sequence[PlacedLine], now: Sequence[PlacedLine]) -> list[Move]:
    """Which frames of lines as they lay before are spoken where now; none where no line is elsewhere."""
    found = []
    for line in now:
        source = _source(line, before)
        if source is None:
            continue
        by = line.zero - source.zero
        low, high = max(source.reach_start, line.reach_start - by), min(source.reach_end, line.reach_end - by)
        if low < high:
            found.append(Move(math.ceil(low), math.ceil(high) - 1, round(by)))
    return found if any(move.by for move in found) else []


def _source(line: PlacedLine, before: Sequence[PlacedLine]) -> PlacedLine | None:
    """What a line was before it was moved, copied or cut."""

    def likeness(other: PlacedLine) -> tuple[bool, bool, bool]:
        return other.name == line.name, other.zero == line.zero, other.start == line.start

    same_rate = [other for other in before if other.rate == line.rate]
    same = [other for other in same_rate if other.sound == line.sound and not other.played.clipped(line.played).empty]
    return max(same or [other for other in same_rate if other.name == line.name], key=likeness, default=None)


def kept(bank: Iterable[HeardLine], lines: Sequence[PlacedLine]) -> list[HeardLine]:
    """A bank, newest first, without what is no longer likely to be asked for."""
    every = list(dict.fromkeys(bank))
    used = {answer_to(line, every) for line in lines}
    unused, found = 0, []
    for own in every:
        if own in used:
            found.append(own)
            continue
        unused += len(own.take)
        if unused <= MOST_UNUSED:
            found.append(own)
    return found


def to_text(bank: Sequence[HeardLine]) -> str:
    rows = [[own.sound, own.heard_as, own.start, own.end, own.begins, len(own.take)] for own in bank]
    head = json.dumps(rows, separators=(",", ":")).encode()
    body = b"".join(own.take for own in bank)
    return base64.b64encode(len(head).to_bytes(4, "little") + head + body).decode() if bank else ""


@lru_cache(maxsize=16)
def from_text(text: str) -> tuple[HeardLine, ...]:
    """Raises DGTalkerError where it is damaged."""
    if not text:
        return ()
    try:
        data = base64.b64decode(text)
        place = 4 + int.from_bytes(data[:4], "little")
        bank = []
        for sound, heard_as, start, end, begins, size in json.loads(data[4:place]):
            if not 0 <= size <= len(data) - place:
                raise ValueError("its end is missing")
            numbers = (float(start), float(end), float(begins))
            take = data[place : place + size]
            bank.append(HeardLine(str(sound), str(heard_as), *numbers, take))
            place += size
        return tuple(bank)
    except (ValueError, TypeError, OverflowError, RecursionError) as error:
        raise DGTalkerError(
            f"What was heard of the lines cannot be read: {error}.", "Press Clear Speech, and Animate again."
        ) from error


def placed_to_text(lines: Sequence[PlacedLine]) -> str:
    return json.dumps([asdict(line) for line in lines], separators=(",", ":")) if lines else ""


def placed_from_text(text: str) -> list[PlacedLine]:
    """Raises DGTalkerError where it is damaged."""
    try:
        rows = json.loads(text or "[]")
        lines = [PlacedLine(**row) for row in rows]
        return [replace(line, zero=float(line.zero), rate=float(line.rate)) for line in lines]
    except (ValueError, TypeError, RecursionError) as error:
        raise DGTalkerError(
            f"Where the lines lay cannot be read: {error}.", "Press Clear Speech, and Animate again."
        ) from error
