"""Scripts of several speakers: Fountain, subtitles with names, and plain text of the form "ROBIN: …".

As with transcripts, the time to read one grows with its length alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import DGTalkerError
from ..files import printable
from . import stage_directions
from .transcripts import Cue, raw_cues, read_transcript, spoken

ENDINGS = (".fountain", ".srt", ".vtt", ".ass", ".ssa", ".txt")

_VOICE = re.compile(r"<v(?:\.[^\s<>]{0,80})?[ \t]([^<>]{1,120})>")
_NAMED = re.compile(r"[-–—]?\s{0,4}([^\W\d_][\w .'’-]{0,40}?)\s{0,4}(?:\(([^()]{0,80})\))?\s{0,4}:\s(?=\S)")
_MOST_WORDS_OF_A_NAME = 4
_EXTENSION = re.compile(r"\([^()]{0,80}\)")
_LEFT_OUT = re.compile(r"/\*.*?\*/|\[\[[^\[\]]*\]\]", re.DOTALL)
_EMPHASIS = re.compile(r"[*_]{1,3}")
_HEADING = re.compile(r"(?:INT|EXT|EST|INT\./EXT|INT/EXT|I/E)[. ]", re.IGNORECASE)


@dataclass(frozen=True)
class SpokenLine:
    """What somebody says.

    Attributes:
        speaker: the name as it is written; empty where it is not said whose line this is.
        text: the words, with stage directions in brackets where they stand: "(angrily) Who? [pause] You?".
        start, end: seconds; None in scripts without times.
    """

    speaker: str
    text: str
    start: float | None = None
    end: float | None = None


def read_dialogue(path: Path | str) -> list[SpokenLine]:
    """The lines of a script, in order.

    Raises:
        DGTalkerError: the file is missing, is no text, or nobody says anything in it.
    """
    text = read_transcript(path)
    found = list(lines_of(text, fountain=Path(path).suffix.lower() == ".fountain"))
    if not any(line.speaker for line in found):
        raise DGTalkerError(
            f"The script {printable(path)} names nobody who speaks.",
            'Give a Fountain script, subtitles with <v Robin> or "ROBIN: …", or a text of such lines.',
        )
    return found


def lines_of(text: str, *, fountain: bool = False) -> Iterator[SpokenLine]:
    """The lines of a script's text: a `fountain` script, subtitles, or "ROBIN: …"."""
    cues = [] if fountain else raw_cues(text)
    if fountain:
        found = _fountain(text)
    elif cues:
        found = (line for cue in cues for line in _of_cue(cue))
    else:
        found = _plain(text)
    return (line for line in found if stage_directions.spoken(line.text).strip())


def same_name(name: str, other: str) -> bool:
    """Whether two names are one, in whatever case and with whatever number Blender gave a copy."""
    return _bare(name) == _bare(other) != ""


def _bare(name: str) -> str:
    return re.sub(r"\W", "", re.sub(r"\.\d{3,9}$", "", name.strip())).casefold()


def _line(
    speaker: str, text: str, more: str | None = None, start: float | None = None, end: float | None = None
) -> SpokenLine:
    directed = f"({more}) {text}" if more and more.strip() else text
    return SpokenLine(speaker.strip(), " ".join(directed.split()), start, end)


def _named(text: str) -> tuple[str, str | None, str]:
    """Speaker, what stands in brackets beside the name, and what is said; no speaker where none is named."""
    match = _NAMED.match(text)
    if not match or len(match[1].split()) > _MOST_WORDS_OF_A_NAME:
        return "", None, text
    return match[1], match[2], text[match.end() :]


def _of_cue(cue: Cue) -> Iterator[SpokenLine]:
    """The lines of a subtitle; where several speak, by their letters' share of its time."""
    parts = _VOICE.split(cue.text)
    turns = [parts[0]] if cue.speaker else _turns(parts[0])
    voices = [*((cue.speaker, turn) for turn in turns), *zip(parts[1::2], parts[2::2], strict=True)]
    said = [(name, spoken(text)) for name, text in voices]
    said = [(name, text) for name, text in said if text]
    letters, time = sum(len(text) for _, text in said), cue.start
    for name, text in said:
        own, aside, words = _named(text) if not name else (name, None, text)
        until = time + (cue.end - cue.start) * len(text) / letters
        yield _line(own, words, aside, time, until)
        time = until


def _turns(text: str) -> list[str]:
    """A subtitle's text, divided before each row that names who speaks it: behind a dash, or in capitals."""
    turns: list[list[str]] = []
    for row in text.split("\n"):
        name = _named(spoken(row))[0]
        if turns and not (name and (name == name.upper() or row.lstrip().startswith(("-", "–", "—")))):
            turns[-1].append(row)
        else:
            turns.append([row])
    return ["\n".join(turn) for turn in turns]


def _plain(text: str) -> Iterator[SpokenLine]:
    """Lines of "ROBIN: …", which go on until somebody else is named or a line is empty."""
    speaker, aside, words = "", None, []
    for row in [*text.splitlines(), ""]:
        own, more, rest = _named(row.strip())
        if own or not row.strip():
            if speaker:
                yield _line(speaker, " ".join(words), aside)
            speaker, aside, words = own, more, [rest]
        else:
            words.append(row.strip())


def _fountain(text: str) -> Iterator[SpokenLine]:
    """https://fountain.io/syntax: a name in capitals after an empty line, what is said below it, up to the next one."""
    rows = [row.rstrip("\r") for row in _LEFT_OUT.sub("", text).split("\n")]
    empty, i = True, 0
    while i < len(rows):
        name = _character(rows[i]) if empty and i + 1 < len(rows) and rows[i + 1].strip() else ""
        empty = not rows[i].strip()
        i += 1
        if not name:
            continue
        words = []
        # Two spaces keep a line of dialogue that is otherwise empty.
        while i < len(rows) and (rows[i].strip() or rows[i] == "  "):
            words.append(_EMPHASIS.sub("", rows[i].strip().removeprefix("~")))
            i += 1
        yield _line(name, " ".join(words))


def _character(row: str) -> str:
    """The name of who speaks below a line; empty where it is none."""
    row = row.strip().rstrip("^").strip()
    if row.startswith("@"):
        return _EXTENSION.sub("", row[1:]).strip()
    name = _EXTENSION.sub("", row).strip()
    if (
        name != name.upper()
        or not any(letter.isalpha() for letter in name)
        or name.startswith((".", "!", "#", ">", "="))
    ):
        return ""
    return "" if _HEADING.match(name) or name.endswith("TO:") else name
