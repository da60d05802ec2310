"""Nobody's face is trained without their consent: it is looked at before anything else."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from ..avatar import Consent
from ..errors import DGTalkerError

_HINT = "Say whose face it is, what for, and who agreed: the record is kept in the head's file."


def required_consent(record: Mapping[str, str]) -> Consent:
    """The consent of a job's request.

    Raises:
        DGTalkerError: there is none, or it does not say who agreed to what.
    """
    status = record.get("status", "unknown")
    if status not in ("self", "signed", "synthetic"):
        raise DGTalkerError("Nobody has agreed to this head: there is no consent.", _HINT)
    missing = [name for name in _needed(status) if not str(record.get(name, "")).strip()]
    if missing:
        raise DGTalkerError(f"The consent has no {' and no '.join(missing).replace('_', ' ')}.", _HINT)
    date = str(record.get("date", "")).strip()
    if date:
        try:
            datetime.date.fromisoformat(date)
        except ValueError as error:
            raise DGTalkerError(f"The consent's date {date!r} is no date.", "Write it as 2026-11-28.") from error
    texts = {name: str(record.get(name, "")).strip() for name in ("subject", "scope", "granted_by")}
    return Consent(**texts, date=date, status=status)


def _needed(status: str) -> tuple[str, ...]:
    return {
        "self": ("subject", "scope", "granted_by"),
        "signed": ("subject", "scope", "granted_by", "date"),
        "synthetic": ("subject",),
    }[status]
