"""The three-way merge of a curve, against a slow and readable one, over random lives of curves."""

from __future__ import annotations

import numpy as np
import pytest

REACH = 3


@pytest.fixture
def merge(room):
    return room("speech.keys.merge")


class Life:
    """A curve in Blender, as a dictionary of keys: generated, edited by hand, generated anew."""

    def __init__(self, merge, own=0.0):
        self.merge, self.own_value = merge, own
        self.keys: dict[float, tuple[float, bool]] = {}
        self.curve = merge.EMPTY

    def current(self):
        times = np.array(sorted(self.keys), float)
        return self.merge.Keys(
            times,
            np.array([self.keys[time][0] for time in times], float),
            np.array([self.keys[time][1] for time in times], bool),
        )

    def generate(self, first, values):
        """What Animate does: notices edits, merges, writes."""
        merge, keys = self.merge, self.current()
        curve = merge.detected(self.curve, keys, REACH)
        spans = [(first, first + len(values) - 1)] if len(values) else []
        spans += [(curve.start, curve.end)] if len(curve.base) else []
        low = min(span[0] for span in spans) - REACH - 1
        count = max(span[1] for span in spans) + REACH + 2 - low
        new, own = np.full(count, np.nan, np.float32), np.full(count, self.own_value, np.float32)
        new[first - low : first - low + len(values)] = values
        done = merge.merged(curve, keys, low, new, own, REACH)
        wanted = slow(merge, curve, self.keys, low, new, own)
        assert dict(zip(done.frames.tolist(), done.values.tolist(), strict=True)) == pytest.approx(wanted[0], abs=1e-6)
        assert {keys.times[i] for i in np.flatnonzero(done.removed)} == wanted[1]
        for time in keys.times[done.removed]:
            del self.keys[time]
        for frame, value in zip(done.frames.tolist(), done.values.tolist(), strict=True):
            self.keys[frame] = (value, True)
        self.curve = done.curve

    def value(self, frame):
        return self.keys[frame][0]


def slow(merge, curve, present, low, new, own):
    """What is written and what is removed, frame by frame."""
    frames = range(low, low + len(new))
    base = {curve.start + i: value for i, value in enumerate(curve.base.tolist()) if not np.isnan(value)}
    wanted = {frame: float(value) for frame, value in zip(frames, new, strict=True) if not np.isnan(value)}
    mine = {frame: float(value) for frame, value in zip(frames, own, strict=True)}
    kept = [
        each
        for each in curve.kept
        if each.kind != "OWN"
        and (
            any(each.start - 1 < time < each.end + 1 for time in present)
            or any(each.start <= f <= each.end for f in wanted)
        )
    ]
    held = {frame for each in kept for frame in range(each.start, each.end + 1)}
    beside = {f for time in present for f in (int(np.floor(time)), int(np.ceil(time)))}
    foreign = {frame for frame in beside if frame in mine and frame not in base}
    stretches, stretch = [], []
    for frame in frames:
        if frame in wanted and frame not in base and frame not in held:
            stretch.append(frame)
        elif stretch:
            stretches.append(stretch)
            stretch = []
    for each in [*stretches, stretch]:
        touched = [frame for frame in each if frame in foreign]
        if touched:
            kept.append(merge.Kept(min(touched), max(touched), "OWN"))
            held |= set(range(min(touched), max(touched) + 1))
    # first those that are remembered, then hers from before, as they were found
    written = dict(wanted)
    for each in kept:
        for edge, step, seen in ((each.start, -1, each.before), (each.end, 1, each.after)):
            for i in range(REACH + 1):
                frame = edge + step * (i + 1)
                if frame not in mine or (each.kind == "OWN" and frame not in written):
                    if frame not in mine:
                        break
                    continue
                share = 1.0 - i / REACH
                weight = share * share * (3 - 2 * share)
                value = mine[frame] if each.kind == "OWN" else seen[i] if i < len(seen) else 0.0
                if each.kind != "OWN" and i >= len(seen):
                    weight = 0.0
                below = written.get(frame, mine[frame])
                written[frame] = below + weight * (value - below)
    written = {frame: value for frame, value in written.items() if frame not in held | foreign}
    removed = {
        time
        for time in present
        if time == round(time) and time in mine and ((time in base and time not in held) or time in written)
    }
    return written, removed


def speech(random, frames):
    return np.round(random.random(frames), 3).astype(np.float32)


def test_a_hand_key_stays_and_what_is_further_away_is_made_anew(merge):
    life, random = Life(merge), np.random.default_rng(1)
    first, second = speech(random, 100), speech(random, 100)
    life.generate(10, first)
    life.keys[32] = (0.6, True)
    life.generate(10, second)
    assert life.value(32) == 0.6
    for frame in range(10, 110):
        if abs(frame - 32) > REACH:
            assert life.value(frame) == second[frame - 10]
    # no step that she did not make: beside her key stands what stood there when she made it
    assert (life.value(31), life.value(33)) == pytest.approx((first[21], first[23]))
    life.generate(10, first)
    assert [life.value(frame) for frame in range(10, 110) if frame != 32] == pytest.approx(
        [first[frame - 10] for frame in range(10, 110) if frame != 32]
    )


def test_deleted_moved_and_retyped_keys_are_edits(merge):
    life = Life(merge)
    life.generate(0, np.zeros(60, np.float32))
    for frame in range(10, 15):
        del life.keys[frame]
    life.keys[30.5] = life.keys.pop(30)
    life.keys[40] = (0.0, False)
    found = merge.detected(life.curve, life.current(), REACH).kept
    assert [(each.start, each.end) for each in found] == [(10, 14), (30, 31), (40, 40)]
    life.generate(0, np.ones(60, np.float32))
    assert not any(10 <= time < 15 for time in life.keys)
    assert life.keys[30.5] == (0.0, True)
    assert 30 not in life.keys
    assert life.keys[40] == (0.0, False)


def test_an_edit_outside_of_the_new_range_stays_between_rest(merge):
    life = Life(merge, own=0.25)
    life.generate(0, np.full(60, 0.5, np.float32))
    life.keys[20] = (0.9, True)
    life.generate(200, np.full(30, 0.5, np.float32))
    assert life.value(20) == 0.9
    assert life.value(20 - REACH - 1) == life.value(20 + REACH + 1) == 0.25
    assert not any(30 < time < 190 for time in life.keys)
    assert life.value(215) == 0.5


def test_keys_from_before_hold_from_the_first_to_the_last(merge):
    life = Life(merge)
    life.keys = {5.0: (0.1, False), 20.0: (0.7, False), 30.0: (0.2, False), 300.0: (0.4, False)}
    life.generate(10, np.ones(50, np.float32))
    assert sorted(time for time in life.keys if 15 < time < 35) == [16, 17, 18, 19, 20, 30, 31, 32, 33, 34]
    assert (life.keys[5.0], life.keys[20.0], life.keys[300.0]) == ((0.1, False), (0.7, False), (0.4, False))
    assert [(each.start, each.end, each.kind) for each in life.curve.kept] == [(20, 30, "OWN")]


def test_a_lock_keeps_what_was_generated_and_edits_within_are_found_when_it_goes(merge):
    from dataclasses import replace

    life, random = Life(merge), np.random.default_rng(2)
    first, second = speech(random, 60), speech(random, 60)
    life.generate(0, first)
    life.curve = merge.locked(life.curve, 20, 29, REACH)
    life.generate(0, second)
    assert [life.value(frame) for frame in range(20, 30)] == pytest.approx(first[20:30])
    life.keys[25] = (0.123, True)
    life.generate(0, second)
    assert life.curve.kept[0].kind == "LOCKED"
    life.curve = replace(life.curve, kept=())
    life.generate(0, second)
    assert life.value(25) == 0.123
    assert life.value(21) == second[21]


@pytest.mark.parametrize("seed", range(25))
def test_random_lives_are_as_the_slow_merge_says_and_lose_no_edit(merge, seed):
    random = np.random.default_rng(seed)
    life = Life(merge, own=float(np.round(random.random(), 2)))
    for _ in range(random.integers(0, 3)):
        life.keys[float(random.integers(-20, 120))] = (0.5, False)
    hers = dict(life.keys)
    for _ in range(6):
        first, count = int(random.integers(-10, 40)), int(random.integers(1, 90))
        values = speech(random, count)
        life.generate(first, values)
        assert {time: life.keys[time] for time in hers} == hers
        once = dict(life.keys)
        life.generate(first, values)
        assert life.keys == once, "the same again changes nothing"
        for _ in range(random.integers(0, 4)):
            times = list(life.keys)
            time = times[random.integers(len(times))]
            deed = random.integers(3)
            if deed == 0:
                life.keys[time] = hers[time] = (2.0 + float(random.random()), True)
            elif deed == 1 and time not in hers:
                del life.keys[time]
            elif deed == 2 and first <= time < first + count - 1:
                life.keys[np.floor(time) + 0.5] = hers[np.floor(time) + 0.5] = (3.0, False)


def test_a_ledger_survives_as_text_and_says_where_it_is_damaged(room, merge):
    ledger = room("speech.keys.ledger")
    life, random = Life(merge), np.random.default_rng(3)
    life.generate(-5, 3 * speech(random, 70) - 1)
    life.keys[20] = (0.9, True)
    life.generate(60, speech(random, 40))
    covered = ((1.0, 2.5, 3.0),)
    curves = {
        ('key_blocks["jaw\\"Open"].value', 0): life.curve,
        ("turn", 2): merge.Curve(0, *np.ones((2, 4), "f4"), (), covered),
    }
    text = ledger.to_text(ledger.Ledger(60, 99, REACH, curves))
    back = ledger.from_text(text)
    assert (back.first, back.last, back.reach) == (60, 99, REACH)
    for path, curve in curves.items():
        again = back.curves[path]
        assert (again.start, again.kept, again.covered) == (curve.start, curve.kept, curve.covered)
        assert np.allclose(again.base, curve.base, atol=ledger.STEP, equal_nan=True)
        assert np.array_equal(again.own, curve.own)
    assert ledger.from_text("") == ledger.Ledger()
    for damaged in (text[:-8], "no ledger", "eJw="):
        with pytest.raises(room("speech.animation").DGTalkerError, match="cannot be read"):
            ledger.from_text(damaged)


def test_ledgers_of_the_version_before_are_read_and_those_of_later_ones_refused(room, merge):
    ledger = room("speech.keys.ledger")
    life, random = Life(merge), np.random.default_rng(5)
    life.generate(3, speech(random, 40))
    curves = {("jaw", 0): life.curve, ("turn", 2): merge.Curve(7, *np.full((2, 5), 0.25, "f4"))}
    lines = ledger.to_text(ledger.Ledger(3, 42, REACH, curves)).split("\n")
    assert len(lines) == 1 + len(curves)
    rows, bodies = zip(*map(ledger._unpacked, lines[1:]), strict=True)
    counts = [row[3] * (2 if row[6] is None else 1) for row in rows]
    parts = list(zip(bodies, counts, strict=True))
    planes = [np.frombuffer(body[: 4 * count], np.uint8).reshape(4, count) for body, count in parts]
    values = [np.cumsum(plane.T.copy().view("<i4").ravel()) for plane in planes]
    together = np.diff(np.concatenate(values), prepend=0).astype("<i4").view(np.uint8).reshape(-1, 4).T.tobytes()
    bits = [np.unpackbits(np.frombuffer(body[4 * n :], np.uint8), count=n) for body, n in parts]
    together += np.packbits(np.concatenate(bits)).tobytes()
    before = ledger.from_text(ledger._packed({"version": 1, "range": [3, 42, REACH], "curves": rows}, together))
    now = ledger.from_text("\n".join(lines))
    assert (before.first, before.last, before.reach) == (now.first, now.last, now.reach) == (3, 42, REACH)
    for path in curves:
        assert np.array_equal(before.curves[path].base, now.curves[path].base, equal_nan=True)
        assert np.array_equal(before.curves[path].own, now.curves[path].own)
        assert before.curves[path].kept == now.curves[path].kept
    for damaged in ("\n".join([*lines[:-1], lines[-1][:-8]]), ledger._packed({"version": 3, "range": [0, 1, 2]})):
        with pytest.raises(room("speech.animation").DGTalkerError, match="cannot be read"):
            ledger.from_text(damaged)


def test_a_curve_is_remembered_as_it_will_be_read(room, merge):
    """What is written now and what a file that is opened holds are the same bits."""
    ledger = room("speech.keys.ledger")
    life, random = Life(merge), np.random.default_rng(6)
    life.generate(-4, speech(random, 60))
    life.keys[10] = (0.9, True)
    life.generate(-4, speech(random, 60))
    text = ledger.to_text(ledger.Ledger(-4, 55, REACH, {("jaw", 0): life.curve}))
    kept = ledger.from_text(text).curves["jaw", 0]
    assert ledger.to_text(ledger.Ledger(-4, 55, REACH, {("jaw", 0): kept})) == text
    ledger.from_text.cache_clear()
    ledger._read_before.clear()
    read = ledger.from_text(text).curves["jaw", 0]
    assert read is not kept
    assert np.array_equal(read.base, kept.base, equal_nan=True)
    assert np.array_equal(read.own, kept.own)
    assert (read.start, read.kept, read.covered) == (kept.start, kept.kept, kept.covered)
