"""Lines that are cut out of a take and laid elsewhere: nothing of them changes but when it happens."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from take_tools import make_take

from dgtalker_engine.performance import Direction, Take, perform
from dgtalker_engine.performance.lines import Laid, cut_out, laid_out, seed_of

FPS = 25.0


def line(seed: int, fps: float = FPS) -> Take:
    """Four seconds of speech between half a second of rest on both sides."""
    take = make_take(5.0, fps=fps)
    weights = take.weights.copy()
    weights[: int(0.4 * fps)] = weights[int(4.6 * fps) :] = 0.0
    return dataclasses.replace(cut_out(dataclasses.replace(take, weights=weights), -1.0, 9.0, seed)[0], seed=seed)


def laid(take: Take, at: float, start: float = -0.2, end: float = 5.2) -> Laid:
    return Laid(take=take, origin=at, start=at + start, end=at + end)


def played(take: Take, start: float, end: float) -> np.ndarray:
    return perform(take).weights[round(start * FPS) : round(end * FPS)]


def test_a_line_that_is_cut_out_and_laid_back_is_the_take():
    take = make_take(8.0, fps=FPS)
    own, first = cut_out(take, -0.2, 8.2, take.seed)
    back = laid_out([Laid(take=own, origin=first / FPS, start=-0.2, end=8.2)], take.frames, FPS, take.seed)
    assert np.allclose(back.weights, take.weights, atol=1e-6)
    assert back.phones == take.phones
    for name in ("utterances", "syllables", "closures", "bites"):
        assert np.allclose(getattr(back, name), getattr(take, name))
    assert np.allclose(perform(back).weights, perform(take).weights, atol=1e-6)


def test_a_line_that_is_moved_moves_as_it_was_and_leaves_the_others_as_they_were():
    a, b = line(1), line(2)
    before = laid_out([laid(a, 1.0), laid(b, 8.0)], 500, FPS, 5)
    after = laid_out([laid(a, 1.0), laid(b, 11.0)], 500, FPS, 5)
    assert np.allclose(played(before, 1.0, 6.0), played(after, 1.0, 6.0), atol=1e-5)
    assert np.allclose(played(before, 8.0, 13.0), played(after, 11.0, 16.0), atol=1e-5)
    swapped = laid_out([laid(b, 1.0), laid(a, 8.0)], 500, FPS, 5)
    assert np.allclose(played(before, 1.0, 6.0)[8:-8], played(swapped, 8.0, 13.0)[8:-8], atol=1e-5)


def test_a_line_with_a_seed_of_its_strip_keeps_what_that_draws():
    a = line(1)
    moved = []
    for at in (1.0, 4.0):
        take = laid_out([laid(a, at)], 400, FPS, 5)
        usual = perform(take).weights
        other = perform(take, [Direction(at - 0.2, at + 5.2, seed=7)]).weights
        assert np.abs(usual - other).max() > 0.01
        moved.append(other[round(at * FPS) : round((at + 5) * FPS)])
    assert np.allclose(*moved, atol=1e-5)


def test_a_part_of_a_line_with_a_seed_of_its_own_changes_alone():
    """Punch-in: a strip is split twice, and the part between gets another take."""
    take = laid_out([laid(line(1), 2.0)], 250, FPS, 5)
    edges = (1.8, 4.0, 6.0, 7.2)
    usual, other = (
        perform(take, [Direction(a, b, seed=seed) for a, b, seed in zip(edges, edges[1:], seeds, strict=False)]).weights
        for seeds in ((0, 0, 0), (0, 9, 0))
    )
    changed = np.flatnonzero(np.abs(usual - other)[:, 52:].max(axis=1) > 1e-5) / FPS
    assert changed.min() > 3.8
    assert changed.max() < 7.5, "an attitude that began within may last"
    parts, whole = (perform(take, directions).weights for directions in (
        [Direction(a, b, seed=9) for a, b in itertools.pairwise(edges)], [Direction(1.8, 7.2, seed=9)]
    ))  # fmt: skip
    assert np.abs(parts - whole)[:, 52:].max() < 0.01


def test_a_line_that_is_split_moves_as_before():
    a = line(1)
    whole = laid_out([laid(a, 2.0)], 300, FPS, 5)
    halves = laid_out([laid(a, 2.0, end=2.5), laid(a, 2.0, start=2.5)], 300, FPS, 5)
    assert np.allclose(whole.weights, halves.weights, atol=1e-5)
    assert np.allclose(whole.utterances, halves.utterances)
    assert [phone.name for phone in halves.phones if phone.name != "SIL"][:3]
    assert np.allclose(played(whole, 2.0, 7.0), played(halves, 2.0, 7.0), atol=1e-5)


def test_what_is_trimmed_away_is_silent():
    short = laid_out([laid(line(1), 2.0, start=1.0, end=3.0)], 300, FPS, 5)
    assert np.all(short.weights[: round(2.95 * FPS)] == 0.0)
    assert np.all(short.weights[round(5.1 * FPS) :] == 0.0)
    assert short.syllables[:, 0].min() >= 3.0
    assert short.closures.mean(axis=1).max() < 5.0


def test_lines_between_frames_are_sampled_between_them():
    ramp = dataclasses.replace(line(1), weights=np.linspace(0, 1, 125, dtype=np.float32)[:, None], names=("jawOpen",))
    half = laid_out([laid(ramp, 1.02)], 200, FPS, 5)
    whole = laid_out([laid(ramp, 1.0)], 200, FPS, 5)
    assert half.weights[80, 0] == pytest.approx(float(whole.weights[79:81, 0].mean()), abs=1e-5)


def test_lines_come_back_from_a_file_and_broken_ones_are_told():
    take = laid_out([laid(line(1), 1.0), laid(line(2), 8.0)], 500, FPS, 5)
    back = Take.from_bytes(take.to_bytes())
    assert [(own.start, own.end, own.origin, own.seed) for own in back.lines] == [
        (own.start, own.end, own.origin, own.seed) for own in take.lines
    ]
    assert np.allclose(perform(back).weights, perform(take).weights, atol=1e-3)
    assert seed_of(3, 0) == 3
    assert seed_of(3, 1) != seed_of(3, 2)
