"""People who do not exist: what is asked of them, their codes, and what the engine answers."""

from __future__ import annotations

import json

import numpy as np
import pytest
import tiny_prior

from dgtalker_engine import avatar
from dgtalker_engine.cli.main import main
from dgtalker_engine.errors import Cancelled, DGTalkerError
from dgtalker_engine.server import people
from dgtalker_engine.systems.dgtalker.population.traits import IDENTITY, traits_of
from dgtalker_engine.systems.dgtalker.prior import file, sampling
from dgtalker_engine.systems.dgtalker.prior.sampling import code_of
from dgtalker_engine.wire.people import TRAITS, PersonRequest

ASKED = {"age": 70.0, "skin_tone": 0.9, "beard": 0.8}


def numbers(**asked) -> np.ndarray:
    return code_of(PersonRequest(**asked))[0].numpy()


@pytest.fixture(scope="module")
def prior(tmp_path_factory):
    path = tmp_path_factory.mktemp("prior") / "mine.safetensors"
    path.write_bytes(file.to_bytes(tiny_prior.generator()))
    return path


def draw(people_asked, side=32, progress=lambda fraction, text: None, portraits=None):
    body = bytearray(json.dumps([person.to_json() for person in people_asked]).encode())
    return (portraits or people.Portraits()).draw({"side": side}, body, progress)


def test_a_seed_is_always_the_same_person():
    assert np.array_equal(numbers(seed=3), numbers(seed=3))
    assert not np.array_equal(numbers(seed=3), numbers(seed=4))


@pytest.mark.parametrize("trait", TRAITS, ids=lambda trait: trait.name)
def test_what_is_asked_for_is_what_the_code_says(trait):
    for share in (0.0, 0.3, 1.0):
        asked = trait.least + share * (trait.most - trait.least)
        said = traits_of(numbers(seed=5, traits={trait.name: asked}))[trait.name]
        assert abs(said - asked) < 0.011 * (trait.most - trait.least)


def test_traits_change_nothing_that_was_not_asked_for_by_much():
    before, after = traits_of(numbers(seed=5)), traits_of(numbers(seed=5, traits=ASKED))
    for trait in TRAITS:
        if trait.name not in ASKED:
            assert abs(after[trait.name] - before[trait.name]) < 0.1 * (trait.most - trait.least)


def test_morphing_takes_the_shape_of_another_one_and_mixing_the_colours():
    own, other = numbers(seed=1), numbers(seed=2)
    morphed, mixed = numbers(seed=1, other=2, morph=1.0), numbers(seed=1, other=2, mix=1.0)
    near = {"rtol": 0.15, "atol": 0.02}
    np.testing.assert_allclose(morphed[:IDENTITY], other[:IDENTITY], **near)
    np.testing.assert_allclose(morphed[IDENTITY:], own[IDENTITY:], **near)
    np.testing.assert_allclose(mixed[:IDENTITY], own[:IDENTITY], **near)
    np.testing.assert_allclose(mixed[IDENTITY:], other[IDENTITY:], **near)


def test_half_way_between_two_faces_is_no_mean_face():
    length = np.linalg.norm(numbers(seed=1, other=2, morph=0.5)[:IDENTITY])
    assert length > 0.9 * min(np.linalg.norm(numbers(seed=seed)[:IDENTITY]) for seed in (1, 2))


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"seed": -1}, "seed -1"),
        ({"seed": 1, "morph": 1.5}, "morph"),
        ({"seed": 1, "mix": float("nan")}, "mix"),
        ({"seed": 1, "traits": {"age": 300.0}}, "age"),
        ({"seed": 1, "traits": {"wings": 1.0}}, "wings"),
    ],
)
def test_nobody_is_like_that(asked, said):
    with pytest.raises(DGTalkerError, match=said):
        PersonRequest(**asked)


def test_a_request_survives_the_wire_and_a_damaged_one_is_refused():
    asked = PersonRequest(seed=7, other=12, morph=0.3, mix=1.0, traits=ASKED)
    assert PersonRequest.from_json(json.loads(json.dumps(asked.to_json()))) == asked
    assert asked.title == "Person 7 + 12 (synthetic)"
    for damaged in (None, [], {"seed": 1}, {**asked.to_json(), "traits": 3}, {**asked.to_json(), "seed": "x"}):
        with pytest.raises(DGTalkerError, match="cannot be read"):
            PersonRequest.from_json(damaged)


def test_words_stand_for_numbers():
    age, sex = TRAITS[:2]
    assert (age.value("63"), sex.value("female"), sex.value("0.5")) == (63.0, 0.0, 0.5)
    with pytest.raises(DGTalkerError, match="sex cannot be elf"):
        sex.value("elf")


def test_pictures_of_people_follow_what_is_asked_for(prior, monkeypatch):
    monkeypatch.setenv(file.VARIABLE, str(prior))
    header, pictures = draw([PersonRequest(seed=1), PersonRequest(seed=2), PersonRequest(seed=1, traits=ASKED)])
    assert [picture.shape for picture in pictures] == [(32, 32, 4)] * 3
    assert all((picture[..., 3] == 255).all() for picture in pictures)
    first, second, old = (picture.astype(int) for picture in pictures)
    assert np.abs(first - second).mean() > 1
    assert np.abs(first - old).mean() > 1
    assert header["traits"][2]["age"] == pytest.approx(70, abs=0.1)
    again = draw([PersonRequest(seed=2)])[1]
    assert np.array_equal(again[0], pictures[1])


def test_a_picture_that_nobody_wants_any_more_is_not_drawn(prior, monkeypatch):
    monkeypatch.setenv(file.VARIABLE, str(prior))

    def stop(fraction, text):
        if fraction > 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        draw([PersonRequest(seed=1), PersonRequest(seed=2)], progress=stop)


def test_without_a_prior_the_user_reads_why_and_a_new_one_is_found(prior, tmp_path, monkeypatch):
    path, portraits = tmp_path / "later.safetensors", people.Portraits()
    monkeypatch.setenv(file.VARIABLE, str(path))
    with pytest.raises(DGTalkerError, match="missing") as caught:
        draw([PersonRequest(seed=1)], portraits=portraits)
    assert file.VARIABLE in caught.value.hint
    path.write_bytes(prior.read_bytes())
    assert draw([PersonRequest(seed=1)], portraits=portraits)[1]


@pytest.mark.parametrize(("side", "body"), [(0, b"[]"), (100_000, b"[]"), (32, b"{}"), (32, b"?"), (32, b"[1]")])
def test_requests_for_pictures_that_cannot_be_read_are_refused(side, body):
    with pytest.raises(DGTalkerError, match="cannot be read"):
        people.Portraits().draw({"side": side}, bytearray(body), lambda fraction, text: None)


def test_somebody_of_the_command_line_is_a_synthetic_avatar_that_moves(prior, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(file.VARIABLE, str(prior))
    monkeypatch.setattr(sampling, "_EXAMPLES", 8)
    output = tmp_path / "nobody.dgt"
    words = ["--seed", "3", "--other", "4", "--morph", "0.25", "--age", "60", "--sex", "female"]
    assert main(["avatar", "sample", *words, "-o", str(output)]) == 0
    made = avatar.load(output)
    assert made.metadata.name == "nobody"
    assert made.metadata.consent.status == "synthetic"
    assert made.metadata.sampled.psnr > 30
    asked = PersonRequest(seed=3, other=4, morph=0.25, traits={"age": 60.0, "sex": 0.0})
    assert PersonRequest.from_json(made.metadata.sampled.request) == asked
    assert made.metadata.sampled.traits["age"] == pytest.approx(60, abs=0.1)
    np.testing.assert_allclose(made.metadata.sampled.code, code_of(asked)[0], atol=1e-4)
    weights = made.rig.defaults.copy()
    weights[made.rig.names.index("jawOpen")] = 1
    moved = np.abs(np.asarray(made.pose(weights).means) - np.asarray(made.pose(made.rig.defaults).means)).max()
    assert moved > 5e-3
    capsys.readouterr()
    assert main(["avatar", "info", str(output)]) == 0
    said = capsys.readouterr().out
    for part in ("seed 3", "other 4", "morph 0.25", "age 60", "sex 0"):
        assert part in said


def test_the_command_line_says_what_nobody_is_like(tmp_path, capsys):
    output = tmp_path / "nobody.dgt"
    assert main(["avatar", "sample", "--seed", "7", "--age", "300", "-o", str(output)]) == 1
    assert "age cannot be 300" in capsys.readouterr().err
    assert not output.exists()
