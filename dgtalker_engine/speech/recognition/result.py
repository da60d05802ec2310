"""What was recognised: phones, and what the user should know about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..analysis.activity import Span
from .recogniser import SILENCE

_SPANS = ("misfits", "unscripted", "wordless", "music")

_NEAR = 1.0
"""Seconds between stretches of music that are one, and between a voice and what belongs to it."""

_MOMENT = 1.5
"""Seconds."""


@dataclass(frozen=True)
class SpokenPhone:
    """One sound of speech, as it is recognised or synthesised.

    Attributes:
        name: ARPAbet without stress, or ``SIL``.
        start: seconds.
        end: seconds.
        weak: part of a function word.
    """

    name: str
    start: float
    end: float
    weak: bool = False


@dataclass(frozen=True)
class SpokenWord:
    """A word, as it is spelled when it is spoken: lower case, numbers in words; seconds."""

    name: str
    start: float
    end: float


@dataclass(kw_only=True)
class Recognition:
    """Phones and words in order and without overlap, and what the user should know about them.

    Where only single sounds were recognised there are phones without words.
    """

    phones: list[SpokenPhone] = field(default_factory=list)
    words: list[SpokenWord] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    misfits: list[Span] = field(default_factory=list)
    unscripted: list[Span] = field(default_factory=list)
    wordless: list[Span] = field(default_factory=list)
    music: list[Span] = field(default_factory=list)

    def add(self, other: Recognition, start: float) -> None:
        """Appends what was recognised in a piece of the sound that begins at `start` seconds."""
        self.phones += [SpokenPhone(p.name, p.start + start, p.end + start, p.weak) for p in other.phones]
        self.words += [SpokenWord(w.name, w.start + start, w.end + start) for w in other.words]
        for name in _SPANS:
            getattr(self, name).extend(Span(s.start + start, s.end + start) for s in getattr(other, name))

    def settle_music(self) -> None:
        """Leaves out what was recognised where only music is; a moment of it beside a voice is the voice's own."""
        spans, self.music = _joined(self.music), []
        voiced = [p for p in self.phones if p.name != SILENCE and not any(_holds(span, p) for span in spans)]
        for span in spans:
            near = any(p.end > span.start - _NEAR and p.start < span.end + _NEAR for p in voiced)
            if span.end - span.start < _MOMENT and near:
                self.wordless.append(span)
            else:
                self.music.append(span)
                self.phones = [phone for phone in self.phones if not _holds(span, phone)]
                self.words = [word for word in self.words if not _holds(span, word)]
        self.wordless.sort(key=lambda span: span.start)

    def to_json(self) -> dict[str, Any]:
        """Lists and numbers, without `unknown` and `unreadable`, which are of a whole recording."""
        spans = {name: [(s.start, s.end) for s in getattr(self, name)] for name in _SPANS}
        words = [(w.name, w.start, w.end) for w in self.words]
        return {"phones": [(p.name, p.start, p.end, p.weak) for p in self.phones], "words": words, **spans}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Recognition:
        spans: dict[str, Any] = {name: [Span(*span) for span in data[name]] for name in _SPANS}
        words = [SpokenWord(*word) for word in data["words"]]
        return cls(phones=[SpokenPhone(*phone) for phone in data["phones"]], words=words, **spans)

    def notes(self) -> list[str]:
        """Sentences for the user."""
        notes = []
        if self.unknown:
            notes.append(f"Sounded out by their letters, as no dictionary has them: {_listed(self.unknown)}.")
        if self.unreadable:
            notes.append(f"Left out, as their letters are not Latin: {_listed(self.unreadable)}.")
        if self.misfits:
            notes.append(
                f"The transcript does not fit what is said in {_times(self.misfits)}; recognised words are used."
            )
        if self.unscripted:
            notes.append(f"More is said than the transcript has in {_times(self.unscripted)}; it was recognised there.")
        if self.wordless:
            notes.append(
                f"No English words were recognised in {_times(self.wordless)}; the lips follow single sounds there. "
                "A transcript makes them more exact."
            )
        if self.music:
            notes.append(f"Only music or noise is heard in {_times(self.music)}; the mouth stays shut there.")
        return notes


def _holds(span: Span, said: SpokenPhone | SpokenWord) -> bool:
    return span.start <= (said.start + said.end) / 2 < span.end


def _listed(words: list[str]) -> str:
    distinct = list(dict.fromkeys(words))
    return ", ".join(distinct[:8]) + (f" and {len(distinct) - 8} more" if len(distinct) > 8 else "")


def _times(spans: list[Span]) -> str:
    texts = [f"{_clock(span.start)}–{_clock(span.end)}" for span in spans]
    return ", ".join(texts[:5]) + (f" and {len(texts) - 5} other places" if len(texts) > 5 else "")


def _joined(spans: list[Span]) -> list[Span]:
    """Spans in order, those that nearly touch as one."""
    joined: list[Span] = []
    for span in spans:
        if joined and span.start - joined[-1].end < _NEAR:
            joined[-1] = Span(joined[-1].start, span.end)
        else:
            joined.append(span)
    return joined


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{seconds % 60:04.1f}"
