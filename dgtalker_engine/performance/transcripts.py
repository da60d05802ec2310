"""Transcripts: plain text, SubRip (.srt) and WebVTT (.vtt)."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import DGTalkerError
from ..files import printable, read_file

ENDINGS = (".txt", ".srt", ".vtt")

_TIME = r"(?:(\d+):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
_TIMES = re.compile(rf"^\s*{_TIME}\s*-->\s*{_TIME}.*$")
_LARGEST = 16 * 1024 * 1024


@dataclass(frozen=True)
class Cue:
    """A subtitle: text, and when it is shown, seconds."""

    start: float
    end: float
    text: str


def read_transcript(path: Path | str) -> str:
    """The text of a transcript's file, whatever it is encoded in; `cues` finds the subtitles in it.

    Raises:
        DGTalkerError: the file is missing or no text.
    """
    data = read_file(path, _LARGEST, "The transcript")
    encodings = ("utf-16",) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1252", "latin-1")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise DGTalkerError(f"The transcript {printable(path)} is no text.", "Give a .txt, .srt or .vtt file.")


def cues(text: str) -> list[Cue]:
    """Subtitles in order of time; none when the text is plain.

    Notes, styles, numbers, settings and markup are left out, and so are cues that end before they start.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    found: list[Cue] = []
    heads = [i for i, line in enumerate(lines) if "-->" in line and _TIMES.match(line)]
    for head, following in zip(heads, [*heads[1:], len(lines)], strict=False):
        match = _TIMES.match(lines[head])
        assert match is not None
        start, end = _seconds(match.groups()[:4]), _seconds(match.groups()[4:])
        body = []
        for line in lines[head + 1 : following]:
            # A cue ends at an empty line; what follows is the next one's name, or a note.
            if not line.strip():
                break
            body.append(line)
        else:
            # Files without empty lines: the last line before a time is the next cue's number.
            if following < len(lines) and body and body[-1].strip().isdigit():
                body.pop()
        spoken = re.sub(r"<[^>]*>|\{[^}]*\}", " ", html.unescape(" ".join(body))).strip()
        if spoken and end > start:
            found.append(Cue(start, end, spoken))
    return sorted(found, key=lambda cue: (cue.start, cue.end))


def plain(text: str) -> str:
    """The words of a transcript without times."""
    found = cues(text)
    return " ".join(cue.text for cue in found) if found else text


def _seconds(parts: tuple[str | None, ...]) -> float:
    hours, minutes, seconds, fraction = parts
    assert minutes is not None
    assert seconds is not None
    assert fraction is not None
    return 3600 * int(hours or 0) + 60 * int(minutes) + int(seconds) + int(fraction) / 10 ** len(fraction)
