"""Items through stages: order, batches, bounds, and the end."""

from __future__ import annotations

import threading
import time

import pytest

from dgtalker_engine.rendering.pipeline import Stage, run


def quiet(finished):
    pass


class Watched:
    """Work that remembers its batches, and how much of it was going on at once."""

    def __init__(self, seconds=0.0):
        self.batches = []
        self.most = 0
        self._seconds = seconds
        self._now = 0
        self._lock = threading.Lock()

    def __call__(self, values):
        with self._lock:
            self.batches.append(len(values))
            self._now += 1
            self.most = max(self.most, self._now)
        time.sleep(self._seconds)
        with self._lock:
            self._now -= 1
        return [value + 1 for value in values]


def test_results_are_in_the_order_of_the_items_whatever_takes_longest():
    def slow_first(values):
        time.sleep(0.02 if values[0] % 5 == 0 else 0.0)
        return [value * 10 for value in values]

    stages = [Stage(slow_first, "a"), Stage(Watched(), "a"), Stage(Watched(), "b")]
    assert run(range(30), stages, threads={"a": 4, "b": 2}, ahead=8, tick=quiet) == [i * 10 + 2 for i in range(30)]


def test_nothing_to_do_is_done():
    assert run([], [Stage(Watched(), "a")], threads={"a": 2}, ahead=2, tick=quiet) == []


def test_a_stage_gets_batches_and_the_threads_of_its_pool():
    """As a GPU draws: one thread, many at once, while a few pose before it and encode after it."""
    pose, draw, encode = Watched(), Watched(0.01), Watched(0.002)
    stages = [Stage(pose, "processor"), Stage(draw, "gpu", batch=8), Stage(encode, "processor")]
    threads = {"processor": 3, "gpu": 1}
    assert run(range(64), stages, threads=threads, ahead=20, tick=quiet) == [i + 3 for i in range(64)]
    assert set(pose.batches) == set(encode.batches) == {1}
    assert max(draw.batches) == 8
    assert sum(draw.batches) == 64
    assert len(draw.batches) < 24
    assert draw.most == 1
    assert encode.most > 1


@pytest.mark.parametrize("ahead", [1, 5])
def test_no_more_items_are_on_their_way_than_are_allowed(ahead):
    lock, on_their_way, most = threading.Lock(), 0, 0

    def begin(values):
        nonlocal on_their_way, most
        with lock:
            on_their_way += len(values)
            most = max(most, on_their_way)
        return values

    def end(values):
        nonlocal on_their_way
        time.sleep(0.003)
        with lock:
            on_their_way -= len(values)
        return values

    stages = [Stage(begin, "a"), Stage(lambda values: values, "a"), Stage(end, "b")]
    run(range(40), stages, threads={"a": 4, "b": 1}, ahead=ahead, tick=quiet)
    assert most == ahead


def test_the_first_error_ends_all_and_is_raised():
    done = Watched()

    def fail(values):
        if values[0] == 5:
            raise ValueError("the fifth")
        return values

    with pytest.raises(ValueError, match="the fifth"):
        run(range(10_000), [Stage(fail, "a"), Stage(done, "a")], threads={"a": 3}, ahead=4, tick=quiet)
    assert len(done.batches) < 20


def test_what_is_to_be_finished_is_waited_for_and_other_work_is_not():
    written = []
    writing, over = threading.Event(), threading.Event()

    def write(values):
        writing.set()
        time.sleep(0.2)
        written.extend(values)
        return values

    def draw(values):
        if values[0] > 0:
            over.wait()
        return values

    def tick(finished):
        if writing.is_set():
            raise KeyboardInterrupt

    try:
        with pytest.raises(KeyboardInterrupt):
            run(
                range(9),
                [Stage(draw, "a"), Stage(write, "b")],
                threads={"a": 2, "b": 1},
                ahead=4,
                finish=["b"],
                tick=tick,
            )
        assert written == [0]
    finally:
        over.set()


def test_the_caller_hears_of_what_is_finished_all_the_time():
    counts = []
    run(range(4), [Stage(Watched(0.3), "a")], threads={"a": 1}, ahead=1, tick=counts.append)
    assert counts[0] == 0
    assert counts == sorted(counts)
    assert all(counts.count(finished) > 2 for finished in range(4)), "also while nothing is finished"
