"""How the sliders are grouped, labelled and found. Needs no Blender."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from dgtalker_engine.rig import SIDEWAYS_NAMES, Control, Rig, mirrored

EXPRESSIONS, LIPS, JAW, CHEEKS, EYES, BROWS = "Expressions", "Lips", "Jaw", "Cheeks", "Eyes", "Brows"
NOSE, POSE, OTHER = "Nose & Tongue", "Pose", "Other"
GROUPS = (EXPRESSIONS, LIPS, JAW, CHEEKS, EYES, BROWS, NOSE, POSE, OTHER)
"""The sections of the slider panel, from the top."""

FIRST_WORDS = {
    "expression": EXPRESSIONS,
    "mouth": LIPS,
    "lip": LIPS,
    "lips": LIPS,
    "jaw": JAW,
    "cheek": CHEEKS,
    "eye": EYES,
    "brow": BROWS,
    "nose": NOSE,
    "tongue": NOSE,
    "head": POSE,
    "neck": POSE,
    "gaze": POSE,
}


def words(text: str) -> list[str]:
    """``mouthSmile_L 2`` → ``["mouth", "smile", "l", "2"]``."""
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|[^\W\d_A-Za-z]+", text)]


def group_of(control: Control) -> str:
    """The section that a control is shown in: by the first word of its name, or else by its group in the rig."""
    first = next(iter(words(control.name)), "")
    return FIRST_WORDS.get(first) or {"pose": POSE, "lip": LIPS}.get(control.group, OTHER)


def grouped(controls: Iterable[Control]) -> dict[str, list[Control]]:
    """Controls by section, in the panel's order; sections without controls are left out."""
    sections: dict[str, list[Control]] = {group: [] for group in GROUPS}
    for control in controls:
        sections[group_of(control)].append(control)
    return {group: members for group, members in sections.items() if members}


def side_of(name: str) -> str:
    """``Left``, ``Right`` or nothing: the column of the panel that a control stands in."""
    return next((side for side in ("Left", "Right") if name.endswith(side) and name != side), "")


def is_direction(name: str) -> bool:
    """Whether a control moves the middle of the face sideways, like ``jawLeft``, rather than moving one side."""
    return (
        bool(side_of(name)) and len(words(name)) == 2 and words(name)[0] in ("jaw", "mouth", "tongue", "head", "neck")
    )


def rows(controls: Iterable[Control]) -> list[tuple[Control, ...]]:
    """Controls line by line, those of the whole face first; the two sides of one movement share a line.

    Right stands before left because the face looks at the animator: its right is on her left.
    """
    lines: dict[str, list[Control]] = {}
    for control in controls:
        side = side_of(control.name)
        lines.setdefault(control.name[: -len(side)] if side else control.name, []).append(control)
    ordered = sorted(lines.values(), key=lambda line: bool(side_of(line[0].name)))
    return [tuple(sorted(line, key=lambda control: side_of(control.name), reverse=True)) for line in ordered]


def label_of(name: str, group: str) -> str:
    """What a line is called inside its section: ``mouthSmileLeft`` → ``Smile`` in Lips, ``jawLeft`` → ``Sideways``."""
    if is_direction(name):
        return "Sideways"
    side = side_of(name)
    parts = words(name[: -len(side)] if side else name)
    if len(parts) > 1 and FIRST_WORDS.get(parts[0]) == group and group != NOSE:
        parts = parts[1:]
    return " ".join(part.capitalize() for part in parts) or name


def matches(search: str, control: Control) -> bool:
    """Whether the search finds a control.

    Every word of the search must be found, in any order: as a part of the name or of its section, as ``l`` or ``r``
    for a side, or up to a typing error.
    """
    parts = words(control.name)
    known = [*parts, *words(group_of(control))]
    joined = "".join(parts)
    return all(_matches_word(word, known, joined) for word in words(search))


def _matches_word(word: str, known: list[str], joined: str) -> bool:
    if word in ("l", "r"):
        return {"l": "left", "r": "right"}[word] in known
    return (
        word in joined
        or any(part.startswith(word) for part in known)
        or bool(len(word) > 3 and difflib.get_close_matches(word, known, n=1, cutoff=0.75))
    )


def find(search: str, rig: Rig) -> list[Control]:
    """The controls that a search finds, in the rig's order; all of them for an empty search."""
    return [control for control in rig.controls if matches(search, control)]


def swaps(rig: Rig) -> dict[str, str]:
    """For each control of a side or a direction, the one that takes its weight when the face is mirrored."""
    return {name: mirrored(name) for name in rig.names if mirrored(name) != name and mirrored(name) in rig.names}


def reversed_when_mirrored(rig: Rig) -> tuple[str, ...]:
    """Controls that take the opposite weight when the face is mirrored, because below 0 they move to the other side."""
    return tuple(name for name in SIDEWAYS_NAMES if name in rig.names)
