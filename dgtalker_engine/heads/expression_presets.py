"""What the sheets show a head doing: visemes and emotions as weights of ARKit's blendshapes. Tables only."""

from __future__ import annotations

from .cycles.views import both

VISEMES: dict[str, dict[str, float]] = {
    "sil": {},
    "PP": {"mouthPressLeft": 0.5, "mouthPressRight": 0.5, "mouthRollLower": 0.35, "mouthRollUpper": 0.3},
    "FF": {"jawOpen": 0.08, "mouthRollLower": 0.55} | both(mouthUpperUp=0.3),
    "TH": {"jawOpen": 0.18, "tongueOut": 0.35} | both(mouthLowerDown=0.3, mouthUpperUp=0.15),
    "DD": {"jawOpen": 0.14} | both(mouthLowerDown=0.4, mouthUpperUp=0.2, mouthStretch=0.1),
    "kk": {"jawOpen": 0.24} | both(mouthLowerDown=0.25, mouthUpperUp=0.15, mouthStretch=0.1),
    "CH": {"jawOpen": 0.08, "mouthFunnel": 0.5, "mouthPucker": 0.25} | both(mouthLowerDown=0.2, mouthUpperUp=0.15),
    "SS": {"jawOpen": 0.06} | both(mouthLowerDown=0.4, mouthUpperUp=0.25, mouthStretch=0.25, mouthSmile=0.15),
    "nn": {"jawOpen": 0.14} | both(mouthLowerDown=0.35, mouthUpperUp=0.15, mouthStretch=0.05),
    "RR": {"jawOpen": 0.12, "mouthPucker": 0.35, "mouthFunnel": 0.2} | both(mouthLowerDown=0.15),
    "aa": {"jawOpen": 0.6} | both(mouthLowerDown=0.3, mouthUpperUp=0.15),
    "E": {"jawOpen": 0.35} | both(mouthLowerDown=0.35, mouthUpperUp=0.2, mouthStretch=0.3, mouthSmile=0.15),
    "ih": {"jawOpen": 0.2} | both(mouthLowerDown=0.35, mouthUpperUp=0.2, mouthStretch=0.2, mouthSmile=0.25),
    "oh": {"jawOpen": 0.4, "mouthFunnel": 0.55, "mouthPucker": 0.2},
    "ou": {"jawOpen": 0.14, "mouthPucker": 0.75, "mouthFunnel": 0.2},
}
"""The 15 visemes of Oculus LipSync, in its order, spoken clearly."""

EMOTIONS: dict[str, dict[str, float]] = {
    "joy": {"jawOpen": 0.18, "browInnerUp": 0.1}
    | both(mouthSmile=0.85, cheekSquint=0.6, eyeSquint=0.25, mouthUpperUp=0.25, browOuterUp=0.15),
    "laughter": {"jawOpen": 0.5} | both(mouthSmile=0.9, cheekSquint=0.8, eyeSquint=0.6, eyeBlink=0.35),
    "tenderness": {"browInnerUp": 0.35} | both(mouthSmile=0.4, cheekSquint=0.25, eyeSquint=0.15, eyeBlink=0.12),
    "sadness": {"browInnerUp": 0.85, "mouthShrugLower": 0.4}
    | both(mouthFrown=0.65, browDown=0.15, eyeLookDown=0.25, eyeBlink=0.15),
    "anger": {"jawForward": 0.2}
    | both(browDown=0.95, eyeWide=0.25, eyeSquint=0.3, noseSneer=0.45, mouthPress=0.5, mouthFrown=0.35),
    "fear": {"browInnerUp": 0.9, "jawOpen": 0.2}
    | both(browOuterUp=0.35, eyeWide=0.9, mouthStretch=0.6, mouthLowerDown=0.3, browDown=0.2),
    "surprise": {"browInnerUp": 0.9, "jawOpen": 0.5, "mouthFunnel": 0.15} | both(browOuterUp=0.9, eyeWide=0.8),
    "disgust": {"mouthShrugUpper": 0.3}
    | both(noseSneer=0.9, mouthUpperUp=0.5, browDown=0.5, eyeSquint=0.5, cheekSquint=0.4, mouthFrown=0.4),
    "contempt": {
        "mouthSmileLeft": 0.45, "mouthDimpleLeft": 0.6, "mouthPressLeft": 0.3, "browOuterUpLeft": 0.35,
        "browDownRight": 0.35, "eyeLookOutRight": 0.25, "eyeLookInLeft": 0.25,
    } | both(eyeSquint=0.25, eyeBlink=0.2),
    "doubt": {
        "browOuterUpRight": 0.85, "browInnerUp": 0.2, "browDownLeft": 0.7, "mouthLeft": 0.45, "mouthShrugLower": 0.35,
        "mouthPucker": 0.15, "eyeSquintLeft": 0.35,
    },
    "mischief": {"mouthSmileRight": 0.8, "mouthSmileLeft": 0.35, "mouthDimpleRight": 0.4}
    | both(browDown=0.3, browOuterUp=0.6, eyeSquint=0.35, cheekSquint=0.3),
    "sleepiness": {"browInnerUp": 0.3, "jawOpen": 0.08} | both(eyeBlink=0.6, eyeLookDown=0.2, mouthFrown=0.2),
}  # fmt: skip
"""After the action units of Ekman and Friesen (1978), and what animators add to them."""
