"""Whose face it is, and who agreed: what a record must say before a face is used, for Blender and the engine alike.

A record has the fields of a .dgt file's consent: `subject`, `scope`, `granted_by`, `date`, `status`.
"""

from __future__ import annotations

from collections.abc import Mapping

NEEDED: dict[str, tuple[str, ...]] = {
    "self": ("subject", "scope", "granted_by"),
    "signed": ("subject", "scope", "granted_by", "date"),
    "synthetic": ("subject",),
}
"""By status what else must be said; nobody's face needs nobody's leave."""

_TEXTS = ("subject", "scope", "granted_by", "date")


def completed(record: Mapping[str, str]) -> dict[str, str]:
    """The record with what goes without saying: who shows their own face agrees to it."""
    said = {name: str(record.get(name, "")).strip() for name in _TEXTS}
    said["status"] = str(record.get("status", "unknown"))
    if said["status"] == "self":
        said["granted_by"] = said["granted_by"] or said["subject"]
    return said


def missing(record: Mapping[str, str]) -> tuple[str, ...]:
    """The fields that a completed record lacks: `status` alone where nobody has agreed; empty where all is said."""
    if record["status"] not in NEEDED:
        return ("status",)
    return tuple(name for name in NEEDED[record["status"]] if not record[name])
