"""Words that are moved in time: the mouth, its contacts and the phones move with them."""

from __future__ import annotations

import numpy as np
import pytest
from take_tools import make_take

from dgtalker_engine.performance import Take, Word, perform
from dgtalker_engine.performance.retiming import retimed


def test_nothing_moved_is_the_same_take():
    take = make_take(8.0)
    assert retimed(take, []) is take
    same = retimed(take, [(0.0, 0.0), (8.0, 8.0)])
    assert np.allclose(same.weights, take.weights, atol=1e-6)
    assert np.allclose(same.closures, take.closures)


def test_what_happens_at_one_time_happens_at_the_other():
    take = make_take(8.0, fps=100.0)
    later = retimed(take, [(0.4, 0.4), (1.0, 1.2), (4.2, 4.2)])
    jaw = take.names.index("jawOpen")

    def jaw_at(each: Take, time: float) -> float:
        return float(np.interp(time, np.arange(each.frames) / each.fps, each.weights[:, jaw]))

    for heard, shown in ((0.2, 0.2), (0.4, 0.4), (1.0, 1.2), (2.6, 2.7), (4.2, 4.2), (6.0, 6.0)):
        assert jaw_at(later, shown) == pytest.approx(jaw_at(take, heard), abs=0.01)


def test_lips_touch_where_the_moved_phone_is_and_for_as_long():
    take = make_take(8.0)
    later = retimed(take, [(0.0, 0.0), (1.0, 1.3), (4.0, 4.0)])
    lengths = later.closures[:, 1] - later.closures[:, 0]
    assert np.allclose(lengths, take.closures[:, 1] - take.closures[:, 0])
    first = next(i for i, phone in enumerate(take.phones) if phone.start == pytest.approx(1.0))
    assert later.phones[first].start == pytest.approx(1.3)
    assert perform(later).weights.shape == perform(take).weights.shape


def test_words_move_and_come_back_from_a_file():
    take = make_take(8.0)
    spoken = Take(**{**vars(take), "words": (Word("one", 1.0, 1.5), Word("two", 1.5, 2.0))})
    back = Take.from_bytes(spoken.to_bytes())
    assert [(word.name, round(word.start, 3)) for word in back.words] == [("one", 1.0), ("two", 1.5)]
    moved = retimed(back, [(1.0, 1.0), (1.5, 1.7), (2.0, 2.0)])
    assert [(round(word.start, 3), round(word.end, 3)) for word in moved.words] == [(1.0, 1.7), (1.7, 2.0)]
