"""People who do not exist: what can be asked of one, for Blender, the command line and the engine alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import DGTalkerError

MAX_SEED = 2**31 - 1
"""Blender's integers end there."""
MAX_PEOPLE = 64
"""In one request for pictures."""
MAX_SIDE = 512
"""Of a picture, pixels."""


@dataclass(frozen=True, kw_only=True)
class Trait:
    """What of a person can be asked for by its name.

    Attributes:
        name: as in requests.
        label: for users.
        description: a line for users, without a full stop.
        least, most: its range. Where it is from 0 to 1: from the least to the most that people have.
        words: that stand for numbers.
    """

    name: str
    label: str
    description: str
    least: float = 0.0
    most: float = 1.0
    words: Mapping[str, float] = field(default_factory=dict[str, float])

    def value(self, said: str) -> float:
        """The number that a word or digits say. Raises DGTalkerError where they say none within the range."""
        try:
            value = self.words[said] if said in self.words else float(said)
        except ValueError:
            value = float("nan")
        return self.checked(value, said)

    def checked(self, value: float, said: str) -> float:
        """A number within the range. Raises DGTalkerError for any other."""
        if not self.least <= value <= self.most:
            words = "".join(f", or {word}" for word in self.words)
            limits = f"{self.least:g} to {self.most:g}{words}"
            raise DGTalkerError(f"A person's {self.label.lower()} cannot be {said[:80]}.", f"Give {limits}.")
        return value


TRAITS: tuple[Trait, ...] = (
    Trait(name="age", label="Age", description="In years", least=18.0, most=80.0),
    Trait(
        name="sex",
        label="Sex",
        description="0 is female, 1 is male",
        words={"female": 0.0, "male": 1.0},
    ),
    Trait(
        name="skin_tone",
        label="Skin",
        description="From the lightest to the darkest skin",
        words={"light": 0.1, "medium": 0.5, "dark": 0.9},
    ),
    Trait(name="freckles", label="Freckles", description="Seen on light skin"),
    Trait(
        name="hair_length",
        label="Hair Length",
        description="From the shortest to the longest that women wear, or men",
        words={"short": 0.1, "medium": 0.5, "long": 0.95},
    ),
    Trait(
        name="hair_lightness",
        label="Hair Lightness",
        description="From black to blond; dark skin goes with dark hair, age with grey",
        words={"black": 0.0, "brown": 0.4, "blond": 0.95},
    ),
    Trait(name="hair_red", label="Red Hair", description="Goes with light skin"),
    Trait(name="curl", label="Curls", description="From straight hair to curls"),
    Trait(name="beard", label="Beard", description="Of men"),
    Trait(
        name="eye_colour",
        label="Eyes",
        description="From brown to blue; goes with light skin",
        words={"brown": 0.0, "blue": 1.0},
    ),
)


@dataclass(frozen=True, kw_only=True)
class PersonRequest:
    """Somebody who does not exist.

    Attributes:
        seed: who: the same one gives the same person.
        other: the seed of whoever they are morphed and mixed with.
        morph: how much of the face's shape is the other one's, 0 to 1.
        mix: how much of skin, hair and all other colours is the other one's, 0 to 1.
        traits: what is asked for, by the names of `TRAITS`; all else is as it comes.

    Raises:
        DGTalkerError: there can be nobody like that.
    """

    seed: int
    other: int = 0
    morph: float = 0.0
    mix: float = 0.0
    traits: Mapping[str, float] = field(default_factory=dict[str, float])

    def __post_init__(self) -> None:
        for seed in (self.seed, self.other):
            if not 0 <= seed <= MAX_SEED:
                raise DGTalkerError(f"A person cannot have the seed {seed}.", f"Give one from 0 to {MAX_SEED}.")
        for name, share in (("morph", self.morph), ("mix", self.mix)):
            if not 0 <= share <= 1:
                raise DGTalkerError(f"A person cannot be another one by {name} {share:g}.", "Give 0 to 1.")
        known = {trait.name: trait for trait in TRAITS}
        for name, value in self.traits.items():
            if name not in known:
                raise DGTalkerError(f"People have no {name[:80]!r}.", f"They have: {', '.join(known)}.")
            known[name].checked(value, f"{value:g}")

    @property
    def title(self) -> str:
        """A name that cannot be taken for somebody's."""
        both = f"{self.seed} + {self.other}" if self.morph or self.mix else f"{self.seed}"
        return f"Person {both} (synthetic)"

    def to_json(self) -> dict[str, Any]:
        return {
            "seed": self.seed,
            "other": self.other,
            "morph": self.morph,
            "mix": self.mix,
            "traits": dict(self.traits),
        }

    @classmethod
    def from_json(cls, data: Any) -> PersonRequest:
        """Raises DGTalkerError where `data` is not what `to_json` makes."""
        try:
            return cls(
                seed=int(data["seed"]),
                other=int(data["other"]),
                morph=float(data["morph"]),
                mix=float(data["mix"]),
                traits={str(name): float(value) for name, value in data["traits"].items()},
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DGTalkerError(f"The request for a person cannot be read: {error!r}.") from error
