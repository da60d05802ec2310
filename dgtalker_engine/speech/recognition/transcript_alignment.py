"""Which words of a transcript are spoken in which chunk of the sound."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...performance import stage_directions, transcripts
from ..analysis.activity import Span
from ..passages import Passage
from . import spelling
from .pool import Task

# Seconds of speech. One path through all words of more of it takes ever more time, and a passage that nobody spoke
# puts more of it out of step.
_LONGEST = 75.0

_LOOSE = 0.4
"""Seconds by which subtitles may come or go beside what is spoken."""

_NEAR_PAUSE = 0.7
"""Seconds of speech by which words may be found on the wrong side of a pause that the transcript names."""

_SILENT = 0.3
"""Seconds between chunks that are a pause, not a cut through what is spoken."""

RunTasks = Callable[[Sequence[Task], float, float], list[Any]]
"""Runs tasks, and reports between two fractions of the whole work."""


@dataclass
class ChunkTranscript:
    """What a transcript says about a chunk: the words that should be spoken in it, all that they are part of, and
    whether that is certain, as `Passage` says."""

    words: list[str] = field(default_factory=list)
    transcript: list[str] = field(default_factory=list)
    certain: bool = False


@dataclass(frozen=True)
class _Group:
    """Chunks, and the words that are spoken in all of them together.

    Attributes:
        chunks: their numbers.
        words: in order.
        pauses: before which of the words the transcript says that nothing is spoken.
    """

    chunks: list[int]
    words: list[str]
    pauses: frozenset[int] = frozenset()

    def followed_by(self, chunks: list[int], words: list[str], pauses: frozenset[int]) -> _Group:
        later = {len(self.words) + number for number in pauses}
        return _Group(self.chunks + chunks, self.words + words, self.pauses | later)


def distribute(
    chunks: Sequence[Span],
    passages: Sequence[Passage],
    alignable: Callable[[list[str]], list[str]],
    run_tasks: RunTasks,
) -> list[ChunkTranscript]:
    """What a transcript says about each chunk; empty where there is no transcript.

    Args:
        chunks: `activity.chunks`.
        passages: those of which nothing is known are left out.
        alignable: words to those that can be aligned.
        run_tasks: runs the tasks ``recognise`` and ``align`` of `phones.run_task`.
    """
    answer = [ChunkTranscript() for _ in chunks]
    groups: list[_Group] = []
    for passage in passages:
        if not passage.known:
            continue
        inside = [k for k, chunk in enumerate(chunks) if _overlap(chunk, passage) > 0.5 * (chunk.end - chunk.start)]
        if not passage.transcript.strip():  # certainly silent
            for k in inside:
                answer[k].certain = True
            continue
        subtitles = [
            (Span(cue.start + passage.start, cue.end + passage.start), _said(cue.text, alignable))
            for cue in transcripts.cues(passage.transcript)
        ]
        text = _Group([], [])
        for said in [said for _, said in subtitles] or [_said(passage.transcript, alignable)]:
            text = text.followed_by([], said.words, said.pauses)
        whole = text.words
        if not inside or not whole:
            continue
        for k in inside:
            answer[k].transcript, answer[k].certain = whole, passage.certain
        if subtitles:
            groups += _by_time(chunks, inside, subtitles)
        else:
            groups += _by_words(chunks, inside, text, run_tasks)
    alone = [group for group in groups if len(group.chunks) == 1]
    for group in alone:
        answer[group.chunks[0]].words = group.words
    joint = [group for group in groups if len(group.chunks) > 1 and group.words]
    tasks = [Task("align", tuple(chunks[k] for k in group.chunks), (group.words,)) for group in joint]
    for group, times in zip(joint, run_tasks(tasks, 0.3, 1.0), strict=True):
        places = _chunks_of_words(group, [chunks[k] for k in group.chunks], times)
        for (word, _, _), place in zip(times, places, strict=True):
            answer[group.chunks[place]].words.append(word)
    return answer


def _said(text: str, alignable: Callable[[list[str]], list[str]]) -> _Group:
    """The words of a text and its pauses, without chunks."""
    said = _Group([], [])
    for number, part in enumerate(stage_directions.parts_between_pauses(text)):
        said = said.followed_by([], alignable(spelling.words(part)), frozenset({0} if number else ()))
    return said


def _chunks_of_words(group: _Group, chunks: Sequence[Span], times: Sequence[tuple[str, float, float]]) -> list[int]:
    """In which of a group's chunks each of its words is spoken.

    What lies between chunks was left out when the words were aligned, so that one beside a pause may be found on its
    other side; where the transcript names the pause, it is known which words stand on which side.

    Args:
        group: what was aligned.
        chunks: of the group.
        times: of words, seconds of these chunks without what lies between them.
    """
    ends = np.cumsum([chunk.end - chunk.start for chunk in chunks])
    middles = [(start + end) / 2 for _, start, end in times]
    places = np.minimum(np.searchsorted(ends, middles), len(chunks) - 1)
    silent = [i for i, (a, b) in enumerate(itertools.pairwise(chunks)) if b.start - a.end > _SILENT]
    for number in sorted(group.pauses) if silent and len(times) == len(group.words) else ():
        if 0 < number < len(times):
            middle = (times[number - 1][2] + times[number][1]) / 2
            edge = min(silent, key=lambda i: abs(ends[i] - middle))
            if abs(ends[edge] - middle) < _NEAR_PAUSE:
                places[:number] = np.minimum(places[:number], edge)
                places[number:] = np.maximum(places[number:], edge + 1)
    return places.tolist()


def locate(recognised: list[str], whole: list[str]) -> list[str]:
    """The words of a transcript that recognised words come from; empty when hardly any of them is in it."""
    start = _offset(recognised, whole, None) if len(whole) > 400 else 0
    if start is None:
        return []
    # Near where most pairs of words fit: in a long text single words match everywhere.
    first = max(start - 40, 0)
    near = whole[first : start + len(recognised) + 40] if len(whole) > 400 else whole
    matches = difflib.SequenceMatcher(None, near, recognised, autojunk=False).get_matching_blocks()
    matches = [match for match in matches if match.size]
    if sum(match.size for match in matches) < max(0.4 * len(recognised), 2):
        return []
    begin, last = matches[0], matches[-1]
    # As many words before the first match and after the last as were recognised there.
    end = last.a + last.size + len(recognised) - last.b - last.size
    located = near[max(begin.a - begin.b, 0) : end]
    return located if len(located) < 1.6 * len(recognised) + 3 else []


def merged(words: list[str], recognised: list[str], doubtful: Sequence[bool]) -> list[str]:
    """Words of a transcript with recognised words in place of those that do not fit.

    Args:
        words: that should be spoken.
        recognised: words that were recognised in the same sound.
        doubtful: which of `words` do not fit the sound.
    """
    result: list[str] = []
    matcher = difflib.SequenceMatcher(None, words, recognised, autojunk=False)
    for kind, first, last, from_, to in matcher.get_opcodes():
        wrong = any(doubtful[first:last])
        if kind == "equal" or not (wrong or kind == "insert"):
            result += words[first:last]
        elif kind == "insert":
            # A word or two that the recogniser adds between words that fit are mostly its own.
            result += recognised[from_:to] if to - from_ > 2 else []
        else:
            result += recognised[from_:to]
    return result


def _by_time(chunks: Sequence[Span], inside: Sequence[int], subtitles: Sequence[tuple[Span, _Group]]) -> list[_Group]:
    """Groups whose subtitles touch none of the other groups' chunks."""
    groups: list[_Group] = []
    left = list(subtitles)
    reach = -1.0
    for k in inside:
        chunk = chunks[k]
        # Up to the subtitle that begins last in this chunk: it may go on in the next.
        taken = [cue for cue in left if cue[0].start + min(cue[0].end - cue[0].start, _LOOSE) / 2 < chunk.end]
        left = left[len(taken) :]
        said = _Group([], [])
        for _, own in taken:
            said = said.followed_by([], own.words, own.pauses)
        joins = bool(groups) and reach > chunk.start + _LOOSE
        if joins and sum(chunks[i].end - chunks[i].start for i in groups[-1].chunks) < _LONGEST:
            groups[-1] = groups[-1].followed_by([k], said.words, said.pauses)
        else:
            groups.append(_Group([k], said.words, said.pauses))
        reach = max([reach, *(span.end for span, _ in taken)])
    for _, own in left if groups else ():
        groups[-1] = groups[-1].followed_by([], own.words, own.pauses)
    return groups


def _by_words(chunks: Sequence[Span], inside: list[int], text: _Group, run_tasks: RunTasks) -> list[_Group]:
    """Groups cut where recognised words are found in a long text."""
    whole = text.words
    lengths = np.array([chunks[k].end - chunks[k].start for k in inside])
    if lengths.sum() <= _LONGEST:
        return [_Group(inside, whole, text.pauses)]
    before = np.concatenate([[0.0], np.cumsum(lengths)])
    steps = int(np.ceil(before[-1] / (0.8 * _LONGEST)))
    probes = sorted({int(np.searchsorted(before, before[-1] * i / steps)) for i in range(1, steps)} - {len(inside)})
    recognised = run_tasks([Task("recognise", (chunks[inside[i]],)) for i in probes], 0.0, 0.3)
    marks = []
    for i, words in zip(probes, recognised, strict=True):
        start = _offset(words, whole, len(whole) * before[i] / before[-1])
        if start is not None:
            marks.append((i, min(max(start, 0), len(whole))))
    marks = [(0, 0), *_rising(marks), (len(inside), len(whole))]
    return [
        _Group(inside[i:j], whole[a:b], frozenset(number - a for number in text.pauses if a < number < b))
        for (i, a), (j, b) in itertools.pairwise(marks)
    ]


def _offset(recognised: list[str], whole: list[str], expected: float | None) -> int | None:
    """Where in a text the first of some recognised words stands: most pairs of words agree on it; None if few do."""
    pairs: dict[tuple[str, str], list[int]] = {}
    for i, pair in enumerate(itertools.pairwise(whole)):
        pairs.setdefault(pair, []).append(i)
    votes = np.zeros(len(whole) + 2 * len(recognised) + 8)
    origin = len(recognised) + 4
    for i, pair in enumerate(itertools.pairwise(recognised)):
        for j in pairs.get(pair, ()):
            # Words that were missed or added shift it a little.
            votes[origin + j - i - 2 : origin + j - i + 3] += np.array([0.3, 0.6, 1.0, 0.6, 0.3]) / len(pairs[pair])
    if expected is not None:
        votes *= 1.0 - 0.3 * np.minimum(np.abs(np.arange(len(votes)) - origin - expected) / (0.2 * len(whole)), 1.0)
    best = int(votes.argmax())
    return best - origin if votes[best] >= 1.6 else None


def _rising(marks: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The most marks whose places in the text come in the order of time."""
    best: list[list[tuple[int, int]]] = []
    for i, mark in enumerate(marks):
        fitting = [best[j] for j in range(i) if marks[j][1] <= mark[1]]
        best.append([*max(fitting, key=len, default=[]), mark])
    return max(best, key=len, default=[])


def _overlap(a: Span, b: Passage) -> float:
    return max(min(a.end, b.end) - max(a.start, b.start), 0.0)
