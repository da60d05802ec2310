"""One chunk of sound, some seconds long: its phones, by its transcript, by recognised words, or by sounds alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ..analysis import music
from ..analysis.activity import Span
from ..progress import Stage
from ..sound import RATE, excerpt
from . import spelling, transcript_alignment
from .recogniser import PHONES, SILENCE, Recogniser, Segment, bare, ready
from .result import Recognition, SpokenPhone, SpokenWord

# Function words, whose vowels are reduced.
_WEAK = frozenset(
    "a an the and of to in on at for from with as is are was were be been has have had that this it its he she we you "  # noqa: SIM905 (words read better than 50 strings)
    "they his her our your my or but if than then so do does can could would will shall should there".split()
)

# Mean log-likelihoods a frame, as measured. The right transcript: −1.9 and above, a wrong one: −4. Recognised words,
# with their log-posterior added: −3.32 and above in English (26 of 27), −3.34 and below in 9 other languages. Single
# words that were spoken: −3.94 and above in 99 of 100, short ones −7.4; others in their place: half of them below −5.
# What Whisper writes of English: −3.58 and above in 71 of 72 chunks.
_MISFIT = -2.9
_MISHEARD = -3.7
_CERTAIN = -3.0
_DOUBTFUL = -3.4
_UNLIKELY = -3.9
_WRONG = -3.9
_WRONG_SHORT = -7.4
_SHORT = 3

# Between certain and unlikely it counts for how much of their length the words' sounds are heard without regard to
# words: 0.37 to 0.45 in natural German, 0.44 to 0.5 in English over the telephone, 0.53 and more in English otherwise.
_AGREEMENT = 0.45
_AGREEMENT_WEIGHT = 2.5

# Seconds of speech without words that are listened to again.
_GAP = 0.45

# Seconds of silence after words that are certain.
_AFTER = 0.2


@dataclass(frozen=True)
class _Alignment:
    """Words aligned with a sound, their phones, and how well they fit the sound; no phones when they cannot fit.

    Attributes:
        words: and when each is spoken; none where phones were found without regard to words.
        fit: mean log-likelihood a frame.
        wrong: for each word, whether it is hardly what is said.
    """

    phones: list[SpokenPhone] = field(default_factory=list)
    words: list[SpokenWord] = field(default_factory=list)
    fit: float = -99.0
    wrong: list[bool] = field(default_factory=list)


def decode_heard(sound: np.ndarray, words: list[str], progress: Stage) -> Recognition:
    """Phones of a sound from the words that Whisper heard in it, or, where they do not fit, as `decode_chunk`.

    Args:
        sound: float32 (n,) at `sound.RATE`, at most `activity.LONGEST` seconds.
        words: those that no rule reads are left out.
    """
    recogniser = ready(progress)
    words = alignable(words, recogniser, Recognition())
    decoder = _ChunkDecoder(sound, recogniser)
    return decoder.confirm(words, progress) if words else decoder.decode([], [], progress)


def decode_chunk(
    sound: np.ndarray, words: list[str], transcript: list[str], progress: Stage, *, certain: bool = False
) -> Recognition:
    """Phones of a sound from its words in the transcript if there are any, else, or where they end, from the sound.

    Args:
        sound: float32 (n,) at `sound.RATE`, at most `activity.LONGEST` seconds.
        words: those of the transcript that are thought to be spoken in it.
        transcript: the whole that they come from.
        certain: somebody has listened and says that these words are spoken, and no others; none is silence. Only
            words that cannot be spoken in this time are recognised anew.
    """
    recogniser = ready(progress)
    # Added anew, as `ready` forgets them, so that a sound is heard the same whatever came before it.
    words, transcript = (alignable(each, recogniser, Recognition()) for each in (words, transcript))
    decoder = _ChunkDecoder(sound, recogniser)
    return decoder.follow(words, transcript, progress) if certain else decoder.decode(words, transcript, progress)


def alignable(words: Sequence[str], recogniser: Recogniser, recognition: Recognition) -> list[str]:
    """Words that the recogniser can align; others are sounded out, or left out where no rule reads their letters.

    Args:
        recognition: told which words were sounded out and which left out.
    """
    kept = []
    for word in words:
        if not recogniser.knows(word):
            phones = spelling.sounded_out(word)
            if not phones:
                recognition.unreadable.append(word)
                continue
            recogniser.add_word(word, phones)
            recognition.unknown.append(word)
        kept.append(word)
    return kept


def bare_words(segments: Sequence[Segment]) -> list[str]:
    """Words without pauses and without the numbers of their pronunciations."""
    return [bare(segment.name) for segment in segments if segment.name != SILENCE]


class _ChunkDecoder:
    """A chunk that is being decoded."""

    def __init__(self, sound: np.ndarray, recogniser: Recogniser) -> None:
        self._sound = sound
        self._recogniser = recogniser
        self._span = Span(0.0, len(sound) / RATE)
        self._result = Recognition()
        self._free: list[SpokenPhone] | None = None

    def decode(self, words: list[str], transcript: list[str], progress: Stage) -> Recognition:
        spoken = self._spoken(words, transcript, progress)
        self._result.phones, self._result.words = spoken.phones, spoken.words
        return self._result

    def confirm(self, words: list[str], progress: Stage) -> Recognition:
        """`decode` of words that Whisper heard."""
        self._recogniser.adapt_channel(self._sound, progress.stage(0.0, 0.1))
        by_words = self._align(words, progress.stage(0.1, 0.4))
        if by_words.fit < _MISHEARD:
            return self.decode([], [], progress.stage(0.4, 1.0))
        spoken = self._without_transcript(by_words, True, False, progress.stage(0.4, 1.0))
        self._result.phones, self._result.words = spoken.phones, spoken.words
        return self._result

    def follow(self, words: list[str], transcript: list[str], progress: Stage) -> Recognition:
        """`decode` of words that are certain."""
        if not words:
            return self._result
        self._recogniser.adapt_channel(self._sound, progress.stage(0.0, 0.05))
        # A last word that is cut off finds its end in silence; without, the aligner leaves it out.
        padded = np.concatenate([self._sound, np.zeros(int(_AFTER * RATE), self._sound.dtype)])
        spoken = _ChunkDecoder(padded, self._recogniser)._align(words, progress.stage(0.05, 0.2))
        if len(spoken.words) < len(words):
            self._note(misfit=True)
            return self.decode(words, transcript, progress.stage(0.2, 1.0))
        end = self._span.end
        self._result.phones = [
            SpokenPhone(p.name, p.start, min(p.end, end), p.weak) for p in spoken.phones if p.start < end
        ]
        self._result.words = [SpokenWord(w.name, min(w.start, end), min(w.end, end)) for w in spoken.words]
        return self._result

    def _spoken(self, words: list[str], transcript: list[str], progress: Stage) -> _Alignment:
        self._recogniser.adapt_channel(self._sound, progress.stage(0.0, 0.05))
        scripted = self._align(words, progress.stage(0.05, 0.2)) if words else _Alignment()
        if scripted.fit > _MISFIT and not any(scripted.wrong):
            return self._fill_pauses(scripted, progress.stage(0.2, 1.0))
        segments, doubt = self._recogniser.words(self._sound, progress.stage(0.2, 0.8))
        recognised = bare_words(segments)
        if scripted.fit > _MISFIT:
            scripted = self._mend(words, scripted, recognised, progress.stage(0.8, 0.9))
            return self._fill_pauses(scripted, progress.stage(0.9, 1.0))
        if transcript:
            # After a passage that nobody spoke the words are out of step: what was recognised finds the place again.
            located = transcript_alignment.locate(recognised, transcript)
            alignment = self._align(located, progress.stage(0.8, 0.83)) if located else _Alignment()
            if alignment.phones and any(alignment.wrong):
                alignment = self._mend(located, alignment, recognised, progress.stage(0.83, 0.86))
            if alignment.fit > _MISFIT:
                return alignment
        by_words = self._align_phones(segments, progress.stage(0.86, 0.9)) if segments else _Alignment()
        likely = by_words.fit + doubt
        if _UNLIKELY < likely < _CERTAIN:
            likely += _AGREEMENT_WEIGHT * (self._agreement(by_words, progress.stage(0.9, 1.0)) - _AGREEMENT)
        trusted = likely > _DOUBTFUL
        return self._without_transcript(by_words, trusted, bool(transcript), progress.stage(0.9, 1.0))

    def _without_transcript(self, by_words: _Alignment, trusted: bool, misfit: bool, progress: Stage) -> _Alignment:
        """Recognised words if they are to be trusted, else free phones; a note where there is no voice."""
        in_words = sum(phone.name != SILENCE for phone in by_words.phones)
        wordy = in_words / self._span.end > music.FEW
        steady = music.steadiness(self._sound)
        # The free phones take time: they are left out where there can be no doubt that somebody speaks.
        if trusted and wordy and steady < music.STEADY:
            self._note(misfit)
            return by_words
        free = self._free_phones(progress)
        kinds = len({phone.name for phone in free} - {SILENCE})
        if music.is_music(steady, kinds, in_words, self._span.end):
            self._result.music.append(self._span)
            return _Alignment(free)
        self._note(misfit, wordless=not (trusted and wordy))
        return by_words if trusted and wordy else _Alignment(free)

    def _note(self, misfit: bool, wordless: bool = False) -> None:
        if misfit:
            self._result.misfits.append(self._span)
        if wordless:
            self._result.wordless.append(self._span)

    def _mend(self, words: list[str], scripted: _Alignment, recognised: list[str], progress: Stage) -> _Alignment:
        """A transcript that fits on the whole, with recognised words where it does not, if that fits better."""
        if len(scripted.wrong) != len(words):
            return scripted
        merged = transcript_alignment.merged(words, recognised, scripted.wrong)
        mended = self._align(merged, progress) if merged != words else _Alignment()
        if mended.fit < scripted.fit + 0.02:
            return scripted
        for wrong, word in zip(scripted.wrong, scripted.words, strict=True):
            if wrong:
                self._result.misfits.append(Span(word.start, word.end))
        return mended

    def _fill_pauses(self, scripted: _Alignment, progress: Stage) -> _Alignment:
        """Words of a transcript, with what was said besides them in their pauses."""
        phones = scripted.phones
        if not any(phone.name == SILENCE and phone.end - phone.start > _GAP for phone in phones):
            return scripted
        free = self._free_phones(progress.stage(0.0, 0.2))
        progress = progress.stage(0.2, 1.0)
        filled = Recognition()
        first, length = phones[0].start, phones[-1].end - phones[0].start
        for phone in phones:
            voiced = sum(_overlap(phone, other) for other in free if other.name != SILENCE)
            if phone.name == SILENCE and voiced > max(_GAP, 0.7 * (phone.end - phone.start)):
                stage = progress.stage((phone.start - first) / length, (phone.end - first) / length)
                gap = _ChunkDecoder(excerpt(self._sound, phone.start, phone.end), self._recogniser)
                besides = gap.decode([], [], stage)
                filled.add(besides, phone.start)
                if not besides.music:
                    self._result.unscripted.append(Span(phone.start, phone.end))
            else:
                filled.phones.append(phone)
        self._result.wordless += filled.wordless
        self._result.music += filled.music
        return _Alignment(filled.phones, sorted(scripted.words + filled.words, key=lambda word: word.start))

    def _free_phones(self, progress: Stage) -> list[SpokenPhone]:
        """Phones without regard to words."""
        if self._free is None:
            segments = self._recogniser.free_phones(self._sound, progress)
            self._free = [SpokenPhone(s.name if s.name in PHONES else SILENCE, s.start, s.end) for s in segments]
        return self._free

    def _agreement(self, by_words: _Alignment, progress: Stage) -> float:
        """For which part of their length the sounds of recognised words are heard without regard to words, too."""
        spoken = [phone for phone in by_words.phones if phone.name != SILENCE]
        free = self._free_phones(progress)
        same = sum(_overlap(phone, other) for phone in spoken for other in free if phone.name == other.name)
        return same / max(sum(phone.end - phone.start for phone in spoken), 1e-6)

    def _align(self, words: list[str], progress: Stage) -> _Alignment:
        segments = self._recogniser.word_times(self._sound, words, progress.stage(0.0, 0.5))
        return self._align_phones(segments, progress.stage(0.5, 1.0)) if segments else _Alignment()

    def _align_phones(self, segments: list[Segment], progress: Stage) -> _Alignment:
        """The same for words whose times are known."""
        timed = self._recogniser.phone_times(self._sound, segments, progress)
        spoken = [(phone, fit) for phone, fit in timed if phone.name != SILENCE]
        if not spoken:
            return _Alignment()
        words = [segment for segment in segments if segment.name != SILENCE]
        weak = [word for word in words if bare(word.name) in _WEAK]
        phones = [SpokenPhone(p.name, p.start, p.end, _inside(p, weak)) for p, _ in timed]
        wrong = []
        for word in words:
            own = [each for each in spoken if _inside(each[0], [word])]
            limit = _WRONG_SHORT if len(bare(word.name)) <= _SHORT else _WRONG
            wrong.append(bool(own) and _mean(own) < limit)
        return _Alignment(phones, [SpokenWord(bare(w.name), w.start, w.end) for w in words], _mean(spoken), wrong)


def _mean(fits: Sequence[tuple[Segment, float]]) -> float:
    """Mean of the phones' fits, weighted by their lengths."""
    return sum((phone.end - phone.start) * fit for phone, fit in fits) / sum(p.end - p.start for p, _ in fits)


def _inside(phone: Segment, words: list[Segment]) -> bool:
    middle = (phone.start + phone.end) / 2
    return any(word.start <= middle < word.end for word in words)


def _overlap(a: SpokenPhone, b: SpokenPhone) -> float:
    return max(min(a.end, b.end) - max(a.start, b.start), 0.0)
