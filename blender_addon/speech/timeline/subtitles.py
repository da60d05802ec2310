"""The part of a recording's transcript that one strip plays. No Blender."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance.transcripts import Cue, cues, read_transcript

from .timing import Span


@dataclass(frozen=True)
class Transcript:
    """What one strip plays of a file.

    Attributes:
        words: all of them; none where no line lies within the strip.
        cues: SubRip text with times in the sound file; empty where the file has none.
        lines: how many.
    """

    words: str
    cues: str = ""
    lines: int = 0


def read(path: Path, played: Span) -> Transcript:
    """Reads a transcript.

    Args:
        path: of a text, or of subtitles.
        played: the part of its sound file that the strip plays; seconds.

    Raises:
        DGTalkerError: the file cannot be read, or holds no words.
    """
    text = read_transcript(path)
    every = cues(text)
    if every:
        lines = within(every, played)
        return Transcript(joined(lines), written(moved(lines, played.start)), len(lines))
    words = " ".join(text.split())
    if not words or "-->" in words:
        raise DGTalkerError(f"The transcript {path.name} holds no words.")
    return Transcript(words)


def within(every: Iterable[Cue], played: Span) -> list[Cue]:
    """The subtitles that are spoken mostly within a span, cut to it; in seconds from its start."""
    found = []
    for cue in every:
        inside = Span(cue.start, cue.end).clipped(played)
        if inside.end - inside.start > 0.5 * (cue.end - cue.start):
            found.append(Cue(inside.start - played.start, inside.end - played.start, cue.text))
    return found


def moved(lines: Iterable[Cue], later: float) -> list[Cue]:
    return [Cue(cue.start + later, cue.end + later, cue.text) for cue in lines]


def joined(lines: Iterable[Cue]) -> str:
    """The words alone."""
    return " ".join(" ".join(cue.text for cue in lines).split())


def written(lines: Iterable[Cue]) -> str:
    """SubRip text, which the engine takes as a transcript with times."""
    return "\n\n".join(f"{_time(cue.start)} --> {_time(cue.end)}\n{cue.text}" for cue in lines)


def _time(seconds: float) -> str:
    whole = round(max(seconds, 0.0) * 1000)
    return f"{whole // 3600000:02d}:{whole // 60000 % 60:02d}:{whole // 1000 % 60:02d},{whole % 1000:03d}"
