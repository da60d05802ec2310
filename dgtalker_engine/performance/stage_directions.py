"""Stage directions in a transcript, "(angrily)", "[pause 1.5]": what they mean.

What stands in round or square brackets is never spoken. `MANNERS` and `PAUSES` say which words mean what.
As with transcripts, the time to read them grows with the text's length alone.
Where they lie in a recording of the text: `directed_lines`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from functools import lru_cache

from .direction import NEUTRAL


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
_NEGATIONS = frozenset({"not", "no", "never", "without", "less", "cannot"})
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


def spoken(text: str) -> str:
    """A text without its stage directions."""
    return _BRACKETS.sub(" ", text)


def tokens(text: str) -> list[str]:
    """The words of a text without its stage directions, in lower case."""
    return _TOKEN.findall(spoken(text).lower().replace("’", "'"))


def pieces(text: str) -> Iterator[tuple[str, bool]]:
    """A text in parts, each with whether it is a stage direction."""
    last = 0
    for match in _BRACKETS.finditer(text):
        yield text[last : match.start()], False
        yield match[0], True
        last = match.end()
    yield text[last:], False


def parts_between_pauses(text: str) -> list[str]:
    """A text divided where nothing is said, without its stage directions."""
    parts: list[list[str]] = [[]]
    for piece, is_direction in pieces(text):
        if not is_direction:
            parts[-1].append(piece)
        elif _meaning(piece).pauses:
            parts.append([])
    return [" ".join(part) for part in parts]


def as_heard(text: str) -> str:
    """A text with what counts when a recording is listened to: where nothing is said, not how the rest is."""
    if not _BRACKETS.search(text):
        return text
    return " ".join(" [pause] ".join(parts_between_pauses(text)).split())


@lru_cache(maxsize=256)
def read(text: str) -> tuple[StageDirection, ...]:
    """The stage directions of a text."""
    found, count = [], 0
    for piece, is_direction in pieces(text):
        if is_direction:
            found.append(replace(_meaning(piece), word=count))
        else:
            count += len(tokens(piece))
    return tuple(found)


@lru_cache(maxsize=256)
def _meaning(text: str) -> StageDirection:
    """A stage direction before any word."""
    said = _TOKEN.findall(text.lower().replace("’", "'"))
    if not said or "".join(said).replace("'", "") in _SAYS_NOTHING:
        return StageDirection(text, 0, pauses=not said and ("..." in text or "…" in text))
    if any(each in _NEGATIONS or each.endswith("n't") for each in said):
        return StageDirection(text, 0, known=False)
    number = _NUMBER.search(text)
    pauses = any(each in PAUSES for each in said)
    seconds = float(number[0].replace(",", ".")) if pauses and number else 0.0
    manners = [manner for manner in map(_manner_of, said) if manner]
    if len(said) > _MOST_WORDS or not manners:
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
