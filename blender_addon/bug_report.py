"""The text of a bug report: versions, the doctor's lines, the log's end, without what is private. No Blender."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

LINES = 60
"""Of the log's end."""

HIDDEN = "…"

_PATH = re.compile(r"(?<![\w/])(?:[A-Za-z]:[\\/]|~?/|\\\\)[^\s\"'<>|:*?\n][^\"'<>|:*?\n]*")
_KEPT = re.compile(r"(?:site-packages|dgtalker_engine|bl_ext|lib[\\/]python[\d.]+|scripts[\\/]modules)[\\/]\S*")
_FILE = re.compile(r".*[\\/][^\\/]*?(\.[A-Za-z0-9]{1,5})\b")
"""Of what may be a path, as far as the ending of a file's name in its last part: folders have dots, too."""
_LOGIN = re.compile(r"//[^\s/@]+@")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_SHORT = 3
"""Letters from which on a name is looked for by itself."""


@dataclass(frozen=True)
class Private:
    """What is taken out of a report.

    Attributes:
        names: of people, computers, heads, files: wherever they stand.
        spoken: transcripts; two words of one that follow each other are taken out, and the only word of one.
    """

    names: Sequence[str] = ()
    spoken: Sequence[str] = ()


def compose(versions: Iterable[str], doctor: Iterable[str], error: str, log: Path, private: Private) -> str:
    """A report to paste.

    Args:
        versions: of Blender, the extension, the system.
        doctor: what `Test Engine` shows, or why it cannot be asked.
        error: the last that was shown; empty for none.
        log: the engine's.
    """
    parts = {"Versions": list(versions), "Engine": list(doctor)}
    parts |= {"Last error": [error] if error else [], "Log": tail(log)}
    text = "\n\n".join("\n".join([f"## {title}", *(lines or ["none"])]) for title, lines in parts.items())
    return f"# DGTalker: bug report\n\n{clean(text, private)}\n"


def tail(log: Path) -> list[str]:
    """The last lines of a log."""
    try:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - 2**16))
            return stream.read().decode("utf-8", "replace").splitlines()[-LINES:]
    except OSError:
        return []


def clean(text: str, private: Private) -> str:
    """A text without names, passwords, spoken words, and folders: of a path its last part's ending is left, of code its
    place in a package."""
    text = _without_paths(_LOGIN.sub(f"//{HIDDEN}@", text))
    for name in sorted(_parts(private.names), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", HIDDEN, text, flags=re.IGNORECASE)
    return _without_spoken(text, private.spoken)


def _without_paths(text: str) -> str:
    return _PATH.sub(lambda path: _shortened(path[0]), text)


def _shortened(path: str) -> str:
    """Of a path and what follows it in the line: the sentence after a file's name stays."""
    kept = _KEPT.search(path)
    if kept:
        return f"{HIDDEN}/{kept[0]}{_without_paths(path[kept.end() :])}"
    file = _FILE.match(path)
    return f"{HIDDEN}/{HIDDEN}{file[1] + path[file.end() :] if file else ''}"


def _parts(names: Sequence[str]) -> set[str]:
    """Names, whole and by word."""
    every = {name.strip() for name in names}
    every |= {word for name in names for word in _WORD.findall(name)}
    return {name for name in every if len(name) >= _SHORT}


def _without_spoken(text: str, spoken: Sequence[str]) -> str:
    pairs: set[tuple[str, str]] = set()
    alone: set[str] = set()
    for transcript in spoken:
        words = [word.lower() for word in _WORD.findall(transcript)]
        pairs |= set(itertools.pairwise(words))
        alone |= set(words) if len(words) == 1 else set()
    found = list(_WORD.finditer(text))
    hidden = {i for i, word in enumerate(found) if word[0].lower() in alone}
    for i, (first, second) in enumerate(itertools.pairwise(found)):
        if (first[0].lower(), second[0].lower()) in pairs:
            hidden |= {i, i + 1}
    for i in sorted(hidden, reverse=True):
        text = text[: found[i].start()] + HIDDEN + text[found[i].end() :]
    return text
