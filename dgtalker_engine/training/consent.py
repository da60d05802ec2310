"""Nobody's face is trained, or put into footage, without their consent: it is looked at before anything else."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from ..avatar import Consent
from ..errors import DGTalkerError
from ..wire import consent as rules

if TYPE_CHECKING:
    from ..avatar.base import ConsentStatus

_HINT = "Say whose face it is, what for, and who agreed: the record is kept in the head's file."
_FOOTAGE_HINT = "Say who is seen in the footage and has agreed: --consent, --subject, --scope, --granted-by."


def required_consent(record: Mapping[str, str]) -> Consent:
    """The consent of a job's request.

    Raises:
        DGTalkerError: there is none, or it does not say who agreed to what.
    """
    said = rules.completed(record)
    missing = rules.missing(said)
    if missing == ("status",):
        raise DGTalkerError("Nobody has agreed to this head: there is no consent.", _HINT)
    if missing == ("date",):
        raise DGTalkerError("The signed consent has no date.", "Say when it was signed: --date, as 2026-11-28.")
    if missing:
        raise DGTalkerError(f"The consent has no {' and no '.join(missing).replace('_', ' ')}.", _HINT)
    try:
        if said["date"]:
            datetime.date.fromisoformat(said["date"])
    except ValueError as error:
        raise DGTalkerError(f"The consent's date {said['date']!r} is no date.", "Write it as 2026-11-28.") from error
    status = cast("ConsentStatus", said.pop("status"))  # `missing` knows no others
    return Consent(**said, status=status)


def footage_consent(head: Consent, clip: Mapping[str, str] | None, stated: Mapping[str, str] | None) -> Consent:
    """The consent of whoever is seen in footage into which a head is put.

    Args:
        head: of the head's file. It counts where the clip shows the same person.
        clip: the clip's own record; None where nobody was asked.
        stated: what the user says of the person in the footage; None where nothing.

    Raises:
        DGTalkerError: nobody has agreed, or `stated` does not say who agreed to what, or is of somebody else.
    """
    if head.status not in rules.NEEDED:
        raise DGTalkerError("Nobody has agreed to this head: its file has no consent.", "Train it again, with consent.")
    shown = subject_of(clip)
    if stated is not None:
        agreed = required_consent(stated)
        if shown and agreed.subject.casefold() != shown.casefold():
            raise DGTalkerError(f"The clip shows {shown}, and not {agreed.subject}.", _FOOTAGE_HINT)
        return agreed
    if not shown:
        raise DGTalkerError("Whom the clip shows was not said: nobody has agreed to this dub.", _FOOTAGE_HINT)
    if shown.casefold() != head.subject.strip().casefold():
        raise DGTalkerError(
            f"The clip shows {shown}, the head {head.subject or 'somebody who is not named'}: "
            "nobody has agreed that the one speaks with the other's face.",
            _FOOTAGE_HINT,
        )
    return head


def subject_of(clip: Mapping[str, str] | None) -> str:
    """Whom a clip shows by its own record; empty where that was not said."""
    return str((clip or {}).get("subject", "")).strip()
