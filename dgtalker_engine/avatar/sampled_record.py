"""What an avatar of somebody who does not exist says about who that is, in its file's document."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class SampledRecord:
    """Who was asked for, and who came out.

    Attributes:
        request: what was asked for, as `wire.people.PersonRequest.to_json` has it.
        code: the numbers from which the prior made them.
        traits: what those of its numbers that have names say, each in its unit.
        psnr: dB inside the head, the file's pictures against the prior's, over speech.
    """

    request: Mapping[str, Any]
    code: tuple[float, ...]
    traits: Mapping[str, float]
    psnr: float

    def to_json(self) -> dict[str, Any]:
        return {
            "request": dict(self.request),
            "code": list(self.code),
            "traits": dict(self.traits),
            "psnr": self.psnr,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> SampledRecord:
        """Raises KeyError, TypeError, ValueError or AttributeError when `data` is not what `to_json` makes."""
        return cls(
            request=dict(data["request"]),
            code=tuple(float(number) for number in data["code"]),
            traits={str(name): float(value) for name, value in data["traits"].items()},
            psnr=float(data["psnr"]),
        )
