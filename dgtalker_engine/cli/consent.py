"""The options by which a command is told whose face it is, and who agreed."""

from __future__ import annotations

import argparse
import datetime

from ..errors import DGTalkerError
from ..wire.consent import NEEDED


def add_options(command: argparse.ArgumentParser, text: str, *, required: bool) -> None:
    group = command.add_argument_group("consent", text)
    group.add_argument(
        "--consent",
        choices=tuple(NEEDED),
        required=required,
        help="your own face, a face with a signed consent, or nobody's",
    )
    group.add_argument("--subject", default="", required=required, metavar="WHO", help="whose face it is")
    group.add_argument("--scope", default="", metavar="WHAT", help="what it may be used for")
    group.add_argument("--granted-by", default="", metavar="WHO", help="who agreed (default: the subject, for `self`)")
    group.add_argument(
        "--date", default="", metavar="DATE", help="when, as 2026-11-28 (default: today; a signed consent needs it)"
    )


def record(options: argparse.Namespace) -> dict[str, str] | None:
    """What was said, today where it says nothing else and needs no signature; None where nothing was.

    Raises:
        DGTalkerError: whose consent it is was said, and not of which kind.
    """
    said: dict[str, str] = {name: getattr(options, name) for name in ("subject", "scope", "granted_by", "date")}
    if options.consent is None:
        if any(said.values()):
            raise DGTalkerError("Who agreed to what is said without --consent.", f"Add it: {', '.join(NEEDED)}.")
        return None
    if options.consent != "signed":
        said["date"] = said["date"] or datetime.date.today().isoformat()
    return {"status": options.consent, **said}
