"""The tables of whole expressions."""

from __future__ import annotations

from dgtalker_engine.performance.expressions import EXPRESSIONS, PROTOTYPES
from dgtalker_engine.rig import ARKIT_NAMES, mirrored


def test_all_are_weights_of_arkits_blendshapes():
    for each in (*PROTOTYPES.values(), *EXPRESSIONS.values()):
        assert each.weights
        assert set(each.weights) <= set(ARKIT_NAMES)
        assert all(0 < weight <= 1 for weight in each.weights.values())
    labels = [each.label for each in EXPRESSIONS.values()]
    assert len(set(labels)) == len(labels)


def test_a_prototype_leaves_gaze_and_blinks_to_others_and_has_its_other_side():
    for name, prototype in PROTOTYPES.items():
        assert not [control for control in prototype.weights if control.startswith(("eyeLook", "eyeBlink"))]
        other = PROTOTYPES[mirrored(name)]
        assert {mirrored(control): weight for control, weight in prototype.weights.items()} == other.weights
