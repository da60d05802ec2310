"""pocketsphinx behind three questions: which words, when each phone of known words, which phones without words."""

from __future__ import annotations

import math
import tempfile
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pocketsphinx

from ..progress import NO_PROGRESS, Stage
from ..sound import RATE

FRAME = 0.01
"""Seconds a frame of the recogniser."""

PHONES = frozenset(
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH".split()  # noqa: SIM905 (names read better than 39 strings)
)
SILENCE = "SIL"

# Small: the decoder keeps Python's lock during a block, and a request to cancel has to wait for it.
_BLOCK = int(0.02 * RATE)
_NEVER = 1e-30
_WIDE = {"beam": 1e-80, "wbeam": 1e-80, "pbeam": 1e-80}
_PATHS = 1500
_DENSITIES = 2
_COMMON = 30000
_FIRST_SOUND = np.random.default_rng(0).normal(0.0, 0.1, int(0.1 * RATE)).astype(np.float32)


@dataclass(frozen=True)
class Segment:
    """A word or phone; seconds from the start of the sound that was given."""

    name: str
    start: float
    end: float


_kept = threading.local()


def ready(progress: Stage) -> Recogniser:
    """This thread's recogniser, made when it is first asked for, that remembers nothing."""
    if not hasattr(_kept, "recogniser"):
        _kept.recogniser = Recogniser(progress)
    _kept.recogniser.forget()
    return _kept.recogniser


def warm_up() -> None:
    """Loads the models (about 0.4 s), so that this thread's next recording does not wait for them."""
    ready(NO_PROGRESS)


class Recogniser:
    """English models in one process; not for use from two threads at once. Loads them when made (about 0.4 s)."""

    def __init__(self, progress: Stage) -> None:
        def decoder(**settings: object) -> pocketsphinx.Decoder:
            progress.report(0.0)
            return pocketsphinx.Decoder(samprate=RATE, loglevel="FATAL", **settings)

        self._wide = decoder(lm=None, **_WIDE)
        # Without the second pass (fwdflat), which cannot be interrupted, words come out better as well as sooner. The
        # limit of paths (maxhmmpf) keeps sounds that are no speech from taking far longer; fewer words, paths and
        # densities take less than half the time of the whole dictionary with 4500 paths, at the same rate of errors.
        with tempfile.TemporaryDirectory() as folder:
            common = Path(folder) / "common.dict"
            model = _write_common_words(common, progress)
            self._words = decoder(lm=None, dict=str(common), fwdflat=False, maxhmmpf=_PATHS, topn=_DENSITIES)
        self._words.add_lm("words", model)
        self._words.activate_search("words")
        # One word a phone: state alignment in pocketsphinx 5.1 fails on one chunk in six (its pull request 468).
        self._phones = decoder(lm=None, dict=None, silprob=_NEVER, fillprob=_NEVER, wip=1.0, **_WIDE)
        for name in (*sorted(PHONES), SILENCE):
            self._phones.add_word(name, name, name == SILENCE)
        free = pocketsphinx.get_model_path("en-us/en-us-phone.lm.bin")
        self._free = decoder(allphone=free, lw=2.0, pip=0.3, beam=1e-10, pbeam=1e-10)
        self._channel = self._free.get_cmn(False)
        self._taught: set[str] = set()
        self._known: set[str] = set()

    def forget(self) -> None:
        """Forgets words and channel of earlier recordings, so that a recogniser that is kept answers like a new one."""
        self._known.clear()
        # A recogniser that has never listened scores its first frames in another way than one that has.
        for decoder in (self._words, self._free):
            self._decode(decoder, _FIRST_SOUND, NO_PROGRESS)
        self._set_channel(self._channel)

    def knows(self, word: str) -> bool:
        return word in self._known or (word not in self._taught and self._wide.lookup_word(word) is not None)

    def add_word(self, word: str, phones: Iterable[str]) -> None:
        """Teaches a word to `word_times`, not to `words`; always with the same phones."""
        self._known.add(word)
        # Dictionaries can't lose words: those of earlier recordings stay in it, unknown to `knows`.
        if word not in self._taught:
            self._taught.add(word)
            self._wide.add_word(word, " ".join(phones), True)

    def adapt_channel(self, sound: np.ndarray, progress: Stage) -> None:
        """Adapts to the channel of a chunk (its cepstral mean); the other methods start from it.

        Args:
            sound: float32 (n,) at `RATE`, at most `activity.LONGEST` seconds.
        """
        # Features without a search to speak of. The mean starts at the model's, and moves half way in each pass.
        channel = self._channel
        self._phones.set_align_text(SILENCE)
        for begin in (0.0, 0.5):
            self._phones.set_cmn(channel)
            self._decode(self._phones, sound, progress.stage(begin, begin + 0.5))
            channel = self._phones.get_cmn(True)
        self._set_channel(channel)

    def free_phones(self, sound: np.ndarray, progress: Stage) -> list[Segment]:
        """Phones without regard to words."""
        self._decode(self._free, sound, progress)
        return self._segments(self._free)

    def words(self, sound: np.ndarray, progress: Stage) -> tuple[list[Segment], float]:
        """Recognised words, as `word_times` returns them, and their mean log-posterior by length (0 at most)."""
        self._decode(self._words, sound, progress)
        if self._words.hyp() is None:
            return [], 0.0
        recognised = [word for word in self._words.seg() if word.word[0] not in "<["]
        frames = sum(word.end_frame - word.start_frame + 1 for word in recognised)
        doubt = sum((w.end_frame - w.start_frame + 1) * math.log(min(max(w.prob, 1e-12), 1.0)) for w in recognised)
        return self._words_and_pauses(self._words) if recognised else [], doubt / max(frames, 1)

    def word_times(self, sound: np.ndarray, words: list[str], progress: Stage) -> list[Segment]:
        """When each of known words is spoken, with pauses between them as ``SIL``.

        Args:
            words: all of them known (`knows`).

        Returns:
            segments in order, named by pronunciation, such as ``"a(2)"``; empty when the words don't fit the sound.
        """
        self._wide.set_align_text(" ".join(words))
        self._decode(self._wide, sound, progress)
        return self._words_and_pauses(self._wide)

    def phone_times(self, sound: np.ndarray, words: list[Segment], progress: Stage) -> list[tuple[Segment, float]]:
        """When each phone of words is spoken, and how well it fits.

        Args:
            words: what `word_times` or `words` returned for the same sound.

        Returns:
            phones in order, each with its mean log-likelihood a frame against the best of all sounds (0 at most);
            empty when the phones don't fit the sound.
        """
        names: list[str] = []
        for word in words:
            if word.name != SILENCE:
                names += self._wide.lookup_word(word.name).split()
            elif word.end - word.start > 0.03:
                names.append(SILENCE)
        self._phones.set_align_text(" ".join(names))
        self._decode(self._phones, sound, progress)
        return [
            (self._segment(s), math.log(max(s.ascore, 1e-300)) / (s.end_frame - s.start_frame + 1))
            for s in (self._phones.seg() or ())
            if s.word[0] not in "<["
        ]

    def _decode(self, decoder: pocketsphinx.Decoder, sound: np.ndarray, progress: Stage) -> None:
        peak = float(np.abs(sound).max(initial=0.0))
        pcm = (sound.astype(np.float32) * (0.9 * 32767 / max(peak, 1e-6))).astype(np.int16)
        # What is taken for noise would be that of the sound before.
        channel = decoder.get_cmn(False)
        decoder.reinit_feat()
        decoder.set_cmn(channel)
        decoder.start_utt()
        try:
            for start in range(0, len(pcm), _BLOCK):
                progress.report(start / len(pcm))
                decoder.process_raw(pcm[start : start + _BLOCK].tobytes())
        finally:
            decoder.end_utt()

    def _set_channel(self, channel: str) -> None:
        for decoder in (self._words, self._wide, self._phones, self._free):
            decoder.set_cmn(channel)

    def _words_and_pauses(self, decoder: pocketsphinx.Decoder) -> list[Segment]:
        segments = self._segments(decoder)
        return [Segment(SILENCE, s.start, s.end) if s.name[0] in "<[" else s for s in segments if s.end > s.start]

    def _segments(self, decoder: pocketsphinx.Decoder) -> list[Segment]:
        if decoder.hyp() is None:
            return []
        return [self._segment(segment) for segment in decoder.seg()]

    @staticmethod
    def _segment(segment: pocketsphinx.Segment) -> Segment:
        return Segment(segment.word, segment.start_frame * FRAME, (segment.end_frame + 1) * FRAME)


def _write_common_words(path: Path, progress: Stage) -> pocketsphinx.NGramModel:
    """Writes the dictionary of the `_COMMON` likeliest words of the language model, and returns the model."""
    config = pocketsphinx.Config(loglevel="FATAL")
    model = pocketsphinx.NGramModel(config, pocketsphinx.LogMath(), pocketsphinx.get_model_path("en-us/en-us.lm.bin"))
    lines: dict[str, list[str]] = {}
    for line in Path(pocketsphinx.get_model_path("en-us/cmudict-en-us.dict")).read_text(encoding="utf-8").splitlines():
        lines.setdefault(bare(line.split(" ", 1)[0]), []).append(line)
    progress.report(0.0)
    common = sorted(lines, key=lambda word: -model.prob([word]))[:_COMMON]
    path.write_text("\n".join(line for word in common for line in lines[word]) + "\n", encoding="utf-8")
    return model


def bare(word: str) -> str:
    """A word without the number of its pronunciation: ``"a(2)"`` → ``"a"``."""
    return word.split("(")[0]
