"""Performances from other programs, and for them: Live Link Face, Audio2Face, and our own JSON.

What a file is, is found from its content, not from its name.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from ...errors import DGTalkerError
from ...files import printable, read_file, write_whole
from ..record import Performance
from . import audio2face, livelink, tables

__all__ = ["FORMATS", "Format", "format_for", "parse", "read", "write"]


@dataclass(frozen=True)
class Format:
    """A format that performances are written in.

    Attributes:
        label: for users.
        suffix: of its files.
        text: a performance as the content of a file.
    """

    label: str
    suffix: str
    text: Callable[[Performance], str]


FORMATS: dict[str, Format] = {
    "json": Format("DGTalker JSON", ".json", Performance.to_json),
    "livelink": Format("Live Link Face CSV", ".csv", livelink.text),
    "audio2face": Format("Audio2Face JSON", ".json", audio2face.json_text),
    "audio2face-csv": Format("Audio2Face CSV", ".csv", audio2face.csv_text),
}
"""The formats by name; the first one of a suffix is meant where only a path is given."""


def read(path: Path | str, fps: float | None = None) -> Performance:
    """Reads a performance of any of `FORMATS`, as this or another program writes it.

    Controls get their names in `rig.ARKIT_NAMES` and `rig.HEAD_NAMES` where they are those; others keep theirs.

    Args:
        path: the file.
        fps: frames per second of a file that does not say it.

    Raises:
        DGTalkerError: the file cannot be read, or is none of these.
    """
    data = read_file(path, _LARGEST, "The performance")
    try:
        return parse(data, fps)
    except DGTalkerError as error:
        raise DGTalkerError(
            f"{printable(Path(path).name)}: {error.message}", error.hint or "Export it again."
        ) from error


def parse(data: bytes, fps: float | None = None) -> Performance:
    """`read` for the content of a file."""
    if fps is not None and not 0 < fps <= 1e6:
        raise DGTalkerError(f"A performance cannot run at {fps} frames per second.", "Give 1 to 1000.")
    # Spreadsheets put a mark of its encoding before a file's text.
    encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    lines = io.TextIOWrapper(io.BytesIO(data), encoding, newline="")
    try:
        first = next(filter(str.strip, lines), None)
        if first is None:
            raise DGTalkerError("The file is empty.", "Export it again.")
        if first.lstrip()[0] not in "{[":
            return tables.performance(chain([first], lines), fps)
        text = data.decode(encoding)
    except UnicodeError as error:
        raise DGTalkerError("This is no text.", _HINT) from error
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise DGTalkerError(f"This is no complete JSON: {error}.", "Export it again.") from error
    if isinstance(content, dict) and "weightMat" in content:
        return audio2face.from_json(content, fps)
    if isinstance(content, dict) and {"fps", "names", "weights"} <= set(content):
        return Performance.from_json(text)
    raise DGTalkerError("This JSON is no performance.", _HINT)


def format_for(path: Path | str, name: str = "") -> Format:
    """The format of that name, or else the first one of the path's suffix.

    Raises:
        DGTalkerError: there is none.
    """
    known = f"Known are {', '.join(f'{key} ({kind.suffix})' for key, kind in FORMATS.items())}."
    if name and name not in FORMATS:
        raise DGTalkerError(f"There is no format {name!r}.", known)
    if name:
        return FORMATS[name]
    suffix = Path(path).suffix.lower()
    found = next((kind for kind in FORMATS.values() if kind.suffix == suffix), None)
    if found is None:
        raise DGTalkerError(f"The name {printable(Path(path).name)} says no format.", known)
    return found


def write(performance: Performance, path: Path | str, name: str = "") -> None:
    """Writes a performance in one of `FORMATS`, by name or else by the path's suffix; whole, or nothing at all.

    Raises:
        DGTalkerError: the format is unknown or knows none of the controls, or the file cannot be written.
    """
    text = format_for(path, name).text(performance)
    write_whole(Path(path), text.encode())


_LARGEST = 1 << 29
"""Bytes: two hours of Live Link Face at 60 frames a second are 300 MB."""

_HINT = "A performance is a CSV of Live Link Face or Audio2Face, a JSON of Audio2Face, or a JSON of this program."
