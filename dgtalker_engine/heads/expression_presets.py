"""What the sheets show a head doing: visemes and emotions as weights of ARKit's blendshapes. Tables only."""

from __future__ import annotations

import itertools

from ..performance.expressions import EXPRESSIONS
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
    name: expression.weights for name, expression in itertools.islice(EXPRESSIONS.items(), 12)
}
"""Of the library, which goes on with what is no emotion."""
