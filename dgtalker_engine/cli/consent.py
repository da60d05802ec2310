"""The options by which a command is told whose face it is, and who agreed."""

from __future__ import annotations

import argparse

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
    group.add_argument("--date", default="", metavar="DATE", help="when, as 2026-11-28 (default: today)")


def record(options: argparse.Namespace) -> dict[str, str] | None:
    """What was said; None where nothing was."""
    if options.consent is None:
        return None
    texts = ("subject", "scope", "granted_by", "date")
    return {"status": options.consent, **{name: getattr(options, name) for name in texts}}
