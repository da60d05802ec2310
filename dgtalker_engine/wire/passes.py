"""What a picture may have besides its colours, in the words of a Shot. Standard library only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from ..errors import DGTalkerError

CHANNELS = {
    "depth": 1,
    "mist": 1,
    "position": 3,
    "normal": 3,
    "vector": 4,
    "object_index": 1,
    "alpha": 1,
    "material_index": 1,
    "cryptomatte": 4,
    "held_out": 1,
}
"""How many channels each kind of pass has."""
FALLOFFS = ("QUADRATIC", "LINEAR", "INVERSE_QUADRATIC")
COLOUR_LETTERS = frozenset("RGBA")
"""Channels of these letters are colours, and half floats where a file's colours are."""
_LONGEST_NAME = 63
"""Bytes of a pass's name."""
_LARGEST_INDEX = 2**31 - 1
_MOST_PASSES = 4096
_ALPHA = "Alpha "


@dataclass(frozen=True)
class ShotPass:
    """A pass of every frame of a Shot.

    Attributes:
        name: that Blender gives it, in files too.
        letters: of its channels, in the order of the numbers.
        kind: one of `CHANNELS`. A "vector" needs the frames' `neighbours`. An "alpha" is that of the heads whose
            `alpha_name` is `name`; the first "cryptomatte" has the two heads that cover most of each pixel, the next
            one the two after them.
    """

    name: str
    letters: str
    kind: str


@dataclass(frozen=True)
class HeadLabel:
    """Whose a head is, for passes that tell heads apart: its object's name and index, and its first material's."""

    name: str
    object_index: int = 0
    material_index: int = 0


@dataclass(frozen=True, kw_only=True)
class ShotMist:
    """Where the mist of a world begins and how far it reaches, metres, and how it grows: one of `FALLOFFS`."""

    start: float = 5.0
    depth: float = 25.0
    falloff: str = "QUADRATIC"


@dataclass(frozen=True, kw_only=True)
class PassInputs:
    """What the passes of a frame need besides its picture.

    Attributes:
        labels: of the frame's heads, in their order.
        mist: of the world.
        shear: an affine map, 16 numbers row by row, that the frame's heads and what hides them have gone through on
            their way from the world: some cameras are no rigid ones. Empty where there is none.
    """

    labels: tuple[HeadLabel, ...] = ()
    mist: ShotMist = ShotMist()
    shear: tuple[float, ...] = ()


def alpha_name(head: str) -> str:
    """The name of the pass that holds the alpha of the heads of a name."""
    return (_ALPHA + head).encode()[:_LONGEST_NAME].decode(errors="ignore")


def passes_from_json(data: Any) -> tuple[ShotPass, ...]:
    """Raises KeyError, TypeError or ValueError where these are no passes."""
    return tuple(ShotPass(str(each["name"]), str(each["letters"]), str(each["kind"])) for each in data)


def inputs_from_json(data: Any) -> PassInputs | None:
    """Raises KeyError, TypeError or ValueError where these are none."""
    if data is None:
        return None
    mist = data["mist"]
    return PassInputs(
        labels=tuple(
            HeadLabel(str(each["name"]), int(each["object_index"]), int(each["material_index"]))
            for each in data["labels"]
        ),
        mist=ShotMist(start=float(mist["start"]), depth=float(mist["depth"]), falloff=str(mist["falloff"])),
        shear=tuple(float(number) for number in data["shear"]),
    )


def check_passes(passes: tuple[ShotPass, ...]) -> None:
    """Raises DGTalkerError where there are passes that cannot be made, or two of one name."""
    names = {each.name for each in passes}
    if len(names) < len(passes) or "Combined" in names or len(passes) > _MOST_PASSES:
        raise DGTalkerError("Two passes of the shot have the same name, or it has too many.")
    for each in passes:
        if not 0 < len(each.name.encode()) <= _LONGEST_NAME or "\0" in each.name:
            raise DGTalkerError(f"The name of the pass {each.name[:20]!r} is empty or too long.")
        letters = set(each.letters)
        if len(letters) != CHANNELS.get(each.kind) or len(each.letters) != len(letters) or not each.letters.isalpha():
            raise DGTalkerError(f"There is no pass {each.kind[:20]!r} with the channels {each.letters[:20]!r}.")


def check_inputs(inputs: PassInputs | None, heads: int, largest: float) -> None:
    """Raises DGTalkerError where passes of a frame with so many heads cannot be made of these."""
    if inputs is None or len(inputs.labels) != heads:
        raise DGTalkerError("A frame whose shot has passes does not say what they need of its heads.")
    if not all(
        0 <= index <= _LARGEST_INDEX for each in inputs.labels for index in (each.object_index, each.material_index)
    ):
        raise DGTalkerError(f"The index of an object or a material is not from 0 to {_LARGEST_INDEX}.")
    numbers = (inputs.mist.start, inputs.mist.depth, *inputs.shear)
    if inputs.mist.falloff not in FALLOFFS or len(inputs.shear) not in (0, 16):
        raise DGTalkerError("The mist or the shear of a frame is none.")
    if not all(math.isfinite(number) and abs(number) <= largest for number in numbers):
        raise DGTalkerError(f"The mist or the shear of a frame has numbers that are not finite, or exceed {largest:g}.")
