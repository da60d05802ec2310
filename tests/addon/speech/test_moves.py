"""What the animator changed goes where its line goes: on curves alone, without Blender."""

from __future__ import annotations

import numpy as np
import pytest


@pytest.fixture
def moving(room):
    return room("speech.keys.moves")


@pytest.fixture
def merge(room):
    return room("speech.keys.merge")


def curve_of(merge, *kept, start=0, count=100):
    return merge.Curve(start, np.full(count, 0.25, np.float32), np.zeros(count, np.float32), kept)


def rows_of(keys):
    """Rows as `key_points` has them, of which three times and a value matter here."""
    rows = np.zeros((len(keys), 7))
    for i, (time, value) in enumerate(sorted(keys.items())):
        rows[i, [0, 2, 4]] = time, time - 0.3, time + 0.3
        rows[i, 1] = value
    return rows


def usual(count=100):
    return dict.fromkeys(map(float, range(count)), 0.25)


def own(low, count):
    return np.zeros(count, np.float32)


def values(done):
    return dict(zip(done.rows[:, 0].tolist(), done.rows[:, 1].tolist(), strict=True))


def test_an_edit_goes_with_its_line_handles_and_all(moving, merge):
    edit = merge.Kept(10, 12, "EDITED", (0.1,), (0.2,))
    done = moving.moved(
        curve_of(merge, edit),
        rows_of({**usual(), 10.0: 0.8, 10.5: 0.85, 11.0: 0.9, 12.0: 0.8}),
        [moving.Move(5, 20, 40), moving.Move(21, 99, 0)],
        own,
    )
    assert done.curve.kept == (merge.Kept(50, 52, "EDITED", (0.1,), (0.2,)),)
    there = values(done)
    assert (there[50.0], there[50.5], there[51.0], there[52.0]) == (0.8, 0.85, 0.9, 0.8)
    assert not {10.0, 10.5, 11.0, 12.0} & set(there), "generated keys are written there next"
    row = done.rows[done.rows[:, 0] == 50.5][0]
    assert row[[2, 4]].tolist() == pytest.approx([50.2, 50.8])
    assert not done.left


def test_a_copy_has_the_edit_twice_and_two_lines_swap(moving, merge):
    edit, other = merge.Kept(10, 10), merge.Kept(60, 61, "LOCKED")
    rows = rows_of({**usual(), 10.0: 0.8, 60.0: 0.6, 61.0: 0.7})
    copy = moving.moved(curve_of(merge, edit, other), rows, [moving.Move(0, 40, 0), moving.Move(0, 40, 20)], own)
    assert [each.start for each in copy.curve.kept] == [10, 30, 60]
    assert (values(copy)[10.0], values(copy)[30.0]) == (0.8, 0.8)
    swap = moving.moved(curve_of(merge, edit, other), rows, [moving.Move(0, 40, 50), moving.Move(50, 90, -50)], own)
    assert [(each.start, each.kind) for each in swap.curve.kept] == [(10, "LOCKED"), (60, "EDITED")]
    assert (values(swap)[10.0], values(swap)[11.0], values(swap)[60.0]) == (0.6, 0.7, 0.8)


def test_an_edit_that_is_cut_in_two_stays_and_goes(moving, merge):
    rows = rows_of({**usual(), **dict.fromkeys(map(float, range(10, 20)), 0.8)})
    done = moving.moved(
        curve_of(merge, merge.Kept(10, 19, "EDITED", (0.1,), (0.2,))),
        rows,
        [moving.Move(0, 14, 0), moving.Move(15, 40, 30)],
        own,
    )
    assert done.curve.kept == (merge.Kept(10, 14, "EDITED", (0.1,), ()), merge.Kept(45, 49, "EDITED", (), (0.2,)))


def test_no_key_of_hers_is_ever_lost_or_covered(moving, merge):
    """An edit whose new place is taken stays; so does whatever else would have gone to where that stays."""
    edit, in_the_way = merge.Kept(10, 10), merge.Kept(30, 30)
    rows = rows_of({**usual(), 10.0: 0.8, 30.0: 0.5})
    done = moving.moved(curve_of(merge, edit, in_the_way), rows, [moving.Move(5, 15, 20)], own)
    assert [each.start for each in done.left] == [10]
    assert (values(done)[10.0], values(done)[30.0]) == (0.8, 0.5)
    chain = moving.moved(
        curve_of(merge, edit, in_the_way), rows_of({**usual(), 10.0: 0.8, 30.0: 0.5, 130.0: 0.1}),
        [moving.Move(5, 15, 20), moving.Move(25, 35, 100)], own,
    )  # fmt: skip
    assert {time: value for time, value in values(chain).items() if value != 0.25} == {10.0: 0.8, 30.0: 0.5, 130.0: 0.1}


def test_random_lives_lose_nothing(moving, merge):
    random = np.random.default_rng(3)
    for _ in range(200):
        starts = np.sort(random.choice(90, 4, replace=False)).tolist()
        ends = [*(start - 1 for start in starts[1:]), 99]
        lengths = random.integers(0, 5, 4).tolist()
        kept = [merge.Kept(a, min(a + n, b)) for a, b, n in zip(starts, ends, lengths, strict=True)]
        hers = {float(f): 0.5 + f / 1000 for each in kept for f in range(each.start, each.end + 1)}
        hers |= {f + 0.5: 0.7 + f / 1000 for each in kept for f in range(each.start, each.end)}
        cut, by = int(random.integers(1, 99)), random.integers(-60, 60, 2)
        moves = [moving.Move(0, cut - 1, int(by[0])), moving.Move(cut, 99, int(by[1]))]
        done = moving.moved(curve_of(merge, *kept), rows_of({**usual(), **hers}), moves, own)
        left = [value for value in done.rows[:, 1].tolist() if value != 0.25]
        assert sorted(left) == sorted(hers.values())
        mask = {f for each in done.curve.kept for f in range(each.start, each.end + 1)}
        assert {np.floor(time) for time, value in values(done).items() if value != 0.25} == mask
