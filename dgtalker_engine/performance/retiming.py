"""A take whose words are spoken at other times than they were heard: somebody has moved them by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np

from .take import Line, Phone, Take, Word


def retimed(take: Take, moves: Sequence[tuple[float, float]]) -> Take:
    """Moves what happens at some times of a take to others; what lies between is stretched evenly.

    Args:
        take: as it was heard.
        moves: seconds in `take`, and in what is returned: both rising. Before the first and after the last of them
            everything stays as far from it as it was.

    Returns:
        a take of the same length. Contacts keep their lengths where they can: a stretched B is not held for longer.
    """
    if not moves:
        return take
    source, target = np.array(moves, np.float64).T

    def later(times: np.ndarray) -> np.ndarray:
        return _mapped(times, source, target)

    frames = np.arange(take.frames) / take.fps
    heard = _mapped(frames, target, source)
    weights = np.stack([np.interp(heard, frames, column) for column in take.weights.T], axis=1)
    contacts = {}
    for name in ("closures", "bites"):
        held = getattr(take, name)
        middles = later(held.mean(axis=1))
        halves = (held[:, 1] - held[:, 0]) / 2
        contacts[name] = np.stack([middles - halves, middles + halves], axis=1)
    syllables = take.syllables.copy()
    syllables[:, 0] = later(syllables[:, 0])
    return dataclasses.replace(
        take,
        weights=weights.astype(np.float32),
        phones=tuple(Phone(each.name, *later(np.array(each[1:])).tolist()) for each in take.phones),
        words=tuple(Word(each.name, *later(np.array(each[1:])).tolist()) for each in take.words),
        utterances=later(take.utterances),
        pauses=later(take.pauses),
        syllables=syllables,
        lines=tuple(_moved(line, later) for line in take.lines),
        **contacts,
    )


def _moved(line: Line, later: Callable[[np.ndarray], np.ndarray]) -> Line:
    syllables = line.syllables.copy()
    syllables[:, 0] = later(syllables[:, 0] + line.origin) - line.origin
    return dataclasses.replace(line, utterances=later(line.utterances + line.origin) - line.origin, syllables=syllables)


def _mapped(times: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Where times lie once `source` is at `target`: between them stretched evenly, beyond their ends moved along."""
    moved = np.interp(times, source, target)
    moved = np.where(times < source[0], times + target[0] - source[0], moved)
    return np.where(times > source[-1], times + target[-1] - source[-1], moved)
