"""Whole expressions as weights of ARKit's blendshapes: the prototypes of emotions, and a library. Tables only.

The prototypes are those of EMFACS: Ekman, Friesen and Hager, *FACS: Investigator's Guide* (2002),
table 10-2, with Ekman and Friesen's contempt (*A new pan-cultural facial expression of emotion*, 1986). Action units
become ARKit's blendshapes one by one: 1 browInnerUp, 2 browOuterUp, 4 browDown, 5 eyeWide, 6 cheekSquint, 7 eyeSquint,
9 noseSneer, 10 mouthUpperUp, 12 mouthSmile, 14 mouthDimple, 15 mouthFrown, 16 mouthLowerDown, 17 mouthShrugLower,
20 mouthStretch, 24 mouthPress, 26 jawOpen.
"""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass


@dataclass(frozen=True)
class Prototype:
    """The expression of one emotion.

    Attributes:
        action_units: of FACS, as EMFACS lists them.
        weights: by control.
    """

    action_units: str
    weights: dict[str, float]


@dataclass(frozen=True)
class Expression:
    """One expression of the library.

    Attributes:
        label: for the user.
        weights: by control.
        partial: leaves the rest of the face as it is, as a wink does; otherwise the rest comes to rest.
    """

    label: str
    weights: dict[str, float]
    _: KW_ONLY
    partial: bool = False


def _both(**weights: float) -> dict[str, float]:
    """Weights for Left and Right alike."""
    return {f"{name}{side}": weight for name, weight in weights.items() for side in ("Left", "Right")}


def _contempt(side: str) -> Prototype:
    weights = {"mouthSmile": 0.55, "mouthDimple": 0.9, "mouthPress": 0.4}
    return Prototype("12A+14A", {f"{name}{side}": weight for name, weight in weights.items()})


PROTOTYPES: dict[str, Prototype] = {
    "expressionSmile": Prototype("6+12", _both(cheekSquint=0.65, mouthSmile=0.9, eyeSquint=0.2)),
    "expressionSadness": Prototype(
        "1+4+15+17", {"browInnerUp": 1.0, "mouthShrugLower": 0.5} | _both(browDown=0.2, mouthFrown=1.0)
    ),
    "expressionSurprise": Prototype(
        "1+2+5B+26", {"browInnerUp": 0.9, "jawOpen": 0.4} | _both(browOuterUp=0.9, eyeWide=0.75)
    ),
    "expressionFear": Prototype(
        "1+2+4+5+20+26",
        {"browInnerUp": 0.95, "jawOpen": 0.15}
        | _both(browOuterUp=0.35, browDown=0.25, eyeWide=0.95, mouthStretch=0.65, mouthLowerDown=0.25),
    ),
    "expressionAnger": Prototype(
        "4+5+7+17+24",
        {"mouthShrugLower": 0.3}
        | _both(browDown=1.0, eyeWide=0.3, eyeSquint=0.45, noseSneer=0.4, mouthPress=0.5, mouthFrown=0.5),
    ),
    "expressionDisgust": Prototype(
        "9+10+17", {"mouthShrugLower": 0.3}
        | _both(noseSneer=0.95, mouthUpperUp=0.5, browDown=0.45, eyeSquint=0.4, cheekSquint=0.4, mouthFrown=0.35)
    ),
    "expressionContemptLeft": _contempt("Left"),
    "expressionContemptRight": _contempt("Right"),
}  # fmt: skip
"""Sliders that add to a head's own, by their names: gaze, blinks and, but for surprise and fear, the jaw stay free.
Where lips are pressed alone they look content: anger has a little of 9 and 15, too."""

EXPRESSIONS: dict[str, Expression] = {
    "joy": Expression("Joy", {"jawOpen": 0.18, "browInnerUp": 0.1}
    | _both(mouthSmile=0.85, cheekSquint=0.6, eyeSquint=0.25, mouthUpperUp=0.25, browOuterUp=0.15)),
    "laughter": Expression("Laughter", {"jawOpen": 0.5}
    | _both(mouthSmile=0.9, cheekSquint=0.8, eyeSquint=0.6, eyeBlink=0.35)),
    "tenderness": Expression("Tenderness", {"browInnerUp": 0.35}
    | _both(mouthSmile=0.4, cheekSquint=0.25, eyeSquint=0.15, eyeBlink=0.12)),
    "sadness": Expression("Sadness", {"browInnerUp": 0.85, "mouthShrugLower": 0.4}
    | _both(mouthFrown=0.65, browDown=0.15, eyeLookDown=0.25, eyeBlink=0.15)),
    "anger": Expression("Anger", {"jawForward": 0.2}
    | _both(browDown=0.95, eyeWide=0.25, eyeSquint=0.3, noseSneer=0.45, mouthPress=0.5, mouthFrown=0.35)),
    "fear": Expression("Fear", {"browInnerUp": 0.9, "jawOpen": 0.2}
    | _both(browOuterUp=0.35, eyeWide=0.9, mouthStretch=0.6, mouthLowerDown=0.3, browDown=0.2)),
    "surprise": Expression("Surprise", {"browInnerUp": 0.9, "jawOpen": 0.5, "mouthFunnel": 0.15}
    | _both(browOuterUp=0.9, eyeWide=0.8)),
    "disgust": Expression("Disgust", {"mouthShrugUpper": 0.3}
    | _both(noseSneer=0.9, mouthUpperUp=0.5, browDown=0.5, eyeSquint=0.5, cheekSquint=0.4, mouthFrown=0.4)),
    "contempt": Expression("Contempt", {
        "mouthSmileLeft": 0.45, "mouthDimpleLeft": 0.6, "mouthPressLeft": 0.3, "browOuterUpLeft": 0.35,
        "browDownRight": 0.35, "eyeLookOutRight": 0.25, "eyeLookInLeft": 0.25,
    } | _both(eyeSquint=0.25, eyeBlink=0.2)),
    "doubt": Expression("Doubt", {
        "browOuterUpRight": 0.85, "browInnerUp": 0.2, "browDownLeft": 0.7, "mouthLeft": 0.45, "mouthShrugLower": 0.35,
        "mouthPucker": 0.15, "eyeSquintLeft": 0.35,
    }),
    "mischief": Expression("Mischief", {"mouthSmileRight": 0.8, "mouthSmileLeft": 0.35, "mouthDimpleRight": 0.4}
    | _both(browDown=0.3, browOuterUp=0.6, eyeSquint=0.35, cheekSquint=0.3)),
    "sleepiness": Expression("Sleepiness", {"browInnerUp": 0.3, "jawOpen": 0.08}
    | _both(eyeBlink=0.6, eyeLookDown=0.2, mouthFrown=0.2)),
    "aghast": Expression("Aghast", {"browInnerUp": 1.0, "jawOpen": 0.75}
    | _both(browOuterUp=0.55, eyeWide=1.0, mouthStretch=0.45, mouthFrown=0.3)),
    "thinking": Expression("Thinking", {
        "browInnerUp": 0.3, "browOuterUpLeft": 0.6, "browDownRight": 0.45, "mouthPucker": 0.3, "mouthRight": 0.55,
        "eyeLookOutLeft": 0.45, "eyeLookInRight": 0.45,
    } | _both(eyeLookUp=0.6, mouthPress=0.35, eyeSquint=0.15)),
    "focus": Expression("Focus", {"mouthRollLower": 0.3, "mouthRollUpper": 0.2}
    | _both(browDown=0.6, eyeSquint=0.6, mouthPress=0.5)),
    "smirk": Expression("Smirk", {
        "mouthSmileLeft": 0.75, "mouthDimpleLeft": 0.45, "mouthLeft": 0.15, "cheekSquintLeft": 0.4,
        "eyeSquintLeft": 0.25,
    }, partial=True),
    "wink": Expression("Wink", {
        "eyeBlinkLeft": 1.0, "eyeSquintLeft": 0.6, "cheekSquintLeft": 0.8, "mouthSmileLeft": 0.45, "browDownLeft": 0.2,
    }, partial=True),
    "pout": Expression("Pout", {"mouthPucker": 0.55, "mouthShrugLower": 0.75} | _both(mouthFrown=0.45), partial=True),
}  # fmt: skip
"""After the action units of Ekman and Friesen (1978), and what animators add to them; the first twelve are those of
docs/characters.md."""
