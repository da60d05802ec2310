"""Configurations: frozen, checked, and the same after a way through JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Self, get_args, get_origin, get_type_hints

from ..errors import DGTalkerError


def setting(
    default: Any, text: str, *, least: float | None = None, most: float | None = None, choices: tuple[str, ...] = ()
) -> Any:
    """A field of a `Config`.

    Args:
        default: its value where none is given.
        text: what it does, and its unit.
        least: the least value, of each entry where it is a tuple.
        most: the greatest.
        choices: the words that it may be.
    """
    return field(default=default, metadata={"text": text, "least": least, "most": most, "choices": choices})


@dataclass(frozen=True, kw_only=True)
class Config:
    """What decides how a training goes; each learned thing derives its own, whose fields are all `setting`s.

    A field is a bool, int, float, str or a tuple of one of these.

    Raises:
        DGTalkerError: a value is not of its field's type, or out of its range.
    """

    steps: int = setting(10_000, "how many steps to train", least=1)
    seed: int = setting(0, "of the random numbers: the same one gives the same result", least=0)

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for item in fields(self):
            _check(type(self).__name__, item.name, getattr(self, item.name), hints[item.name], item.metadata)

    def to_json(self) -> dict[str, Any]:
        """By field its value, of JSON's types alone."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        """The configuration of `to_json`; fields that are not given have their defaults.

        Raises:
            DGTalkerError: a field is unknown, or its value not allowed.
        """
        names = [item.name for item in fields(cls)]
        unknown = [name for name in values if name not in names]
        if unknown:
            raise DGTalkerError(
                f"{cls.__name__} has no {' and no '.join(sorted(unknown))}.", f"It has: {', '.join(names)}."
            )
        given: dict[str, Any] = {}
        for name, value in values.items():
            given[name] = tuple(value) if isinstance(value, list) else value
        return cls(**given)


def _check(owner: str, name: str, value: object, kind: Any, about: Mapping[str, Any]) -> None:
    entries, wanted = (value,), kind
    if get_origin(kind) is tuple:
        wanted = get_args(kind)[0]
        entries = value if isinstance(value, tuple) else (None,)
    accepted = {float: (float, int)}.get(wanted, (wanted,))
    for entry in entries:
        # A bool is an int in Python alone.
        if not isinstance(entry, accepted) or (isinstance(entry, bool) and wanted is not bool):
            raise _refused(owner, name, value, about, f"is not {_TYPES.get(kind, 'a list of such values')}")
        if isinstance(entry, int | float) and wanted is not bool:
            if not math.isfinite(entry):
                raise _refused(owner, name, value, about, "is not finite")
            if about["least"] is not None and entry < about["least"]:
                raise _refused(owner, name, value, about, f"is less than {about['least']:g}")
            if about["most"] is not None and entry > about["most"]:
                raise _refused(owner, name, value, about, f"is more than {about['most']:g}")
        if about["choices"] and entry not in about["choices"]:
            raise _refused(owner, name, value, about, f"is none of {', '.join(about['choices'])}")


_TYPES: dict[Any, str] = {bool: "true or false", int: "a whole number", float: "a number", str: "a text"}


def _refused(owner: str, name: str, value: object, about: Mapping[str, Any], reason: str) -> DGTalkerError:
    return DGTalkerError(f"{owner}: {name} = {value!r} {reason}.", f"{name}: {about['text']}.")
