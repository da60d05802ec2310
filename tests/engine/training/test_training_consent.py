from __future__ import annotations

import pytest

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.training.consent import required_consent

SIGNED = {
    "subject": "Ada Example",
    "scope": "One film",
    "granted_by": "Ada Example",
    "date": "2026-11-28",
    "status": "signed",
}


def test_a_whole_consent_is_taken_as_it_was_given():
    consent = required_consent(SIGNED)
    assert (consent.subject, consent.status, consent.date) == ("Ada Example", "signed", "2026-11-28")


def test_a_synthetic_face_needs_only_a_name():
    assert required_consent({"status": "synthetic", "subject": "Nobody"}).status == "synthetic"


@pytest.mark.parametrize(
    ("record", "said"),
    [
        ({}, "no consent"),
        (SIGNED | {"status": "unknown"}, "no consent"),
        (SIGNED | {"status": "surely"}, "no consent"),
        (SIGNED | {"subject": "  "}, "no subject"),
        (SIGNED | {"granted_by": ""}, "no granted by"),
        (SIGNED | {"date": ""}, "no date"),
        (SIGNED | {"date": "yesterday"}, "is no date"),
        ({"status": "self", "subject": "Ada"}, "no scope and no granted by"),
    ],
)
def test_what_does_not_say_who_agreed_to_what_is_refused_with_a_hint(record, said):
    with pytest.raises(DGTalkerError, match=said) as refused:
        required_consent(record)
    assert refused.value.hint
