"""What is listened to when heads are animated, how far that is, and what comes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dgtalker_engine.performance import Direction

from ..bridge import engine
from .takes.line_bank import HeardLine, PlacedLine
from .timeline.timing import Clock

MOST_SILENCE = 60.0
"""Seconds between lines that are mixed into one request: what lies between them is listened to as well."""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What the engine has answered of some of a head's lines: the bytes of a Take that starts at frame `first`."""

    lines: list[PlacedLine]
    first: int
    take: bytes


@dataclass(frozen=True, kw_only=True)
class HeadToWrite:
    """A speaker whose take waits to be laid out and written.

    Attributes:
        head: session_uid of the speaker: undo may replace Blender's objects meanwhile.
        name: of the speaker.
        lines: all that it speaks, as they lay when they were mixed.
        known: what was heard of them before; undo, or Clear Speech, may take it away meanwhile.
        new: what was listened to.
        directions: what the strips asked for when they were mixed.
        strips_hash, sounds, transcript_hash: of the strips then.
        manner_of: the hash of the avatar in whose manner it speaks; empty where as anybody does.
        notes: sentences of the engine for the user.
    """

    head: int
    name: str
    lines: list[PlacedLine]
    known: list[HeardLine]
    new: list[Heard]
    directions: list[Direction]
    strips_hash: str
    sounds: str
    transcript_hash: str
    manner_of: str
    notes: list[str]


@dataclass(frozen=True)
class Listening:
    """A request for some lines of all that are listened to; what `bridge.modal` asks of a Pending.

    Attributes:
        pending: of the engine.
        name: of the speaker.
        done_before, lines, total: how many lines.
    """

    pending: engine.Pending
    name: str
    done_before: int
    lines: int
    total: int

    @property
    def progress(self) -> tuple[float, str]:
        fraction, text = self.pending.progress
        if self.total == 1:
            return fraction, text
        line = self.done_before + min(int(fraction * self.lines), self.lines - 1) + 1
        done = (self.done_before + fraction * self.lines) / self.total
        return done, f"{text}, {self.name}, line {line} of {self.total}"

    @property
    def done(self) -> bool:
        return self.pending.done

    def wait(self) -> object:
        return self.pending.wait()

    def cancel(self) -> None:
        self.pending.cancel()


def near(unheard: Sequence[PlacedLine], clock: Clock) -> Iterator[list[PlacedLine]]:
    """Lines in order, those together between which there is little silence."""
    group: list[PlacedLine] = []
    for line in unheard:
        if group and clock.seconds(line.start - group[-1].end) > MOST_SILENCE:
            yield group
            group = []
        group.append(line)
    if group:
        yield group
