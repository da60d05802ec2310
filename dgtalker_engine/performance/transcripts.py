"""Transcripts: plain text, SubRip (.srt), WebVTT (.vtt) and SubStation Alpha (.ass, .ssa).

Whatever a file holds, the time to read it grows with its length alone: no pattern here looks at a letter twice.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from ..errors import DGTalkerError
from ..files import printable, read_file

ENDINGS = (".txt", ".srt", ".vtt", ".ass", ".ssa")

_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})"
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}", re.ASCII)
_MARKUP = re.compile(r"<[^<>]*>|\{[^{}]*\}")
_LONG_NUMBER = re.compile(r"&#\w{9,}", re.ASCII)
_SECTION = re.compile(r"^\[(?:Script Info|V4\+? Styles|Events)\]", re.IGNORECASE | re.MULTILINE)
_SUBTITLES = re.compile(rf"{_SECTION.pattern}|^WEBVTT|-->", re.IGNORECASE | re.MULTILINE)
_SUBSTATION_TIME = re.compile(rf"\s*{_TIME}", re.ASCII)
_BREAK = re.compile(r"\\[Nnh]")
_MOST_COLUMNS = 30
_DRAWING = re.compile(r"\\p[1-9]")
_LARGEST = 16 * 1024 * 1024


@dataclass(frozen=True)
class Cue:
    """A subtitle: text, when it is shown, seconds, and who speaks it, where that stands beside the text."""

    start: float
    end: float
    text: str
    speaker: str = ""


def read_transcript(path: Path | str) -> str:
    """The text of a transcript's file, whatever it is encoded in; `cues` finds the subtitles in it.

    Raises:
        DGTalkerError: the file is missing, no text, or of subtitles of which none can be read.
    """
    data = read_file(path, _LARGEST, "The transcript")
    encodings = ("utf-16",) if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ("utf-8-sig", "cp1252", "latin-1")
    for encoding in encodings:
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" in text:
            continue
        if _SUBTITLES.search(text) and not cues(text):  # else its times and styles would be taken for words
            raise DGTalkerError(
                f"The transcript {printable(path)} holds no subtitles that can be read.", "Export it again, or as text."
            )
        return text
    raise DGTalkerError(f"The transcript {printable(path)} is no text.", "Give a text, .srt, .vtt or .ass file.")


def cues(text: str) -> list[Cue]:
    """Subtitles in order of time; none when the text is plain.

    Notes, styles, numbers, settings, drawings and markup are left out, and so are cues that end before they start.
    """
    found = (replace(cue, text=spoken(cue.text.replace("\n", " ")), speaker="") for cue in raw_cues(text))
    return [cue for cue in found if cue.text]


def raw_cues(text: str) -> list[Cue]:
    """`cues` with their markup and rows, and whom SubStation Alpha names as their speaker."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    lines = text.split("\n")
    found = _substation(lines) if _SECTION.search(text) else _subrip(lines)
    return sorted((cue for cue in found if cue.end > cue.start), key=lambda cue: (cue.start, cue.end))


def _subrip(lines: list[str]) -> Iterator[Cue]:
    """SubRip and WebVTT."""
    heads = [i for i, line in enumerate(lines) if "-->" in line and _TIMES.match(line)]
    for head, following in zip(heads, [*heads, len(lines)][1:], strict=True):
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
        match = _TIMES.match(lines[head])
        assert match is not None
        times = match.groups()
        yield Cue(_seconds(*times[:4]), _seconds(*times[4:]), "\n".join(body))


def _substation(lines: list[str]) -> Iterator[Cue]:
    """SubStation Alpha, .ass and .ssa: lines of events, whose columns a line before them names, the text last."""
    columns = ["layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text"]
    for line in lines:
        kind, _, rest = line.partition(":")
        kind = kind.strip().lower()
        if kind == "format" and "text" in rest.lower():
            columns = [name.strip().lower() for name in rest.split(",", _MOST_COLUMNS)]
        elif kind == "dialogue":
            event = dict(zip(columns, rest.split(",", len(columns) - 1), strict=False))
            start, end = (_SUBSTATION_TIME.match(event.get(name, "")) for name in ("start", "end"))
            text = event.get("text", "")
            if start and end and not _DRAWING.search(text):
                yield Cue(
                    _seconds(*start.groups()),
                    _seconds(*end.groups()),
                    _BREAK.sub("\n", text),
                    event.get("name", "").strip(),
                )


def spoken(text: str) -> str:
    """A subtitle's text without markup."""
    text = _unescaped(text)
    return _MARKUP.sub(" ", text).strip() if "<" in text or "{" in text else text.strip()


def _unescaped(text: str) -> str:
    # Python refuses to convert numbers of thousands of digits, which no character has.
    return html.unescape(_LONG_NUMBER.sub(" ", text)) if "&" in text else text


def plain(text: str) -> str:
    """The words of a transcript without times."""
    found = cues(text)
    return " ".join(cue.text for cue in found) if found else text


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> float:
    return 3600 * int(hours or 0) + 60 * int(minutes) + int(seconds) + int(fraction.ljust(3, "0")) / 1000
