"""How sliders are grouped, labelled and found."""

from __future__ import annotations

import pytest


@pytest.fixture
def groups(room):
    return room("head.groups")


@pytest.fixture
def arkit(extension):
    from dgtalker_engine.rig import arkit_rig  # the extension brings it

    return arkit_rig()


def test_arkit_controls_all_have_a_section_of_the_face(groups, arkit):
    sections = groups.grouped(arkit.controls)
    assert list(sections) == ["Lips", "Jaw", "Cheeks", "Eyes", "Brows", "Nose & Tongue"]
    assert sum(len(members) for members in sections.values()) == 52
    assert [control.name for control in sections["Jaw"]] == ["jawForward", "jawRight", "jawLeft", "jawOpen"]


def test_controls_of_other_rigs_have_a_section_too(groups):
    from dgtalker_engine.rig import Control, Rig

    rig = Rig(
        (Control("exp_03", "expression"), Control("z12", "latent"), Control("bend", "pose"), Control("ee", "lip"))
    )
    sections = groups.grouped(rig.controls)
    assert {group: [c.name for c in members] for group, members in sections.items()} == {
        "Lips": ["ee"],
        "Pose": ["bend"],
        "Other": ["exp_03", "z12"],
    }
    assert groups.label_of("exp_03", "Other") == "Exp 03"


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("smile left", ["mouthSmileLeft"]),
        ("left smile", ["mouthSmileLeft"]),
        ("SmileL", ["mouthSmileLeft"]),
        ("smile_l", ["mouthSmileLeft"]),
        ("smille left", ["mouthSmileLeft"]),
        ("smi", ["mouthSmileLeft", "mouthSmileRight"]),
        ("lips pucker", ["mouthPucker"]),
        ("jaw", ["jawForward", "jawRight", "jawLeft", "jawOpen"]),
        ("blink r", ["eyeBlinkRight"]),
        ("giraffe", []),
    ],
)
def test_search_is_forgiving(groups, arkit, search, found):
    assert [control.name for control in groups.find(search, arkit)] == found


def test_empty_search_finds_everything(groups, arkit):
    assert len(groups.find("  ", arkit)) == 52


def test_two_sides_share_a_line_as_they_are_seen(groups, arkit):
    jaw = groups.grouped(arkit.controls)["Jaw"]
    lines = [tuple(control.name for control in line) for line in groups.rows(jaw)]
    assert lines == [("jawForward",), ("jawOpen",), ("jawRight", "jawLeft")]
    assert [groups.label_of(line[0], "Jaw") for line in lines] == ["Forward", "Open", "Sideways"]
    assert groups.label_of("mouthSmileLeft", "Lips") == "Smile"
    assert groups.label_of("tongueOut", "Nose & Tongue") == "Tongue Out"
