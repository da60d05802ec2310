"""Which avatars an engine holds, and which it lets go."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.server.open_avatars import OpenAvatars
from dgtalker_engine.server.session import UnknownAvatar


def avatar(name: str, nbytes: int) -> Any:
    return SimpleNamespace(metadata=SimpleNamespace(hash=name, name=name), nbytes=nbytes)


def held(avatars: OpenAvatars, names: str) -> str:
    """Which of these avatars are held; asks in an order that makes the first the one used least recently."""
    found = ""
    for name in names:
        try:
            avatars.get([name])
        except UnknownAvatar:
            continue
        found += name
    return found


def test_avatars_within_the_bound_stay():
    avatars = OpenAvatars(30)
    for name in "abc":
        avatars.add(avatar(name, 10))
    assert held(avatars, "abc") == "abc"


def test_the_one_used_least_recently_goes_first():
    avatars = OpenAvatars(30)
    for name in "abc":
        avatars.add(avatar(name, 10))
    avatars.get(["a"])
    avatars.add(avatar("d", 10))
    assert held(avatars, "abcd") == "acd"


def test_as_many_go_as_have_to():
    avatars = OpenAvatars(30)
    for name in "abc":
        avatars.add(avatar(name, 10))
    avatars.add(avatar("d", 20))
    assert held(avatars, "abcd") == "cd"


def test_one_avatar_larger_than_the_bound_is_held_until_another_comes():
    avatars = OpenAvatars(30)
    avatars.add(avatar("a", 10))
    avatars.add(avatar("b", 500))
    assert held(avatars, "ab") == "b"
    avatars.add(avatar("c", 10))
    avatars.get(["c"])
    assert held(avatars, "bc") == "c"


def test_what_a_picture_needs_can_be_opened_one_by_one_however_large_it_is_together():
    avatars = OpenAvatars(30)
    needed = ["a", "b", "c"]
    for name in needed:
        with pytest.raises(UnknownAvatar) as caught:
            avatars.get(needed)
        assert caught.value.avatar == name
        avatars.add(avatar(name, 20))
    assert [each.metadata.hash for each in avatars.get(needed)] == needed


def test_an_avatar_that_grows_while_it_is_used_counts_as_what_it_has_become():
    avatars = OpenAvatars(30)
    grows = avatar("b", 10)
    avatars.add(avatar("a", 10))
    avatars.add(grows)
    grows.nbytes = 25
    avatars.get(["b"])
    assert held(avatars, "ab") == "b"


def test_opening_an_avatar_again_holds_it_once():
    avatars = OpenAvatars(30)
    for name in "abaa":
        avatars.add(avatar(name, 15))
    assert held(avatars, "ab") == "ab"


def test_an_avatar_says_how_its_person_speaks_as_long_as_it_is_held():
    avatars = OpenAvatars(10)
    avatars.add(avatar("a", 10), b"slowly")
    assert avatars.manner("a") == b"slowly"
    avatars.add(avatar("b", 10))
    with pytest.raises(DGTalkerError, match="does not say"):
        avatars.manner("b")
    with pytest.raises(UnknownAvatar):
        avatars.manner("a")
