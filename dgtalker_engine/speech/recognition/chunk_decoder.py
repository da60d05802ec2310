"""One stretch of sound, some seconds long: its phones, by its script, by recognised words, or by sounds alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..analysis import music
from ..analysis.activity import Span
from ..progress import Progress
from ..sound import RATE, part
from . import spelling, transcript_alignment
from .recogniser import PHONES, SILENCE, Recogniser, Segment, bare, ready
from .result import Hearing, Phone

# Function words, whose vowels are reduced.
_WEAK = frozenset(
    "a an the and of to in on at for from with as is are was were be been has have had that this it its he she we you "  # noqa: SIM905
    "they his her our your my or but if than then so do does can could would will shall should there".split()
)

# Mean log-likelihoods a frame, as measured. The right transcript: −1.9 and above, a wrong one: −4. Recognised words,
# with their log-posterior added: −3.32 and above in English (26 of 27), −3.61 and below in 8 other languages. Single
# words that were spoken: −3.94 and above in 99 of 100, short ones −7.4; others in their place: half of them below −5.
_UNFITTING = -2.9
_DOUBTFUL = -3.35
_WRONG = -3.9
_WRONG_SHORT = -7.4
_SHORT = 3

# Seconds of speech without words that are listened to again.
_GAP = 0.45


@dataclass(frozen=True)
class _Fitting:
    """Phones of words, and how well they fit the sound; no phones when they cannot fit.

    Attributes:
        fit: mean log-likelihood a frame.
        wrong: for each word, whether it is hardly what is said.
        spans: of each word.
    """

    phones: list[Phone] = field(default_factory=list)
    fit: float = -99.0
    wrong: list[bool] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)


def hear_sound(sound: np.ndarray, script: list[str], whole: list[str], progress: Progress) -> Hearing:
    """Phones of a sound from its words in the transcript if there are any, else, or where they end, from the sound.

    Args:
        sound: float32 (n,) at `sound.RATE`, at most `activity.LONGEST` seconds.
        script: the words that are thought to be spoken in it.
        whole: the transcript that they are part of.
    """
    recogniser = ready(progress)
    # Taught anew, as `ready` forgets them, so that a sound is heard the same whatever came before it.
    script, whole = (known(words, recogniser, Hearing()) for words in (script, whole))
    return _Stretch(sound, recogniser).hear(script, whole, progress)


def known(words: Sequence[str], recogniser: Recogniser, hearing: Hearing) -> list[str]:
    """Words the recogniser can align; others are sounded out, or left out where no rule reads their letters."""
    kept = []
    for word in words:
        if not recogniser.knows(word):
            phones = spelling.sounded_out(word)
            if not phones:
                hearing.unreadable.append(word)
                continue
            recogniser.add_word(word, phones)
            hearing.unknown.append(word)
        kept.append(word)
    return kept


def bare_words(segments: Sequence[Segment]) -> list[str]:
    """Words without pauses and without the numbers of their pronunciations."""
    return [bare(segment.name) for segment in segments if segment.name != SILENCE]


class _Stretch:
    """A sound that is being listened to."""

    def __init__(self, sound: np.ndarray, recogniser: Recogniser) -> None:
        self._sound = sound
        self._recogniser = recogniser
        self._span = Span(0.0, len(sound) / RATE)
        self._hearing = Hearing()

    def hear(self, script: list[str], whole: list[str], progress: Progress) -> Hearing:
        self._hearing.phones = self._phones(script, whole, progress)
        return self._hearing

    def _phones(self, script: list[str], whole: list[str], progress: Progress) -> list[Phone]:
        self._recogniser.attend(self._sound, progress.stage(0.0, 0.05))
        told = self._aligned(script, progress.stage(0.05, 0.2)) if script else _Fitting()
        if told.fit > _UNFITTING and not any(told.wrong):
            return self._filled(told, progress.stage(0.2, 1.0))
        words, doubt = self._recogniser.words(self._sound, progress.stage(0.2, 0.8))
        if told.fit > _UNFITTING:
            told = self._mended(script, told, bare_words(words), progress.stage(0.8, 0.9))
            return self._filled(told, progress.stage(0.9, 1.0))
        if whole:
            # After a passage that nobody spoke the words are out of step: what was recognised finds the place again.
            place = transcript_alignment.place(bare_words(words), whole)
            found = self._aligned(place, progress.stage(0.8, 0.83)) if place else _Fitting()
            if found.phones and any(found.wrong):
                found = self._mended(place, found, bare_words(words), progress.stage(0.83, 0.86))
            if found.fit > _UNFITTING:
                return found.phones
        heard = self._timed(words, progress.stage(0.86, 0.9)) if words else _Fitting()
        return self._without_script(heard, heard.fit + doubt > _DOUBTFUL, bool(whole), progress.stage(0.9, 1.0))

    def _without_script(self, heard: _Fitting, trusted: bool, misfit: bool, progress: Progress) -> list[Phone]:
        """Phones of recognised words if they are to be trusted, else free ones; a note where nobody is heard."""
        in_words = sum(phone.name != SILENCE for phone in heard.phones)
        wordy = in_words / self._span.end > music.FEW
        steady = music.steadiness(self._sound)
        # The free phones take time: they are left out where there can be no doubt that somebody speaks.
        if trusted and wordy and steady < music.STEADY:
            self._note(misfit)
            return heard.phones
        free = self._free(progress)
        kinds = len({phone.name for phone in free} - {SILENCE})
        if music.is_music(steady, kinds, in_words, self._span.end):
            self._hearing.music.append(self._span)
            return free
        self._note(misfit, wordless=not (trusted and wordy))
        return heard.phones if trusted and wordy else free

    def _note(self, misfit: bool, wordless: bool = False) -> None:
        if misfit:
            self._hearing.misfits.append(self._span)
        if wordless:
            self._hearing.wordless.append(self._span)

    def _mended(self, script: list[str], told: _Fitting, heard: list[str], progress: Progress) -> _Fitting:
        """A script that fits on the whole, with recognised words where it does not, if that fits better."""
        if len(told.wrong) != len(script):
            return told
        words = transcript_alignment.merged(script, heard, told.wrong)
        mended = self._aligned(words, progress) if words != script else _Fitting()
        if mended.fit < told.fit + 0.02:
            return told
        for wrong, span in zip(told.wrong, told.spans, strict=True):
            if wrong:
                self._hearing.misfits.append(span)
        return mended

    def _filled(self, told: _Fitting, progress: Progress) -> list[Phone]:
        """Phones of a transcript, with what was said besides it in its pauses."""
        phones = told.phones
        if not any(phone.name == SILENCE and phone.end - phone.start > _GAP for phone in phones):
            return phones
        free = self._free(progress.stage(0.0, 0.2))
        progress = progress.stage(0.2, 1.0)
        filled = Hearing()
        first, length = phones[0].start, phones[-1].end - phones[0].start
        for phone in phones:
            voiced = sum(_overlap(phone, other) for other in free if other.name != SILENCE)
            if phone.name == SILENCE and voiced > max(_GAP, 0.7 * (phone.end - phone.start)):
                stage = progress.stage((phone.start - first) / length, (phone.end - first) / length)
                gap = _Stretch(part(self._sound, phone.start, phone.end), self._recogniser)
                besides = gap.hear([], [], stage)
                filled.add(besides, phone.start)
                if not besides.music:
                    self._hearing.unscripted.append(Span(phone.start, phone.end))
            else:
                filled.phones.append(phone)
        self._hearing.wordless += filled.wordless
        self._hearing.music += filled.music
        return filled.phones

    def _free(self, progress: Progress) -> list[Phone]:
        """Phones without regard to words."""
        heard = self._recogniser.free_phones(self._sound, progress)
        return [Phone(s.name if s.name in PHONES else SILENCE, s.start, s.end) for s in heard]

    def _aligned(self, words: list[str], progress: Progress) -> _Fitting:
        segments = self._recogniser.word_times(self._sound, words, progress.stage(0.0, 0.5))
        return self._timed(segments, progress.stage(0.5, 1.0)) if segments else _Fitting()

    def _timed(self, segments: list[Segment], progress: Progress) -> _Fitting:
        """The same for words whose times are known."""
        timed = self._recogniser.phone_times(self._sound, segments, progress)
        spoken = [(phone, fit) for phone, fit in timed if phone.name != SILENCE]
        if not spoken:
            return _Fitting()
        words = [segment for segment in segments if segment.name != SILENCE]
        weak = [word for word in words if bare(word.name) in _WEAK]
        phones = [Phone(p.name, p.start, p.end, _inside(p, weak)) for p, _ in timed]
        wrong = []
        for word in words:
            own = [each for each in spoken if _inside(each[0], [word])]
            limit = _WRONG_SHORT if len(bare(word.name)) <= _SHORT else _WRONG
            wrong.append(bool(own) and _mean(own) < limit)
        return _Fitting(phones, _mean(spoken), wrong, [Span(word.start, word.end) for word in words])


def _mean(fits: Sequence[tuple[Segment, float]]) -> float:
    """Mean of the phones' fits, weighted by their lengths."""
    return sum((phone.end - phone.start) * fit for phone, fit in fits) / sum(p.end - p.start for p, _ in fits)


def _inside(phone: Segment, words: list[Segment]) -> bool:
    middle = (phone.start + phone.end) / 2
    return any(word.start <= middle < word.end for word in words)


def _overlap(a: Phone, b: Phone) -> float:
    return max(min(a.end, b.end) - max(a.start, b.start), 0.0)
