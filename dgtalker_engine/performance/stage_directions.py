"""Stage directions in a transcript, "(angrily)", "[pause 1.5]": how what follows is said, and where nothing is.

What stands in round or square brackets is never spoken. `MANNERS` and `PAUSES` say which words mean what.
As with transcripts, the time to read them grows with the text's length alone.
"""

from __future__ import annotations

import difflib
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import lru_cache

from .direction import FADE, LIMITS, NEUTRAL, Direction
from .take import Word

LEAD = 0.3
"""Seconds before a word at which the face turns to how it is said, or half the silence before it where that is less."""

PAUSE = 0.2
"""Seconds of silence between words that are a pause."""

AROUND_REST = 0.2
"""Seconds after a word and before the next in which the mouth comes to rest and leaves it, so that no sound is cut."""


@dataclass(frozen=True)
class Manner:
    """How something is said.

    Attributes:
        styles: in place of the line's own, of `styles.STYLES`; None: those stay.
        lips, jaw, expression, head: multiples of the line's own amounts.
        articulation: added to the line's own.
    """

    styles: Mapping[str, float] | None = None
    _: KW_ONLY
    lips: float = 1.0
    jaw: float = 1.0
    expression: float = 1.0
    head: float = 1.0
    articulation: float = 0.0


MANNERS: dict[str, Manner] = {
    word: manner
    for manner, words in (
        (
            Manner({"happy": 1.0}),
            "happy amused cheerful cheery chuckle chuckles chuckling delighted excited giggle giggles giggling glad "
            "grinning grins jolly joyful joyous laugh laughing laughs laughter merry pleased smile smiles smiling warm",
        ),
        (
            Manner({"sad": 1.0}),
            "sad cries crying disappointed heartbroken hurt miserable mournful sob sobbing sobs sorrowful tearful "
            "unhappy upset weeping weeps",
        ),
        (
            Manner({"angry": 1.0}),
            "angry aggressive annoyed bitter enraged furious hostile irritated mad outraged scowling snapping "
            "snaps threatening",
        ),
        (
            Manner({"surprised": 1.0}),
            "surprised alarmed amazed astonished disbelief disbelieving gasp gasping gasps incredulous scared shocked "
            "startled stunned",
        ),
        (
            Manner({"tired": 1.0}),
            "tired bored drowsy exhausted sigh sighing sighs sleepy weary yawn yawning yawns",
        ),
        (Manner({NEUTRAL: 1.0}), "neutral calm composed deadpan normal"),
        (
            Manner(lips=0.9, jaw=0.6, head=0.7, articulation=0.2),
            "whisper whispered whispering whispers hushed quiet soft sotto",
        ),
        (Manner(lips=0.8, jaw=0.6, head=0.8, articulation=-0.5), "mumbling mumbles murmuring murmurs muttering"),
        (
            Manner(lips=1.15, jaw=1.4, expression=1.3, head=1.3, articulation=0.3),
            "loud scream screaming screams shout shouted shouting shouts yell yelling yells",
        ),
    )
    for word in words.split()
}
"""What words of stage directions mean; "angrily" is found by "angry", "sadly" by "sad"."""

PAUSES = frozenset("pause pauses pausing beat beats silence hesitates hesitating".split())  # noqa: SIM905 (words read better than strings)

DEGREES = {"slightly": 0.5, "somewhat": 0.5, "little": 0.5, "bit": 0.5, "mildly": 0.5, "half": 0.5, "almost": 0.7}
"""How much of a style words beside it leave."""

_SAYS_NOTHING = frozenset({"vo", "os", "oc", "contd", "cont", "continued", "continuing", "voiceover", "offscreen"})
"""Where a voice comes from: nothing of how it speaks."""
_NEGATIONS = frozenset({"not", "no", "never", "without", "less"})
_MOST_WORDS = 6
_BRACKETS = re.compile(r"\((?:[^()]|\([^()]*\))*\)|\[(?:[^\[\]]|\[[^\[\]]*\])*\]")
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_NUMBER = re.compile(r"\d{1,4}(?:[.,]\d{1,3})?")


@dataclass(frozen=True)
class StageDirection:
    """A stage direction in a text.

    Attributes:
        text: as it is written, with its brackets.
        word: how many words stand before it.
        manner: of what follows; None where it says nothing of that.
        pauses: whether nothing is said here.
        seconds: for how long, where that is said; else 0.
        known: whether anything is known of what it means.
    """

    text: str
    word: int
    manner: Manner | None = None
    pauses: bool = False
    seconds: float = 0.0
    known: bool = True


@dataclass(frozen=True)
class Placed:
    """A stage direction in a recording; seconds.

    Attributes:
        direction: what is placed.
        start: from when on it counts.
        silence: the start and the end of what lies between the words around it; None where no words were found.
        after: the word before it; empty before the first one.
    """

    direction: StageDirection
    start: float
    silence: tuple[float, float] | None
    after: str


def spoken(text: str) -> str:
    """A text without its stage directions."""
    return _BRACKETS.sub(" ", text)


def tokens(text: str) -> list[str]:
    """The words of a text without its stage directions, in lower case."""
    return _TOKEN.findall(spoken(text).lower().replace("’", "'"))


def parts_between_pauses(text: str) -> list[str]:
    """A text divided where nothing is said, without its stage directions."""
    parts: list[list[str]] = [[]]
    last = 0
    for match in _BRACKETS.finditer(text):
        parts[-1].append(text[last : match.start()])
        last = match.end()
        if _meaning(match[0]).pauses:
            parts.append([])
    parts[-1].append(text[last:])
    return [" ".join(part) for part in parts]


def as_heard(text: str) -> str:
    """A text with what counts when a recording is listened to: where nothing is said, not how the rest is."""
    if not _BRACKETS.search(text):
        return text
    return " ".join(" [pause] ".join(parts_between_pauses(text)).split())


@lru_cache(maxsize=256)
def read(text: str) -> tuple[StageDirection, ...]:
    """The stage directions of a text."""
    found, count, last = [], 0, 0
    for match in _BRACKETS.finditer(text):
        count += len(tokens(text[last : match.start()]))
        last = match.end()
        found.append(replace(_meaning(match[0]), word=count))
    return tuple(found)


@lru_cache(maxsize=256)
def _meaning(text: str) -> StageDirection:
    """A stage direction before any word."""
    said = _TOKEN.findall(text.lower().replace("’", "'"))
    if not said or "".join(said).replace("'", "") in _SAYS_NOTHING:
        return StageDirection(text, 0, pauses=not said and ("..." in text or "…" in text))
    number = _NUMBER.search(text)
    pauses = any(each in PAUSES for each in said)
    seconds = float(number[0].replace(",", ".")) if pauses and number else 0.0
    manners = [manner for manner in map(_manner_of, said) if manner]
    if len(said) > _MOST_WORDS or not _NEGATIONS.isdisjoint(said) or not manners:
        return StageDirection(text, 0, None, pauses, seconds, known=pauses)
    degree = min((DEGREES[each] for each in said if each in DEGREES), default=1.0)
    return StageDirection(text, 0, _together(manners, degree), pauses, seconds)


def _manner_of(word: str) -> Manner | None:
    """ "angry", "angrily" and "sadly" by their adjectives."""
    spellings = (word, word.removesuffix("ily") + "y", word.removesuffix("ly"))
    return next((MANNERS[each] for each in spellings if each in MANNERS), None)


def _together(manners: Sequence[Manner], degree: float) -> Manner:
    styles: dict[str, float] = {}
    for manner in manners:
        styles |= {name: weight * degree for name, weight in (manner.styles or {}).items()}
    whole = Manner(styles or None)
    for manner in manners:
        whole = replace(
            whole,
            **{name: getattr(whole, name) * getattr(manner, name) for name in ("lips", "jaw", "expression", "head")},
            articulation=whole.articulation + manner.articulation,
        )
    return whole


@lru_cache(maxsize=256)
def placed(text: str, words: tuple[Word, ...], start: float, end: float) -> tuple[Placed, ...]:
    """Where the stage directions of a text lie in a recording of it. What is heard decides where pauses are.

    Args:
        text: what is said from `start` to `end`, seconds, or more than that: what belongs to words that are not
            played is left out.
        words: that were found there; where there are none, words are taken to be spoken one as long as the other.
    """
    directions = read(text)
    said = tokens(text) if directions else []
    if not words:
        times = [start + (end - start) * each.word / max(len(said), 1) for each in directions]
        before = [said[each.word - 1] if each.word else "" for each in directions]
        return tuple(
            Placed(each, time, None, after) for each, time, after in zip(directions, times, before, strict=True)
        )
    at = _matched(said, [word.name for word in words])
    edges = [start, *itertools.chain.from_iterable((word.start, word.end) for word in words), end]
    gaps = [(low, max(low, high)) for low, high in zip(edges[::2], edges[1::2], strict=True)]
    pausing = {each.word for each in directions if each.pauses}
    found = []
    for each in directions:
        number = at[each.word]
        if number == len(words) and not (each.word == len(said) and said and at[-2] < len(words)):
            continue
        if each.word in pausing and _length(gaps[number]) < PAUSE:
            # A word that was heard on the other side of a pause: the silence is sure, the word is not.
            near = range(max(number - 1, 1), min(number + 2, len(words)))
            number = max(near, key=lambda gap: _length(gaps[gap]), default=number)
        low, high = gaps[number]
        middle = (low + high) / 2
        turn = start if number == 0 else middle if number == len(words) else max(middle, high - LEAD)
        found.append(Placed(each, turn, (low, high), words[number - 1].name if number else ""))
    return tuple(found)


def moved(each: Placed, later: float) -> Placed:
    """A stage direction in a recording that begins so much later."""
    silence = (each.silence[0] + later, each.silence[1] + later) if each.silence else None
    return replace(each, start=each.start + later, silence=silence)


def _length(gap: tuple[float, float]) -> float:
    return gap[1] - gap[0]


def _matched(said: Sequence[str], heard: Sequence[str]) -> list[int]:
    """The number of the word that was heard for each that is said, and how many were heard."""
    at = [len(heard)] * (len(said) + 1) if said else [0]
    matcher = difflib.SequenceMatcher(None, said, heard, autojunk=False)
    for _, first, last, from_, to in matcher.get_opcodes():
        for i in range(first, last):
            at[i] = from_ + round((i - first) * (to - from_) / (last - first))
    return at


def directed(line: Direction, found: Sequence[Placed]) -> list[Direction]:
    """A line's direction, divided where stage directions in it ask for something else.

    Each counts up to the next one that says how something is said, or to the line's end. In pauses the mouth rests.
    """
    parts = [line]
    for each in found:
        if each.direction.manner is None:
            continue
        # What stands before the first word also holds while the face comes out of its rest.
        start = min(max(each.start, line.start), line.end) if each.after else line.start
        asked = _in_manner(line, each.direction.manner)
        if start - parts[-1].start > 1e-3:
            last = parts.pop()
            parts.append(replace(last, end=start))
        else:
            start = parts.pop().start
        if line.end - start > 1e-3:
            parts.append(replace(asked, start=start))
        elif parts:
            parts[-1] = replace(parts[-1], end=line.end)
        else:
            parts.append(asked)
    for each in found:
        if each.silence is None or not each.direction.pauses:
            continue
        low, high = each.silence[0] + AROUND_REST, each.silence[1] - AROUND_REST
        if high - low > FADE / 4:
            parts = [piece for part in parts for piece in _resting(part, low, high)]
    return parts


def _in_manner(line: Direction, manner: Manner) -> Direction:
    least, most = LIMITS["articulation"]
    return replace(
        line,
        **{name: getattr(line, name) * getattr(manner, name) for name in ("lips", "jaw", "expression", "head")},
        articulation=min(max(line.articulation + manner.articulation, least), most),
        styles=line.styles if manner.styles is None else manner.styles,
    )


def _resting(part: Direction, low: float, high: float) -> Iterator[Direction]:
    """A direction whose mouth is still between two times."""
    edges = [part.start, *(time for time in (low, high) if part.start < time < part.end), part.end]
    for start, end in itertools.pairwise(edges):
        inside = start >= low and end <= high
        yield replace(part, start=start, end=end, **({"lips": 0.0, "jaw": 0.0} if inside else {}))


def notes(found: Sequence[Placed]) -> list[str]:
    """Sentences for the user: stage directions that mean nothing, and pauses that the recording has not."""
    said = []
    unknown = dict.fromkeys(each.direction.text for each in found if not each.direction.known)
    if unknown:
        said.append(f"These stage directions mean nothing to a face, and are not spoken: {', '.join(unknown)}.")
    for each in found:
        if each.silence is None:
            continue
        length = _length(each.silence)
        where = f' after "{each.after}"' if each.after else ""
        if each.direction.pauses and length < PAUSE:
            said.append(f"{each.direction.text}{where}: the recording does not pause there.")
        elif each.direction.seconds and abs(length - each.direction.seconds) > max(0.5, 0.5 * each.direction.seconds):
            said.append(f"{each.direction.text}{where}: the recording pauses for {length:.1f} s.")
    return said
