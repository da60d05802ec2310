from __future__ import annotations

import pytest


@pytest.fixture
def timing(room):
    return room("speech.timeline.timing")


@pytest.mark.parametrize(("fps", "base", "rate"), [(24, 1.0, 24.0), (30, 1.001, 29.97003), (25, 2.5, 10.0)])
def test_frames_and_seconds_are_each_others_inverse(timing, fps, base, rate):
    clock = timing.Clock(fps, base)
    assert clock.rate == pytest.approx(rate, abs=1e-5)
    assert clock.seconds(clock.rate * 60) == pytest.approx(60)
    assert clock.frames(clock.seconds(1234)) == pytest.approx(1234)


def test_an_hour_of_ntsc_has_no_drift(timing):
    clock = timing.Clock(30, 1.001)
    assert clock.samples(107892, 48000) == int(107892 * 1.001 / 30 * 48000)


def test_a_take_covers_all_that_is_heard_and_time_to_settle(timing):
    clock = timing.Clock(24, 1.0)
    spans = [timing.Span(100.0, 148.0), timing.Span(60.25, 70.0)]
    assert timing.whole_take(spans, clock) == (60 - 12, 148 + 12)


def test_a_take_starts_at_frame_0_at_the_earliest(timing):
    clock = timing.Clock(24, 1.0)
    heard = timing.Span(-48.0, 48.0).clipped(timing.EVER)
    assert timing.whole_take([heard], clock) == (0, 60)


def test_the_engines_times_become_frames_of_the_timeline(timing):
    text = timing.in_frames("No words in 0:00.5–0:02.0, 1:00.0; twelve at 10:30.", timing.Clock(24, 1.0), 100)
    assert text == "No words in frame 112–frame 148, frame 1540; twelve at 10:30."


def test_what_lies_outside_a_meta_strip_is_not_heard(timing):
    assert timing.Span(10, 20).clipped(timing.Span(30, 40)).empty
    assert timing.Span(10, 35).clipped(timing.Span(30, 40)) == timing.Span(30, 35)


def test_settings_reach_until_the_face_rests_or_half_way_to_the_next_sound(timing):
    clock = timing.Clock(20, 1.0)
    spans = [timing.Span(100.0, 200.0), timing.Span(150.0, 180.0), timing.Span(204.0, 260.0), timing.Span(240.0, 300.0)]
    assert timing.reaches(spans, clock) == [
        timing.Span(86.0, 202.0),
        timing.Span(150.0, 180.0),
        timing.Span(202.0, 260.0),
        timing.Span(240.0, 314.0),
    ]
