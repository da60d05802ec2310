"""What was found of a file and a worker, as lines for people and for the program that asked. No Blender."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from dgtalker_engine.errors import DGTalkerError

MARK = "DGTALKER_PREFLIGHT "
"""Before the findings in what a worker prints."""

_LONGEST = 1 << 20


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        text: what is there, or what is wrong.
        ok: whether pictures come out right in spite of it.
        advice: what to do about it; also where it is only worth knowing.
    """

    text: str
    ok: bool = True
    advice: str = ""

    @property
    def line(self) -> str:
        """For a log: one line."""
        kind = "PROBLEM" if not self.ok else ("note" if self.advice else "ok")
        return f"{kind:8}{self.text}{f' {self.advice}' if self.advice else ''}"


def problems(findings: Iterable[Finding]) -> list[Finding]:
    return [each for each in findings if not each.ok]


def of_error(error: DGTalkerError) -> Finding:
    return Finding(error.message, ok=False, advice=error.hint)


def to_line(findings: Sequence[Finding]) -> str:
    """Findings as a line that `from_output` finds again."""
    return MARK + json.dumps([asdict(each) for each in findings])


def from_output(output: str) -> list[Finding] | None:
    """The findings that a worker printed; None where it did not come so far."""
    for line in reversed(output.splitlines()):
        if line.startswith(MARK) and len(line) < _LONGEST:
            try:
                return [Finding(**each) for each in json.loads(line.removeprefix(MARK))]
            except (ValueError, TypeError):
                return None
    return None
