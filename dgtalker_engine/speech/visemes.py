"""What each phone asks of the mouth, and what that means in ARKit blendshapes: tables only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..rig import ARKIT_NAMES

ARTICULATORS = ("jaw", "lower", "upper", "wide", "pucker", "funnel", "tongue")
"""Jaw opening, lower lip down, upper lip up, corners apart, lips rounded and forward, lips flared, tongue tip out."""

_TARGETS = """
     jaw  lower upper wide pucker funnel tongue
SIL  .00  .00  .00  .00  .00  .00  .00
AA   .44  .28  .12  .04  .00  .00  .00
AE   .42  .34  .20  .24  .00  .00  .00
AH   .28  .22  .10  .04  .00  .00  .00
AO   .26  .08  .04  .00  .38  .16  .00
EH   .36  .32  .18  .22  .00  .00  .00
ER   .15  .12  .08  .00  .25  .08  .00
IH   .22  .28  .14  .18  .00  .00  .00
IY   .12  .26  .14  .32  .00  .00  .00
UH   .13  .06  .03  .00  .36  .08  .00
UW   .06  .00  .00  .00  .64  .06  .00
B    .06  .00  .00  .00  .00  .00  .00
D    .12  .30  .14  .10  .00  .00  .00
DH   .16  .30  .12  .06  .00  .00  .14
CH   .07  .14  .12  .00  .34  .22  .00
F    .06  .00  .30  .06  .00  .00  .00
G    .20  .22  .12  .08  .00  .00  .00
HH   .24  .22  .12  .08  .00  .00  .00
JH   .07  .14  .12  .00  .34  .22  .00
K    .20  .22  .12  .08  .00  .00  .00
L    .14  .20  .08  .06  .00  .00  .04
M    .06  .00  .00  .00  .00  .00  .00
N    .13  .30  .14  .10  .00  .00  .00
NG   .20  .22  .12  .08  .00  .00  .00
P    .06  .00  .00  .00  .00  .00  .00
R    .09  .08  .06  .00  .31  .06  .00
S    .06  .34  .18  .16  .00  .00  .00
SH   .06  .12  .12  .00  .36  .24  .00
T    .11  .28  .14  .10  .00  .00  .00
TH   .16  .30  .12  .06  .00  .00  .16
V    .06  .00  .28  .06  .00  .00  .00
W    .04  .00  .00  .00  .74  .02  .00
Y    .12  .24  .12  .20  .00  .00  .00
Z    .07  .34  .18  .16  .00  .00  .00
ZH   .06  .12  .12  .00  .36  .24  .00
"""

_STRENGTHS = """
     jaw  lower upper wide pucker funnel tongue
SIL  1.0  1.0  1.0  0.8  0.8  0.8  1.0
vowel 1.0 1.0  1.0  1.0  1.0  1.0  0.5
B    0.9  0.8  0.8  0.2  0.2  0.3  1.0
D    0.5  0.4  0.4  0.2  0.1  0.1  1.0
DH   0.5  0.5  0.4  0.2  0.1  0.1  2.0
CH   1.4  0.8  0.8  0.8  1.0  1.3  1.0
F    1.0  1.2  1.0  0.3  0.3  0.3  1.0
G    0.3  0.2  0.2  0.1  0.1  0.1  0.5
HH   .06  .06  .06  .05  .05  .05  0.5
L    0.4  0.3  0.3  0.2  0.1  0.1  1.0
R    0.6  0.4  0.4  0.5  0.7  0.8  1.0
S    1.3  0.6  0.6  0.5  0.2  0.2  1.0
W    1.2  1.0  1.0  1.5  2.0  1.0  1.0
Y    0.8  0.6  0.6  0.9  0.5  0.4  0.5
"""
_LIKE = {
    "D": "T N", "DH": "TH", "CH": "JH SH ZH", "F": "V", "G": "K NG", "B": "M P", "S": "Z",
    "vowel": "AA AE AH AO EH ER IH IY UH UW",
}  # fmt: skip

DIPHTHONGS = {
    "AY": ("AA", "IH"), "AW": ("AA", "UW"), "EY": ("EH", "IY"), "OW": ("AO", "UW"), "OY": ("AO", "IY"),
}  # fmt: skip
"""Phones that move from one vowel to another."""

BILABIALS = frozenset(["P", "B", "M"])
LABIODENTALS = frozenset(["F", "V"])
ROUNDED = frozenset(["UW", "W", "OW", "AO", "SH", "ZH", "CH", "JH", "R", "ER", "UH"])

ARKIT: dict[str, dict[str, float]] = {
    "jaw": {"jawOpen": 1.0},
    "lower": {"mouthLowerDownLeft": 0.9, "mouthLowerDownRight": 0.9},
    "upper": {"mouthUpperUpLeft": 0.9, "mouthUpperUpRight": 0.9},
    "wide": {
        "mouthStretchLeft": 0.40,
        "mouthStretchRight": 0.40,
        "mouthSmileLeft": 0.30,
        "mouthSmileRight": 0.30,
        "mouthDimpleLeft": 0.12,
        "mouthDimpleRight": 0.12,
    },
    "pucker": {"mouthPucker": 0.9, "mouthFunnel": 0.28, "jawForward": 0.10},
    "funnel": {"mouthFunnel": 0.9, "jawForward": 0.10},
    "tongue": {"tongueOut": 1.0},
}
"""Each articulator's ARKit weights at 1."""

CONTROLS = tuple(name for name in ARKIT_NAMES if any(name in moved for moved in ARKIT.values()))
"""ARKit's controls that the articulators move, in its order."""


def _read(table: str) -> dict[str, np.ndarray]:
    rows = [line.split() for line in table.strip().splitlines()[1:]]
    return {row[0]: np.array(row[1:], np.float64) for row in rows}


TARGETS = _read(_TARGETS)
"""Phone → target of each articulator, (articulators,)."""

STRENGTHS = _read(_STRENGTHS)
"""Phone → how firmly it asks for each target (the dominance α of Cohen and Massaro 1993), (articulators,)."""
for _model, _others in _LIKE.items():
    STRENGTHS |= dict.fromkeys(_others.split(), STRENGTHS[_model])


def arkit_matrix(names: Sequence[str]) -> np.ndarray:
    """Weights of some ARKit controls for each of `ARTICULATORS`, float64 (articulators, names)."""
    return np.array([[ARKIT[articulator].get(name, 0.0) for name in names] for articulator in ARTICULATORS])
