"""What the animator's settings promise: the face does what is asked, and lips close whatever it is."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from speech_tools import lip_gap, teeth_gap
from take_tools import make_take

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import STYLES, Direction, perform
from dgtalker_engine.performance.direction import DirectionBlend
from dgtalker_engine.performance.lips import contacts
from dgtalker_engine.rig import ARKIT_NAMES, HEAD_NAMES

MOUTH = [i for i, name in enumerate(ARKIT_NAMES) if name.startswith(("jaw", "mouth", "tongue"))]
BROWS = [i for i, name in enumerate(ARKIT_NAMES) if name.startswith("brow")]
HEAD = [len(ARKIT_NAMES) + i for i in range(len(HEAD_NAMES))]


@pytest.fixture(scope="module")
def take():
    return make_take(60.0)


def asked(take, **settings):
    """The take with one direction all over it."""
    return perform(take, [Direction(-0.5, take.duration + 0.5, **settings)])


def free_of_contacts(take):
    closure, bite = contacts(take, DirectionBlend([], take.frames, take.fps))
    return (closure < 1e-6) & (bite < 1e-6)


def at(take, times):
    return np.round(np.asarray(times) * take.fps).astype(int)


def blinks(performance):
    """Start and end of each blink in frames, (n, 2)."""
    shut = np.concatenate([[0], performance.curve("eyeBlinkLeft") > 0.35, [0]]).astype(int)
    return np.stack([np.flatnonzero(np.diff(shut) > 0), np.flatnonzero(np.diff(shut) < 0)], axis=1)


def test_defaults_change_nothing(take):
    np.testing.assert_array_equal(asked(take).weights, perform(take).weights)


@pytest.mark.parametrize("amount", [0.0, 0.5, 1.4])
def test_amounts_scale_what_they_name_and_nothing_else(take, amount):
    usual, free = perform(take).weights, free_of_contacts(take)
    jaw = asked(take, jaw=amount).curve("jawOpen")[free]
    np.testing.assert_allclose(jaw, amount * usual[free, ARKIT_NAMES.index("jawOpen")], atol=1e-5)
    lips = asked(take, lips=amount)
    np.testing.assert_allclose(
        lips.curve("mouthPucker")[free], amount * usual[free, ARKIT_NAMES.index("mouthPucker")], atol=1e-5
    )
    np.testing.assert_array_equal(lips.weights[:, BROWS + HEAD], usual[:, BROWS + HEAD])
    brows = asked(take, expression=amount).weights
    np.testing.assert_allclose(brows[:, BROWS], amount * usual[:, BROWS], atol=1e-5)
    np.testing.assert_array_equal(brows[:, MOUTH + HEAD], usual[:, MOUTH + HEAD])
    small = asked(take, head=0.5 * amount).weights[:, HEAD]
    np.testing.assert_allclose(small, amount * asked(take, head=0.5).weights[:, HEAD], atol=2e-3)


SETTINGS = {
    "as found": {},
    "mumbled": {"articulation": -1.0},
    "over-articulated": {"articulation": 1.0},
    "smooth": {"smoothing": 0.5},
    "held": {"hold": 0.3},
    "wide open": {"jaw": 2.0, "lips": 2.0, "articulation": 1.0},
    "a jaw alone": {"lips": 0.0, "jaw": 1.5},
    "everything": {"articulation": -0.6, "smoothing": 0.15, "hold": 0.2, "jaw": 1.3, "styles": {"happy": 0.6}},
    **{style: {"styles": {style: 1.0}} for style in STYLES},
    **{f"{style}, loud": {"styles": {style: 1.0}, "jaw": 1.6, "lips": 1.4} for style in STYLES},
}


@pytest.mark.parametrize("name", SETTINGS)
def test_lips_close_for_every_b_whatever_is_asked(take, name):
    gap = lip_gap(asked(take, **SETTINGS[name]))
    assert gap[at(take, take.closures.mean(axis=1))].max() < 0.02
    # And they part between.
    vowels = at(take, take.closures.mean(axis=1) + 0.15)
    assert np.median(gap[vowels]) > 0.03


@pytest.mark.parametrize("name", [name for name in SETTINGS if name != "a jaw alone"])
def test_the_lower_lip_meets_the_teeth_for_every_f_whatever_is_asked(take, name):
    performance = asked(take, **SETTINGS[name])
    middles = at(take, take.bites.mean(axis=1))
    assert performance.curve("mouthRollLower")[middles].min() > 0.3
    assert teeth_gap(performance)[middles].max() < 0.05
    # The upper lip shows the teeth.
    assert performance.curve("mouthUpperUpLeft")[middles].min() > 0.3


@pytest.mark.parametrize("fps", [12, 23.976, 60])
def test_lips_close_at_any_frame_rate(fps):
    take = make_take(20.0, fps)
    gap = lip_gap(asked(take, articulation=-1.0, smoothing=0.3))
    frame = at(take, take.closures.mean(axis=1))
    assert np.minimum(np.minimum(gap[frame - 1], gap[frame]), gap[frame + 1]).max() < 0.02


def test_offset_moves_the_mouth_with_its_closures_and_nothing_else(take):
    usual, late = perform(take), asked(take, offset=0.2)
    frames = slice(10, -10)
    jaw, later = usual.curve("jawOpen"), np.roll(late.curve("jawOpen"), -5)
    np.testing.assert_allclose(jaw[frames], later[frames], atol=0.01)
    assert lip_gap(late)[at(take, take.closures.mean(axis=1) + 0.2)].max() < 0.02
    np.testing.assert_array_equal(late.weights[:, BROWS + HEAD], usual.weights[:, BROWS + HEAD])


def test_articulation_orders_how_far_the_mouth_goes(take):
    reach = [np.percentile(asked(take, articulation=level).curve("jawOpen"), 98) for level in (-1, -0.5, 0, 0.5, 1)]
    assert np.all(np.diff(reach) > 0.02)


def test_smoothing_calms_and_hold_keeps_shapes(take):
    pucker = [perform(take).curve("mouthPucker"), asked(take, smoothing=0.3).curve("mouthPucker")]
    assert np.abs(np.diff(pucker[1])).max() < 0.6 * np.abs(np.diff(pucker[0])).max()
    held = asked(take, hold=0.15).curve("mouthPucker")
    assert held.max() > 0.93 * pucker[0].max()
    full = 0.9 * pucker[0].max()
    assert (held > full).sum() > 1.2 * (pucker[0] > full).sum()


def test_brows_rise_where_words_are_stressed(take):
    brows = perform(take).curve("browInnerUp")
    lift = np.flatnonzero((brows[1:-1] > 0.1) & (brows[1:-1] >= brows[:-2]) & (brows[1:-1] > brows[2:])) + 1
    stressed = take.syllables[take.syllables[:, 1] > 0.5, 0]
    away = np.abs(lift[:, None] / take.fps - stressed).min(axis=1)
    assert len(lift) >= 8
    assert np.mean(away < 0.35) > 0.9
    flat = dataclasses.replace(take, syllables=take.syllables * [1, 0, 1])
    assert perform(flat).curve("browInnerUp").max() < 0.05


def test_the_head_nods_where_words_are_stressed(take):
    pitch = np.degrees(perform(take).curve("headPitch"))
    stressed = take.syllables[take.syllables[:, 1] > 0.5, 0]
    stressed = stressed[stressed < take.duration - 2]
    down = pitch[at(take, stressed)] - pitch[at(take, stressed - 0.24)]
    assert down.mean() > 0.3
    assert np.mean(down > 0) > 0.6


@pytest.mark.parametrize("seed", range(6))
def test_head_and_eyes_stay_in_natural_ranges(seed):
    take = make_take(60.0, seed=seed)
    performance = perform(take)
    head = np.degrees(performance.weights[:, HEAD])
    assert np.all(head.std(axis=0) > 0.5)
    assert np.all(head.std(axis=0) < 5.0)
    assert np.all(np.abs(head) < [12, 10, 8])
    assert np.abs(np.diff(head, axis=0)).max() * take.fps < 60
    wild = np.degrees(asked(take, head=4.0, styles={"happy": 1.0}).weights[:, HEAD])
    assert np.all(np.abs(wild) < [15, 12, 10])
    for way in ("In", "Out", "Up", "Down"):
        assert performance.curve(f"eyeLook{way}Left").max() < 0.6


@pytest.mark.parametrize("fps", [23.976, 24, 25, 30, 60])
@pytest.mark.parametrize("style", ["neutral", "sad"])
def test_the_head_ends_at_rest_with_open_eyes(fps, style):
    performance = asked(make_take(12.3, fps), styles={style: 1.0})
    assert np.abs(performance.weights[[0, -1]][:, HEAD]).max() < 1e-6
    assert performance.curve("eyeBlinkLeft")[[0, -1]].max() < 0.2
    assert performance.curve("jawOpen")[-1] < 0.05


@pytest.mark.parametrize("seed", range(6))
def test_blinks_come_at_a_natural_rate_and_shut_the_eyes(seed):
    take = make_take(180.0, seed=seed)
    performance = perform(take)
    found = blinks(performance)
    assert 10 <= len(found) / 3 <= 25
    lengths = (found[:, 1] - found[:, 0]) / take.fps
    assert lengths.min() >= 0.08
    assert lengths.max() <= 0.3
    lids = performance.curve("eyeBlinkLeft")
    assert all(lids[start:end].max() > 0.95 for start, end in found)
    twice = len(blinks(asked(take, blinks=2.0)))
    assert 1.5 * len(found) < twice < 2.5 * len(found)
    assert len(blinks(asked(take, blinks=0.0))) == 0


@pytest.mark.parametrize("seed", range(6))
def test_no_blink_runs_over_a_cut(seed):
    take = make_take(60.0, seed=seed)
    cuts = np.arange(2.0, 58.0, 2.0)
    strips = [Direction(a, a + 2.0, seed=i % 3, blinks=3.0) for i, a in enumerate(cuts)]
    lids = perform(take, strips).curve("eyeBlinkLeft")
    assert lids.max() > 0.95
    before, after = at(take, cuts), at(take, cuts) + 1
    assert lids[[0, -1]].max() < 0.2
    assert max(lids[before].max(), lids[before - 1].max(), lids[after].max()) < 0.25


def test_seeds_repeat_and_differ_but_for_the_mouth(take):
    one, again, other = asked(take, seed=1), asked(take, seed=1), asked(take, seed=2)
    np.testing.assert_array_equal(one.weights, again.weights)
    assert np.abs(one.weights[:, HEAD] - other.weights[:, HEAD]).max() > np.radians(2)
    assert np.abs(one.curve("eyeBlinkLeft") - other.curve("eyeBlinkLeft")).max() > 0.9
    np.testing.assert_array_equal(one.curve("jawOpen"), other.curve("jawOpen"))


def test_another_seed_or_amount_in_one_strip_leaves_the_others(take):
    strips = [Direction(0, 20), Direction(20, 40, seed=7, blinks=2, jaw=0.5, styles={"sad": 1.0}), Direction(40, 60)]
    usual, changed = perform(take).weights, perform(take, strips).weights
    # A blink beside a cut moves away from it.
    lids = [i for i, name in enumerate(ARKIT_NAMES) if name.startswith(("eyeBlink", "browDown"))]
    rest = [i for i in range(usual.shape[1]) if i not in lids]
    outside = np.r_[0 : 19 * 25, 44 * 25 : 60 * 25]
    np.testing.assert_allclose(changed[outside][:, rest], usual[outside][:, rest], atol=1e-6)
    assert np.abs(changed[20 * 25 : 40 * 25] - usual[20 * 25 : 40 * 25]).max() > 0.3


def test_styles_are_seen_in_the_face(take):
    usual = perform(take)
    signs = {
        "happy": ("mouthSmileLeft", "cheekSquintLeft"),
        "sad": ("browInnerUp", "mouthFrownLeft"),
        "angry": ("browDownLeft", "noseSneerLeft"),
        "surprised": ("browOuterUpLeft", "eyeWideLeft"),
        "tired": ("eyeBlinkLeft", "mouthFrownLeft"),
    }
    assert set(signs) == set(STYLES) - {"neutral"}
    for style, names in signs.items():
        full, half = asked(take, styles={style: 1.0}), asked(take, styles={style: 0.5})
        for name in names:
            assert full.curve(name).mean() > half.curve(name).mean() + 0.05 > usual.curve(name).mean() + 0.1


def test_styles_fade_from_strip_to_strip(take):
    strips = [Direction(0, 30, styles={"happy": 1.0}), Direction(30, 60, styles={"sad": 1.0})]
    performance = perform(take, strips)
    smile, frown = performance.curve("cheekSquintLeft"), performance.curve("mouthFrownLeft")
    assert smile[100:740].min() > 0.2
    assert smile[770:].max() < 0.1
    assert frown[:740].max() < 0.05
    assert frown[770:1450].min() > 0.2
    around = performance.weights[28 * 25 : 32 * 25]
    slow = [i for i, name in enumerate(ARKIT_NAMES) if name.startswith(("cheek", "brow", "nose"))]
    assert np.abs(np.diff(around[:, slow], axis=0)).max() < 0.25


def test_styles_can_be_curves_over_time(take):
    curve = np.linspace(0, 1, take.frames, dtype="f4")
    smile = perform(take, [Direction(0, 60, styles={"happy": 0.2})], {"happy": curve}).curve("cheekSquintLeft")
    pause = at(take, take.pauses.mean(axis=1))
    assert np.all(np.diff(smile[pause]) > 0)
    assert smile[pause][0] < 0.05


def test_styles_over_one_share_the_face(take):
    both = asked(take, styles={"happy": 1.0, "sad": 1.0}).weights
    np.testing.assert_allclose(both, asked(take, styles={"happy": 0.5, "sad": 0.5}).weights, atol=1e-6)
    calm = asked(take, styles={"neutral": 1.0, "happy": 1.0}).weights
    np.testing.assert_allclose(calm, asked(take, styles={"happy": 0.5}).weights, atol=1e-6)


def test_many_strips_with_seeds_of_their_own_blink_and_nod_as_one_does():
    take = make_take(600.0)
    strips = [Direction(6.0 * i, 6.0 * i + 5.5, seed=i + 1, styles={"happy": 0.5}) for i in range(100)]
    performance = perform(take, strips)
    assert 10 <= len(blinks(performance)) / 10 <= 25
    assert np.all(np.degrees(performance.weights[:, HEAD]).std(axis=0) > 0.5)


@pytest.mark.parametrize("seconds", [0.0, 0.01, 0.1, 0.5, 1.0])
def test_the_shortest_takes(seconds):
    take = make_take(seconds)
    performance = asked(take, styles={"angry": 1.0}, smoothing=0.5, hold=0.3, articulation=-1.0, seed=4)
    assert performance.frames == take.frames


@pytest.mark.parametrize("strips", [[Direction(70, 80, jaw=0)], [Direction(-9, -3, jaw=0)]])
def test_strips_outside_of_the_take_change_nothing(take, strips):
    np.testing.assert_array_equal(perform(take, strips).weights, perform(take).weights)


def test_overlapping_strips_meet_in_the_middle(take):
    free = free_of_contacts(take)
    both = perform(take, [Direction(-1, 61, jaw=0.4), Direction(-1, 61, jaw=1.0)]).curve("jawOpen")
    np.testing.assert_allclose(both[free], asked(take, jaw=0.7).curve("jawOpen")[free], atol=1e-5)


@pytest.mark.parametrize(
    "settings",
    [
        {"end": -1.0},
        {"end": np.nan},
        {"lips": -0.1},
        {"lips": np.inf},
        {"articulation": 1.5},
        {"smoothing": 0.6},
        {"hold": -0.1},
        {"offset": 2.0},
        {"seed": -1},
        {"styles": {"happy": -1.0}},
        {"styles": {"happy": np.nan}},
    ],
)
def test_impossible_directions_are_refused(settings):
    with pytest.raises(DGTalkerError):
        Direction(**{"start": 0.0, "end": 1.0, **settings})


def test_unknown_styles_and_wrong_curves_are_told(take):
    with pytest.raises(DGTalkerError, match="grumpy") as caught:
        asked(take, styles={"grumpy": 1.0})
    assert "happy" in caught.value.hint
    with pytest.raises(DGTalkerError, match="1500 frames"):
        perform(take, [], {"happy": np.zeros(3, "f4")})
