"""What an animator can ask of a strip: the settings that make a Direction, their ranges and words. No Blender."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from typing import Any

from dgtalker_engine.performance import STYLES, Direction


@dataclass(frozen=True)
class Setting:
    """A number of `strip.dgtalker`; named as in `Direction`."""

    name: str
    label: str
    description: str
    _: KW_ONLY
    default: float
    least: float
    most: float
    unit: str = "FACTOR"


MOVES = (
    Setting("lips", "Lips", "How far the lips and the tongue move: 0 still, 1 natural", default=1, least=0, most=2),
    Setting(
        "jaw",
        "Jaw",
        "How far the jaw opens: 0 shut, 1 natural. Lips close at P, B and M at any amount",
        default=1,
        least=0,
        most=2,
    ),
    Setting(
        "expression",
        "Expression",
        "How much brows, lids and cheeks move: 0 still, 1 natural",
        default=1,
        least=0,
        most=2,
    ),
    Setting("head", "Head", "How much the head nods and turns: 0 still, 1 natural", default=1, least=0, most=2),
)
EYES = (
    Setting(
        "blinks",
        "Blinks",
        "How often the eyes blink: 0 never, 1 naturally, 2 twice as often",
        default=1,
        least=0,
        most=4,
    ),
    Setting(
        "gaze",
        "Gaze",
        "How often the eyes look aside: 0 never, 1 naturally, 2 twice as often",
        default=1,
        least=0,
        most=4,
    ),
)
MOUTH = (
    Setting("articulation", "Articulation", "-1 mumbled, 0 as spoken, 1 over-articulated", default=0, least=-1, most=1),
    Setting(
        "smoothing",
        "Smoothing",
        "Seconds over which the mouth's motion is averaged",
        default=0,
        least=0,
        most=0.5,
        unit="TIME",
    ),
    Setting(
        "hold", "Hold", "Seconds for which each shape of the mouth is held", default=0, least=0, most=0.3, unit="TIME"
    ),
    Setting(
        "offset",
        "Offset",
        "Seconds by which the mouth is late; early below 0",
        default=0,
        least=-1,
        most=1,
        unit="TIME",
    ),
)
NUMBERS = (*MOVES, *EYES, *MOUTH)

RECORDED = "recorded_"
"""What the names of a speaker's properties for its recording begin with."""

RECORDED_NUMBERS = (
    *MOVES,
    Setting("gaze", "Gaze", "How far the eyes look aside: 0 straight ahead, 1 as recorded", default=1, least=0, most=2),
    Setting(
        "smoothing",
        "Smoothing",
        "Seconds over which the motion is averaged; lips that touch and eyes that blink still do",
        default=0,
        least=0,
        most=0.5,
        unit="TIME",
    ),
)
"""What an animator can ask of a recording; named as in `RecordedAmounts`."""

STYLE_SLIDERS = tuple(name for name in STYLES if name != "neutral")
"""The styles that have a slider; neutral is where all of them are 0."""

SECONDS = tuple(each.name for each in NUMBERS if each.unit == "TIME")

PREFIX = "style_"

SECTIONS: dict[str, tuple[str, ...]] = {
    "amounts": (*(each.name for each in MOVES), "seed"),
    "mouth": tuple(each.name for each in MOUTH),
    "eyes": tuple(each.name for each in EYES),
    "style": tuple(PREFIX + name for name in STYLE_SLIDERS),
}
"""The parts of the strip's panel and the settings in them."""

ALL = tuple(name for names in SECTIONS.values() for name in names)


def direction(start: float, end: float, get: Callable[[str], Any]) -> Direction:
    """The Direction that a strip's settings make; `get` reads one by its name."""
    numbers = {each.name: min(max(float(get(each.name)), each.least), each.most) for each in NUMBERS}
    styles = {name: float(get(PREFIX + name)) for name in STYLE_SLIDERS}
    return Direction(
        start, end, **numbers, seed=int(get("seed")), styles={name: weight for name, weight in styles.items() if weight}
    )
