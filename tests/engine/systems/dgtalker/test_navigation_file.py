"""What of a navigated person goes into their file: blendshapes as latents, encoders, and names of controls."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made_clips import painted
from navigation_tools import BROW, JAW, MODEL, TINY, expressions, somebody, sound

from dgtalker_engine import avatar as avatars
from dgtalker_engine import speech, systems
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import Direction, Take, perform
from dgtalker_engine.rig import ARKIT_NAMES
from dgtalker_engine.speech.hearing.moments import OWN, RATE, sound_of
from dgtalker_engine.speech.hearing.speaking import NAMES
from dgtalker_engine.systems.dgtalker.export import trained_head
from dgtalker_engine.systems.dgtalker.navigation.controls import own_controls
from dgtalker_engine.systems.dgtalker.navigation.drive import latent_drive
from dgtalker_engine.systems.dgtalker.navigation.encoders import windows
from dgtalker_engine.systems.dgtalker.navigation.halves import Steps, halves
from dgtalker_engine.systems.dgtalker.navigation.manner import Manner
from dgtalker_engine.systems.dgtalker.navigation.naming import Movement, movement, names
from dgtalker_engine.systems.dgtalker.navigation.navigate import Moved, Navigation
from dgtalker_engine.systems.dgtalker.person import OwnSteps, Person
from dgtalker_engine.systems.dgtalker.train import Trained
from dgtalker_engine.training.face_rig import face_rig
from dgtalker_engine.training.latent_pose import LatentPose

SAMPLE = Path(__file__).resolve().parents[3] / "demo" / "sample.wav"
SHOWN = torch.from_numpy(expressions(np.arange(40) / 25))
WIDTH = sound_of(OWN).width


@pytest.fixture(scope="module")
def person():
    return somebody()


@pytest.fixture
def navigation(person):
    """One that was led anywhere."""
    torch.manual_seed(2)
    made = Navigation(TINY, person.generator, SHOWN, WIDTH)
    with torch.no_grad():
        made.blendshapes.learned.normal_(std=3e-3)
    alpha = made.blendshapes.tracked(SHOWN).split(made.blendshapes.sizes, dim=1)
    least = [torch.zeros(size) for size in made.blendshapes.sizes]
    made.encoders.set_scale(windows(sound(1.6, WIDTH), np.arange(40) / 25), alpha, least)
    for parameter in made.encoders.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    return made.eval()


def test_a_head_carries_its_encoders_and_speech_asks_them(navigation):
    head, made = avatars.builtin("robin"), Manner.of(navigation)
    assert systems.manner_part(avatars.pack(avatars.load(head))) == b""
    data = avatars.pack(avatars.load(head), made.extras())
    back = systems.manner_of(systems.manner_part(data))
    assert isinstance(back, Manner)
    heard = sound(1.6, WIDTH)
    assert back.curves(heard) == pytest.approx(made.curves(heard), abs=0.02)
    samples, rate = speech.read_audio(SAMPLE)
    take = speech.animate(samples[: 2 * rate], rate, fps=30, manner=back).take
    assert take.names == NAMES
    assert take.weights[:, NAMES.index("jawOpen")].std() > 0.01


def test_lips_by_sound_and_expression_by_hand_or_the_reverse(navigation):
    """The settings of a strip scale the two apart: what is at 0 is left to keys by hand."""
    curves = Manner.of(navigation).curves(sound(2.0, WIDTH))[:: RATE // 25]
    assert curves[:, [NAMES.index("jawOpen"), NAMES.index("browInnerUp")]].std(axis=0).min() > 0.005
    nothing = np.zeros((0, 2))
    take = Take(
        fps=25.0, duration=2.0, names=NAMES, weights=curves, phones=(), utterances=nothing, pauses=nothing,
        syllables=np.zeros((0, 3)), closures=nothing, bites=nothing, seed=0,
    )  # fmt: skip
    still = {"blinks": 0.0, "gaze": 0.0, "head": 0.0}
    lips, brows = (
        perform(take, [Direction(0.0, 2.0, **still, **amounts)])
        for amounts in ({"expression": 0.0}, {"lips": 0.0, "jaw": 0.0})
    )
    for performance, moved, still_name in ((lips, "jawOpen", "browInnerUp"), (brows, "browInnerUp", "jawOpen")):
        of = {name: performance.weights[10:-10, performance.names.index(name)] for name in (moved, still_name)}
        assert of[moved].std() > 0.004
        assert of[still_name].max() < 1e-3


def test_curves_are_what_the_encoders_alpha_say(navigation, person):
    heard = sound(1.6, WIDTH)
    curves = Manner.of(navigation).curves(heard)
    rows = windows(heard, np.array([0.5]))
    with torch.no_grad():
        alpha = navigation.alpha(rows, torch.zeros(1, 1), rows)
        shown = navigation.blendshapes.expression(alpha)[0].clamp(0, 1)
    assert curves[25] == pytest.approx([float(shown[ARKIT_NAMES.index(name)]) for name in NAMES], abs=1e-3)


def test_sound_leaves_blinks_and_looks_to_others():
    assert not any(name.startswith(("eyeBlink", "eyeLook")) for name in NAMES)
    assert {"jawOpen", "browInnerUp", "cheekSquintLeft"} <= set(NAMES)


def test_a_long_sound_is_heard_piece_by_piece_as_in_one(navigation, monkeypatch):
    made, heard = Manner.of(navigation), sound(3.0, WIDTH)
    whole = made.curves(heard)
    monkeypatch.setattr("dgtalker_engine.systems.dgtalker.navigation.manner.PIECE", 40)
    assert made.curves(heard) == pytest.approx(whole, abs=1e-5)


@pytest.mark.parametrize("spoil", ["encoders.heard_mean", "lips", "about"])
def test_damaged_encoders_are_refused(navigation, spoil):
    tensors = Manner.of(navigation).tensors()
    del tensors[f"navigation.{spoil}"]
    with pytest.raises(DGTalkerError, match="cannot be read"):
        Manner.from_tensors(tensors)


@pytest.mark.parametrize("shape", [(7,), (7, 51)])
def test_encoders_of_other_curves_are_refused(navigation, shape):
    tensors = Manner.of(navigation).tensors()
    with pytest.raises(DGTalkerError, match="cannot be read"):
        Manner.from_tensors(tensors | {"navigation.expression": torch.zeros(shape)})


def test_what_nobody_knows_is_no_manner():
    with pytest.raises(DGTalkerError, match="cannot be read"):
        systems.manner_of(b"\x02\0\0\0\0\0\0\0{}")


def test_a_files_latents_are_what_blendshapes_add(navigation, person):
    latents, steps = latent_drive(person, navigation, SHOWN)
    z = SHOWN @ torch.from_numpy(latents.linear)
    with torch.no_grad():
        wanted = torch.stack(navigation.blendshapes.added(navigation.blendshapes.tracked(SHOWN)))
    got = torch.stack([torch.einsum("tk,klw->tlw", z, half) for half in steps[:2]])
    assert (got - wanted).square().sum() < 0.02 * wanted.square().sum()
    assert float(z.square().mean(dim=0).max()) == pytest.approx(1, abs=0.05)
    assert not latents.offset.any()


def test_sliders_and_the_training_move_the_same_head(navigation, person):
    head = trained_head(Trained(person, navigation, SHOWN))
    still = torch.zeros(len(MODEL.joint_names), 3)
    with torch.no_grad():
        rest, moved = (head.pose(SHOWN[i] * on, still) for i, on in ((5, 0.0), (5, 1.0)))
        wanted = navigation.tracked(person, SHOWN[5:6]).cloud(0)
        nothing = torch.zeros_like(person.canonical)
        plain = navigation.heads(person, SHOWN[5:6], Steps(nothing, nothing, nothing)).cloud(0)
    added = (wanted.sh - plain.sh).norm()
    assert added > 1e-3
    assert (moved.sh - wanted.sh).norm() < 0.3 * added
    assert (rest.sh - plain.sh).norm() > 1e-3
    assert set(head.extras) == set(Manner.of(navigation).extras())


def tuned() -> Person:
    """With steps of their own, which say expressions, too, and stay within three standard deviations."""
    one = somebody()
    joints = 0.1 * torch.randn(len(SHOWN), 3 * len(MODEL.joint_names), generator=torch.Generator().manual_seed(3))
    motion = torch.cat([SHOWN, joints], dim=1)
    own = OwnSteps(LatentPose(motion, 4, turns=None, mlp=False, bound=3.0), *one.canonical.shape[1:])
    torch.nn.init.normal_(own.blendshapes, std=0.05)
    return Person(one.generator, one.canonical, own)


STILL = torch.zeros(len(MODEL.joint_names), 3)


@pytest.mark.parametrize("disentangled", [True, False])
@pytest.mark.parametrize(("far", "within"), [(1.0, 0.04), (2.5, 0.2)])
def test_what_a_person_was_tuned_with_goes_into_the_same_latents(person, disentangled, far, within):
    """Beside the steps of blendshapes, at joints as they rest; far from what frames showed they end as in training."""
    one = tuned()
    made = Navigation(replace(TINY, disentangled=disentangled), person.generator, SHOWN, 0).eval()
    torch.nn.init.normal_(made.blendshapes.learned, std=1e-3)
    head = trained_head(Trained(one, made, SHOWN))
    mean = SHOWN.mean(dim=0)
    with torch.no_grad():
        for i in (3, 17, 30):
            expression = mean + far * (SHOWN[i] - mean)
            z = torch.from_numpy(head.latents.offset) + expression @ torch.from_numpy(head.latents.linear)
            latents = head.latents.bound * torch.tanh(z / head.latents.bound)
            wanted = made.tracked(one, expression[None], Moved(STILL)).cloud(0)
            got = head.pose_with(expression, STILL, latents)
            before = made.tracked(person, expression[None]).cloud(0)
            for name in ("means", "sh"):
                apart, own = (getattr(a, name) - getattr(wanted, name) for a in (got, before))
                assert apart.norm() < within * own.norm(), (i, name)


@pytest.mark.parametrize("disentangled", [True, False])
def test_the_face_model_takes_what_a_person_was_tuned_with_once(person, disentangled):
    """At the usual upper face, what lips do is what the person did when they were tuned."""
    one, made = tuned(), Navigation(replace(TINY, disentangled=disentangled), person.generator, SHOWN, 0)
    made.blendshapes.learned.data.mul_(1e-6)
    expression = halves(SHOWN[7:8], SHOWN.mean(dim=0))[1]
    joints = torch.rand_like(STILL) * 0.1
    turn = torch.zeros(3)
    with torch.no_grad():
        got = made.tracked(one, expression, Moved(joints, turn)).means[0]
        wanted = one.heads(one.latents(expression, one.own(expression[0], joints, turn))).means[0]
        without = made.tracked(person, expression).means[0]
    below = made.share[:, 0] == 0 if disentangled else slice(None)
    assert torch.allclose(got[below], wanted[below], atol=1e-5)
    assert (got - without)[below].abs().max() > 1e-4


def test_each_half_is_moved_by_its_own_frame(person):
    """Joints and turn of the frame whose brows a head has are the upper half's, those of the other the lower's."""
    one, made = tuned(), Navigation(TINY, person.generator, SHOWN, 0)
    first, second = (Moved(sign * torch.ones_like(STILL), torch.zeros(3)) for sign in (-0.3, 0.3))
    alpha = made.blendshapes.tracked(SHOWN[7:8])
    with torch.no_grad():
        both, upper, lower = (made.spoken(one, alpha, *each).sh[0] for each in ((first, second), (first,), (second,)))
    above, below = made.share[:, 0] == 1, made.share[:, 0] == 0
    assert torch.allclose(both[above], upper[above], atol=1e-6)
    assert torch.allclose(both[below], lower[below], atol=1e-6)
    assert not torch.allclose(upper[below], lower[below], atol=1e-4)


def test_what_learned_nothing_has_no_latents(person):
    made = Navigation(TINY, person.generator, SHOWN, 0)
    with torch.no_grad():
        made.blendshapes.learned.mul_(1e-9)
    assert latent_drive(person, made, SHOWN) is None
    assert trained_head(Trained(person, made, SHOWN)).extras == {}


def test_a_persons_own_sliders_are_their_strongest_blendshapes_by_name(navigation, person):
    asked = []
    controls = own_controls(person, navigation, SHOWN, lambda: asked.append(None))
    assert len(asked) == len(controls)
    assert "browsUp" in controls
    assert any(name.startswith(("lowerLip", "chin")) for name in controls)
    rig = face_rig(MODEL, np.zeros(len(MODEL.identity), np.float32)).with_own(controls)
    slider = rig.rig.controls[-len(controls)]
    # the brows of these frames rise and never sink
    assert (slider.group, slider.minimum, slider.maximum) == ("latent", 0, 1)
    half = rig.expression(rig.rig.weights({"browsUp": 0.5, "jawOpen": 0.25}))
    assert half[BROW] == pytest.approx(0.5 * controls["browsUp"].end[BROW])
    assert half[JAW] == pytest.approx(0.25)
    assert controls["browsUp"].end[BROW] == pytest.approx(float(SHOWN[:, BROW].quantile(0.99)), rel=0.05)


def test_an_own_slider_goes_below_rest_as_far_as_frames_did(person):
    shown = SHOWN.clone()
    shown[:, BROW] = 0.6 * torch.linspace(-1, 0.5, len(shown))
    made = Navigation(TINY, person.generator, shown, 0)
    (found,) = (each for each in own_controls(person, made, shown, lambda: None).values() if each.end[BROW])
    assert found.end[BROW] == pytest.approx(-0.6, abs=0.02)
    assert found.minimum == pytest.approx(-0.5, abs=0.02)


def test_without_blendshapes_there_are_no_sliders(person):
    made = Navigation(replace(TINY, blendshapes=False), person.generator, SHOWN, WIDTH)
    assert own_controls(person, made, SHOWN, lambda: None) == {}
    assert trained_head(Trained(person, made, SHOWN)).latents is None


def shown(**weights: float):
    expression = torch.zeros(len(ARKIT_NAMES))
    for name, weight in weights.items():
        expression[ARKIT_NAMES.index(name)] = weight
    return painted(MODEL, MODEL.vertices(expression[:0], expression))


@pytest.mark.parametrize(
    ("weights", "name"),
    [
        ({"browInnerUp": 1.0, "browOuterUpLeft": 1.0, "browOuterUpRight": 1.0}, "browsUp"),
        ({"browOuterUpLeft": 1.0}, "browLeftUp"),
        ({"mouthSmileRight": 1.0}, "mouthCornerRightUp"),
        ({"mouthStretchLeft": 1.0, "mouthStretchRight": 1.0}, "mouthCornersOut"),
        ({"jawOpen": 1.0}, "lowerLipDown"),
        ({"eyeBlinkLeft": 1.0, "eyeBlinkRight": 1.0}, "upperLidsDown"),
        ({"jawLeft": 1.0}, "chinLeft"),
    ],
)
def test_a_control_is_named_by_its_strongest_region_and_direction(weights, name):
    assert movement(shown(), shown(**weights), MODEL, torch.zeros(0)).name == name


def test_what_changes_looks_alone_is_named_by_where():
    rest = shown()
    brow = rest.means[:, 2] > MODEL.landmarks(MODEL.neutral)[105, 2] - 0.005
    dark = replace(rest, sh=rest.sh - 0.5 * brow[:, None, None])
    assert movement(rest, dark, MODEL, torch.zeros(0)).name == "browsLooks"


def test_no_two_controls_have_the_same_name():
    several = [Movement("brows", "up"), Movement("brows", "up"), Movement("chin", "down")]
    assert names(several, ["chinDown"]) == ["browsUp", "browsUp2", "chinDown2"]
