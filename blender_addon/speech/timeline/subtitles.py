"""The part of a recording's transcript that one strip plays. No Blender."""

from __future__ import annotations

from collections.abc import Iterable

from dgtalker_engine.performance.transcripts import Cue, cues

from .timing import Span


def within(text: str, played: Span) -> list[Cue]:
    """The subtitles of a file that are spoken mostly within a span, cut to it; in seconds from its start."""
    found = []
    for cue in cues(text):
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
