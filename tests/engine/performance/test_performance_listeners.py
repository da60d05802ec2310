"""Who is listened to, where a listener looks, and what else he does meanwhile."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from take_tools import make_take

from dgtalker_engine.performance import perform
from dgtalker_engine.performance.attention import attention
from dgtalker_engine.performance.backchannels import with_backchannels
from dgtalker_engine.performance.floor import Phrase, Turn, attended, phrases_of, turns
from dgtalker_engine.performance.lines import lengthened, silence

FPS = 25.0
NOBODY = np.zeros((0, 2))
EYES, HEAD, MOUTH = "eyeBlinkLeft", "headPitch", ("mouthSmileLeft", "mouthSmileRight", "mouthDimpleLeft")


def phrase(start: float, end: float, voice: int = 0, **more) -> Phrase:
    return Phrase(voice=voice, start=start, end=end, seed=(voice, round(10 * start)), **more)


def conversation(seconds: float = 600.0, **more) -> list[Phrase]:
    """Phrases of 2.4 s, three in each turn of two voices, with an accent in each."""
    found, time = [], 1.0
    while time < seconds - 4.0:
        voice = round(time / 9.0) % 2
        syllables = np.array([[time + 1.0, 1.1, 0.0], [time + 1.5, 0.2, 0.0]])
        found.append(phrase(time, time + 2.4, voice, syllables=syllables, **more))
        time += 3.0
    return found


def listening(heard: list[Phrase], reaction: float, seconds: float = 600.0, own: np.ndarray = NOBODY, seed: int = 3):
    """What somebody who says nothing plays, without and with what he hears."""
    base = perform(silence(round(seconds * FPS), FPS, 7))
    amount = np.full(base.frames, reaction)
    return base, with_backchannels(base, heard, own, amount, since=0.0, seed=seed)


def onsets(curve: np.ndarray) -> np.ndarray:
    """When something goes over a half, seconds."""
    return np.flatnonzero((curve[1:] > 0.5) & (curve[:-1] <= 0.5)) / FPS


def nods(base, played) -> np.ndarray:
    """When the head begins to go down, seconds; what follows within half a second is one nod."""
    moved = np.degrees(played.curve(HEAD) - base.curve(HEAD)) > 0.3
    starts = np.flatnonzero(moved[1:] & ~moved[:-1]) / FPS
    return starts[np.diff(starts, prepend=-9.0) > 0.5]


def test_of_several_voices_the_first_is_heard_and_of_two_together_the_louder():
    first, later = phrase(0.0, 3.0), phrase(1.0, 5.0, 1)
    assert [(each.voice, each.start, each.end) for each in attended([later, first], NOBODY)] == [(0, 0, 3), (1, 3, 5)]
    together = [phrase(0.0, 3.0), phrase(0.1, 3.0, 1, level=2.0)]
    assert [each.voice for each in attended(together, NOBODY)] == [1]


def test_who_speaks_does_not_listen():
    heard = attended([phrase(0.0, 6.0)], np.array([[2.0, 3.0]]))
    assert [(each.start, each.end) for each in heard] == [(0.0, pytest.approx(1.85)), (pytest.approx(3.1), 6.0)]
    assert attended([phrase(2.0, 4.0)], np.array([[1.5, 4.5]])) == []


def test_phrases_are_turns_until_somebody_else_speaks():
    heard = [phrase(0, 2), phrase(2.5, 4), phrase(4.5, 6, 1), phrase(6.5, 8), phrase(20, 22)]
    found = turns(heard, NOBODY)
    assert [(each.voice, each.start, each.end) for each in found] == [(0, 0, 4), (1, 4.5, 6), (0, 6.5, 8), (0, 20, 22)]
    assert len(turns(heard[:2], np.array([[2.1, 2.4]]))) == 2


def test_phrases_of_a_take_keep_what_is_drawn_for_them_wherever_it_lies():
    take = make_take(13.0)
    early, late = (phrases_of(take, 0, later, {"happy": np.ones(take.frames)}) for later in (0.0, 7.0))
    assert [each.seed for each in early] == [each.seed for each in late]
    assert len({each.seed for each in early}) == len(early) == 3
    assert late[0].start == pytest.approx(early[0].start + 7.0)
    assert late[0].syllables[0, 0] == pytest.approx(early[0].syllables[0, 0] + 7.0)
    assert early[0].styles == {"happy": 1.0}


def test_listeners_look_at_the_speaker_three_quarters_of_the_time():
    long = [Turn(voice=0, start=1.0, end=599.0, seed=(4,))]
    found = attention(long, NOBODY, np.full(15000, 0.5), since=0.0, fps=FPS, seed=1)
    aside = np.degrees(np.linalg.norm(found.aside, axis=1)) > 4.0
    assert np.mean(found.amount) > 0.99
    assert 0.68 < np.mean(~aside) < 0.82
    changes = np.flatnonzero(np.diff(aside.astype(int))) / FPS
    assert 0.8 < np.mean(np.diff(changes)[::2]) < 1.2, "glances aside last a second"
    assert 2.3 < np.mean(np.diff(changes)[1::2]) < 3.6
    lively = attention(long, NOBODY, np.ones(15000), since=0.0, fps=FPS, seed=1)
    assert np.mean(np.degrees(np.linalg.norm(lively.aside, axis=1)) > 4.0) < 0.8 * np.mean(aside)


def test_eyes_go_to_the_next_speaker_around_the_beginning_of_his_turn_and_not_always_alike():
    taken = [Turn(voice=i % 2, start=4.0 * i, end=4.0 * i + 3.6, seed=(i,)) for i in range(60)]
    found = attention(taken, NOBODY, np.full(6000, 0.5), since=0.0, fps=FPS, seed=1)
    shifts = np.flatnonzero(np.diff(found.voice)) / FPS
    late = np.array([shifts[np.abs(shifts - turn.start).argmin()] - turn.start for turn in taken[1:]])
    assert np.abs(late).max() < 0.45
    assert late.std() > 0.08
    assert 0.1 < np.mean(late < -0.05) < 0.5, "before it now and then"


def test_eyes_are_free_while_the_listener_speaks_and_when_it_is_over():
    own = np.array([[5.0, 8.0]])
    taken = [Turn(voice=0, start=1.0, end=4.5, seed=(1,)), Turn(voice=0, start=8.3, end=12.0, seed=(2,))]
    found = attention(taken, own, np.full(500, 0.5), since=0.0, fps=FPS, seed=1)
    at = found.amount[np.round(np.array([3.0, 5.0, 6.5, 7.9, 10.0, 15.0]) * FPS).astype(int)]
    assert at == pytest.approx([1, 0, 0, 0, 1, 0])


def test_listeners_nod_where_phrases_end_now_and_then_and_each_time_otherwise():
    heard = conversation()
    base, played = listening(heard, 0.5)
    found = nods(base, played)
    assert 5.0 < len(found) / 10.0 < 12.0, "a minute"
    ends = np.array([each.end for each in heard])
    assert np.mean(np.abs(found[:, None] - ends).min(axis=1) < 0.5) > 0.75
    gaps = np.diff(found)
    assert gaps.std() > 0.35 * gaps.mean(), "no metronome"
    depth = np.degrees(played.curve(HEAD) - base.curve(HEAD))
    depths = [depth[round(time * FPS) : round((time + 0.6) * FPS)].max() for time in found]
    assert 1.0 < min(depths) < 0.6 * max(depths) < 5.0
    more = nods(*listening(heard, 1.0))
    assert len(more) > 1.5 * len(found) > 1.5 * len(nods(*listening(heard, 0.2))) > 0


def test_blinks_follow_phrase_ends_and_do_not_run_into_others():
    heard = conversation()
    base, played = listening(heard, 0.5)
    usual, now = onsets(base.curve(EYES)), onsets(played.curve(EYES))
    assert 20 < len(now) / 10.0 < 30, "a minute, as in conversation"
    new = np.array([time for time in now if np.abs(usual - time).min() > 0.1])
    ends = np.array([each.end for each in heard])
    after = np.array([(time - ends)[np.abs(time - ends).argmin()] for time in new])
    assert np.all((after > 0.2) & (after < 0.65))
    assert np.diff(now).min() > 0.2


def test_brows_rise_after_strong_accents():
    base, played = listening(conversation(), 0.5)
    lifted = played.curve("browInnerUp") - base.curve("browInnerUp")
    assert lifted.max() > 0.15
    assert 1 < len(onsets(lifted * 6)) / 10.0 < 6


def test_a_hint_of_joy_is_mirrored_and_anger_is_not_and_the_mouth_stays_shut():
    smiles = {
        name: listening(conversation(60.0, styles={name: 1.0}), 0.5, 60.0)[1]
        for name in ("happy", "angry", "surprised")
    }
    assert 0.1 < smiles["happy"].curve("mouthSmileLeft").max() < 0.35
    assert smiles["angry"].curve("mouthSmileLeft").max() == 0.0
    assert smiles["angry"].curve("browDownLeft").max() < 0.1
    for played in smiles.values():
        assert played.curve("jawOpen").max() == 0.0


def test_lips_that_speak_stay_as_they_are():
    take = lengthened(make_take(9.0), 250, 250)
    base = perform(take)
    heard = attended(
        [phrase(1.0, 9.5, styles={"happy": 1.0}), phrase(19.5, 26.0, styles={"happy": 1.0})], take.utterances
    )
    played = with_backchannels(base, heard, take.utterances, np.ones(base.frames), since=0.0, seed=1)
    spoken = slice(round(take.utterances[0, 0] * FPS) - 5, round(take.utterances[-1, 1] * FPS) + 5)
    for name in base.names:
        if name.startswith(("mouth", "jaw")):
            assert np.array_equal(played.curve(name)[spoken], base.curve(name)[spoken])
    assert played.curve("mouthSmileLeft").max() > 0.2


def test_without_reaction_nothing_happens_and_with_a_seed_always_the_same():
    heard = conversation(60.0)
    base, played = listening(heard, 0.0, 60.0)
    assert np.array_equal(base.weights, played.weights)
    again = [listening(heard, 0.5, 60.0, seed=seed)[1].weights for seed in (3, 3, 4)]
    assert np.array_equal(again[0], again[1])
    assert not np.array_equal(again[0], again[2])


def test_a_phrase_that_is_moved_takes_its_reactions_along():
    heard = conversation(60.0)
    moved = [
        dataclasses.replace(
            each, start=each.start + 4, end=each.end + 4, syllables=each.syllables + np.array([4.0, 0, 0])
        )
        for each in heard
    ]
    both = []
    for each in (heard, moved):
        base, played = listening(each, 0.5, 70.0)
        both.append(played.curve(HEAD) - base.curve(HEAD))
    assert both[1][100:1600] == pytest.approx(both[0][:1500], abs=1e-5)


def test_a_take_that_is_lengthened_is_the_same_later():
    take = make_take(9.0)
    whole = lengthened(take, 50, 75)
    assert whole.frames == take.frames + 125
    assert whole.duration == pytest.approx(take.duration + 5.0)
    assert np.array_equal(whole.weights[50:-75], take.weights)
    assert whole.utterances == pytest.approx(take.utterances + 2.0)
    assert whole.pauses[0] == pytest.approx([0.0, 2.5])
    jaw = perform(whole).curve("jawOpen")
    assert jaw[60:250] == pytest.approx(perform(take).curve("jawOpen")[10:200], abs=1e-5)
    assert perform(silence(40, FPS, 1)).curve("jawOpen").max() == 0.0
