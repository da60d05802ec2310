from __future__ import annotations

from dataclasses import replace

import pytest

from dgtalker_engine.avatar import Consent
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.training.consent import footage_consent, required_consent

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


def test_who_shows_their_own_face_agrees_to_it_and_gets_no_date_that_was_not_said():
    consent = required_consent({"status": "self", "subject": "Ada", "scope": "One film"})
    assert (consent.granted_by, consent.date) == ("Ada", "")


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
        (SIGNED | {"date": "yesterday"}, "is no date"),
        (SIGNED | {"date": ""}, "has no date"),
        ({"status": "self", "subject": "Ada"}, "no scope"),
        ({"status": "signed", "subject": "Ada"}, "no scope and no granted by"),
    ],
)
def test_what_does_not_say_who_agreed_to_what_is_refused_with_a_hint(record, said):
    with pytest.raises(DGTalkerError, match=said) as refused:
        required_consent(record)
    assert refused.value.hint


ADA = Consent(**SIGNED)


def test_a_head_may_be_put_into_a_clip_of_the_same_person():
    assert footage_consent(ADA, {"subject": "ada example ", "status": "signed"}, None) == ADA


@pytest.mark.parametrize(
    ("head", "clip", "said"),
    [
        (ADA, None, "Whom the clip shows was not said"),
        (ADA, {"subject": ""}, "Whom the clip shows was not said"),
        (ADA, {"subject": "Bob"}, "shows Bob, the head Ada Example"),
    ],
)
def test_into_footage_of_somebody_else_a_head_goes_only_where_they_have_agreed(head, clip, said):
    with pytest.raises(DGTalkerError, match=said) as refused:
        footage_consent(head, clip, None)
    assert "--consent" in refused.value.hint
    bob = SIGNED | {"subject": "Bob", "granted_by": "Bob"}
    assert footage_consent(head, clip, bob).subject == "Bob"
    with pytest.raises(DGTalkerError, match="no scope"):
        footage_consent(head, clip, bob | {"scope": ""})


def test_a_head_to_which_nobody_agreed_goes_into_no_footage():
    for stated in (None, SIGNED):
        with pytest.raises(DGTalkerError, match="Nobody has agreed to this head"):
            footage_consent(replace(ADA, status="unknown"), {"subject": "Ada Example"}, stated)


def test_what_is_said_of_the_footage_is_about_whom_the_clip_shows():
    with pytest.raises(DGTalkerError, match="shows Bob, and not Ada Example"):
        footage_consent(ADA, {"subject": "Bob"}, SIGNED)
    assert footage_consent(ADA, {"subject": "ADA example"}, SIGNED) == ADA
