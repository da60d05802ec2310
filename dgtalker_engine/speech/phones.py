"""What is said when: the recording's phones, from a transcript, from recognised words, or from sounds alone."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import numpy as np

from . import spelling
from .activity import Span
from .hearing import Hearing, Phone
from .passages import Passage
from .progress import Progress
from .recogniser import PHONES, SILENCE, Recogniser, Segment, bare, ready
from .sound import RATE

VOWELS = frozenset(["AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"])

# Function words, whose vowels are reduced.
_WEAK = frozenset(
    "a an the and of to in on at for from with as is are was were be been has have had that this it its he she we you "  # noqa: SIM905
    "they his her our your my or but if than then so do does can could would will shall should there".split()
)

# Mean log-likelihoods a frame, as measured. The right transcript: −1.9 and above, a wrong one: −4. Recognised words,
# with their log-posterior added: −3.02 and above in English (25 of 26), −3.27 and below in 8 other languages.
_UNFITTING = -2.9
_DOUBTFUL = -3.1

# Seconds of speech without words that are listened to again.
_GAP = 0.45


def hear(samples: np.ndarray, chunks: Sequence[Span], passages: Sequence[Passage], progress: Progress) -> Hearing:
    """Finds the phones of a recording.

    Args:
        samples: float32 (n,) at `sound.RATE`.
        chunks: stretches to listen to, `activity.chunks`.
        passages: their transcripts are used.
    """
    hearing = Hearing()
    jobs: list[tuple[np.ndarray, list[str], list[str]]] = [(_part(samples, chunk), [], []) for chunk in chunks]
    if any(passage.transcript.strip() for passage in passages):
        scripts = _distribute(samples, chunks, passages, ready(progress), hearing, progress.stage(0.0, 0.2))
        jobs = [(sound, *script) for (sound, _, _), script in zip(jobs, scripts, strict=True)]
    progress = progress.stage(0.2, 1.0)
    ends = np.cumsum([0, *(len(sound) for sound, _, _ in jobs)]) / sum(len(sound) for sound, _, _ in jobs)
    parts = [hear_sound(*job, progress.stage(float(ends[i]), float(ends[i + 1]))) for i, job in enumerate(jobs)]
    for chunk, part in zip(chunks, parts, strict=True):
        hearing.add(part, chunk.start)
    return hearing


def hear_sound(sound: np.ndarray, script: list[str], whole: list[str], progress: Progress) -> Hearing:
    """Phones of a sound from its words in the transcript if there are any, else, or where they end, from the sound.

    Args:
        sound: float32 (n,) at `sound.RATE`, at most `activity.LONGEST` seconds.
        script: the words that are thought to be spoken in it.
        whole: the transcript that they are part of.
    """
    recogniser = ready(progress)
    hearing = Hearing()
    # Taught anew, as `ready` forgets them, so that a sound is heard the same whatever came before it.
    _known([*script, *whole], recogniser, Hearing())
    hearing.phones = _hear(sound, script, whole, recogniser, hearing, progress)
    return hearing


def _hear(
    sound: np.ndarray,
    script: list[str],
    whole: list[str],
    recogniser: Recogniser,
    hearing: Hearing,
    progress: Progress,
) -> list[Phone]:
    chunk = Span(0.0, len(sound) / RATE)
    recogniser.attend(sound, progress.stage(0.0, 0.05))
    if script:
        phones, fit = _aligned(sound, script, recogniser, progress.stage(0.05, 0.2))
        if phones and fit > _UNFITTING:
            return _filled(sound, phones, recogniser, hearing, progress.stage(0.2, 1.0))
    words, doubt = recogniser.words(sound, progress.stage(0.2, 0.8))
    if whole:
        # After a passage that nobody spoke the words are out of step: what was recognised finds the place again.
        place = _place([bare(word.name) for word in words if word.name != SILENCE], whole)
        phones, fit = _aligned(sound, place, recogniser, progress.stage(0.8, 0.85)) if place else ([], 0.0)
        if phones and fit > _UNFITTING:
            return phones
        hearing.misfits.append(chunk)
    phones, fit = _timed(sound, words, recogniser, progress.stage(0.85, 0.9)) if words else ([], 0.0)
    if phones and fit + doubt > _DOUBTFUL:
        return phones
    hearing.wordless.append(chunk)
    return _free(sound, recogniser, progress.stage(0.9, 1.0))


def _free(sound: np.ndarray, recogniser: Recogniser, progress: Progress) -> list[Phone]:
    """Phones without regard to words."""
    heard = recogniser.free_phones(sound, progress)
    return [Phone(s.name if s.name in PHONES else SILENCE, s.start, s.end) for s in heard]


def _filled(
    sound: np.ndarray, phones: list[Phone], recogniser: Recogniser, hearing: Hearing, progress: Progress
) -> list[Phone]:
    """Phones of a transcript, with what was said besides it in its pauses."""
    if not any(phone.name == SILENCE and phone.end - phone.start > _GAP for phone in phones):
        return phones
    free = _free(sound, recogniser, progress.stage(0.0, 0.2))
    progress = progress.stage(0.2, 1.0)
    filled = Hearing()
    first, length = phones[0].start, phones[-1].end - phones[0].start
    for phone in phones:
        voiced = sum(_overlap(phone, other) for other in free if other.name != SILENCE)
        if phone.name == SILENCE and voiced > max(_GAP, 0.7 * (phone.end - phone.start)):
            gap, part = Span(phone.start, phone.end), Hearing()
            stage = progress.stage((gap.start - first) / length, (gap.end - first) / length)
            part.phones = _hear(_part(sound, gap), [], [], recogniser, part, stage)
            hearing.unscripted.append(gap)
            filled.add(part, gap.start)
        else:
            filled.phones.append(phone)
    hearing.wordless += filled.wordless
    return filled.phones


def _aligned(
    sound: np.ndarray, words: list[str], recogniser: Recogniser, progress: Progress
) -> tuple[list[Phone], float]:
    """Phones of words, and how well they fit the sound: mean log-likelihood a frame. No phones when they cannot fit."""
    segments = recogniser.word_times(sound, words, progress.stage(0.0, 0.5))
    return _timed(sound, segments, recogniser, progress.stage(0.5, 1.0)) if segments else ([], 0.0)


def _timed(
    sound: np.ndarray, segments: list[Segment], recogniser: Recogniser, progress: Progress
) -> tuple[list[Phone], float]:
    """The same for words whose times are known."""
    timed = recogniser.phone_times(sound, segments, progress)
    spoken = [(phone.end - phone.start, fit) for phone, fit in timed if phone.name != SILENCE]
    if not spoken:
        return [], 0.0
    weak = [segment for segment in segments if bare(segment.name) in _WEAK]
    phones = [Phone(p.name, p.start, p.end, _inside(p, weak)) for p, _ in timed]
    return phones, sum(length * fit for length, fit in spoken) / sum(length for length, _ in spoken)


def _place(heard: list[str], whole: list[str]) -> list[str]:
    """The stretch of a transcript that recognised words come from; empty when hardly any of them is in it."""
    matches = difflib.SequenceMatcher(None, whole, heard, autojunk=False).get_matching_blocks()
    matches = [match for match in matches if match.size]
    if sum(match.size for match in matches) < max(0.4 * len(heard), 2):
        return []
    first, last = matches[0], matches[-1]
    # As many words before the first match and after the last as were heard there.
    end = last.a + last.size + len(heard) - last.b - last.size
    place = whole[max(first.a - first.b, 0) : end]
    return place if len(place) < 1.6 * len(heard) + 3 else []


def _inside(phone: Segment, words: list[Segment]) -> bool:
    middle = (phone.start + phone.end) / 2
    return any(word.start <= middle < word.end for word in words)


def _part(samples: np.ndarray, span: Span) -> np.ndarray:
    return samples[int(span.start * RATE) : int(span.end * RATE)]


def _distribute(
    samples: np.ndarray,
    chunks: Sequence[Span],
    passages: Sequence[Passage],
    recogniser: Recogniser,
    hearing: Hearing,
    progress: Progress,
) -> list[tuple[list[str], list[str]]]:
    """For each chunk its words of the transcript, and the whole transcript; empty where there is none."""
    scripts: list[tuple[list[str], list[str]]] = [([], []) for _ in chunks]
    for i, passage in enumerate(passages):
        words = _known(spelling.words(passage.transcript), recogniser, hearing)
        inside = [k for k, chunk in enumerate(chunks) if _overlap(chunk, passage) > 0.5 * (chunk.end - chunk.start)]
        if not words or not inside:
            continue
        if len(inside) == 1:
            scripts[inside[0]] = (words, words)
            continue
        for k in inside:
            scripts[k] = ([], words)
        # All of it at once: one path through the whole text finds each chunk's share even past long pauses.
        bounds = [(int(chunks[k].start * RATE), int(chunks[k].end * RATE)) for k in inside]
        sound = np.concatenate([samples[first:last] for first, last in bounds])
        stage = progress.stage(i / len(passages), (i + 1) / len(passages))
        segments = [s for s in recogniser.word_times(sound, words, stage) if s.name != SILENCE]
        ends = np.cumsum([last - first for first, last in bounds]) / RATE
        for segment in segments:
            k = inside[min(int(np.searchsorted(ends, (segment.start + segment.end) / 2)), len(inside) - 1)]
            scripts[k][0].append(bare(segment.name))
    return scripts


def _known(words: list[str], recogniser: Recogniser, hearing: Hearing) -> list[str]:
    """Words the recogniser can align; others are sounded out, or left out where no rule reads their letters."""
    known = []
    for word in words:
        if not recogniser.knows(word):
            phones = spelling.sounded_out(word)
            if not phones:
                hearing.unreadable.append(word)
                continue
            recogniser.add_word(word, phones)
            hearing.unknown.append(word)
        known.append(word)
    return known


def _overlap(a: Span | Passage | Phone, b: Span | Passage | Phone) -> float:
    return max(min(a.end, b.end) - max(a.start, b.start), 0.0)
