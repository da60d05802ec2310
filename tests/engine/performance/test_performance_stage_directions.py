"""Stage directions in a transcript: what they mean, and where they lie in what was heard."""

from __future__ import annotations

import pytest

from dgtalker_engine.performance import Direction, Word
from dgtalker_engine.performance.directed_lines import directed, matched, moved, notes, placed
from dgtalker_engine.performance.stage_directions import (
    MANNERS,
    PAUSES,
    as_heard,
    parts_between_pauses,
    read,
    spoken,
)
from dgtalker_engine.performance.styles import STYLES

WORDS = tuple(
    Word(name, start, end)
    for name, start, end in (
        ("who", 0.2, 0.5), ("took", 0.5, 0.8), ("it", 0.8, 1.0), ("not", 2.4, 2.7), ("me", 2.7, 3.0), ("go", 3.1, 3.4),
    )
)  # fmt: skip
LINE = Direction(-0.5, 4.5, lips=0.5, styles={"happy": 0.4})


def parts(text, words=WORDS):
    return directed(LINE, placed(text, words, 0.0, 4.0))


@pytest.mark.parametrize(
    ("text", "styles"),
    [
        ("(angry)", {"angry": 1.0}),
        ("[Angrily]", {"angry": 1.0}),
        ("(SADLY, to Ben)", {"sad": 1.0}),
        ("(slightly tired)", {"tired": 0.5}),
        ("[laughs]", {"happy": 1.0}),
        ("(calm)", {"neutral": 1.0}),
    ],
)
def test_common_words_are_styles(text, styles):
    (found,) = read(text)
    assert found.known
    assert dict(found.manner.styles) == styles


def test_every_style_of_the_table_exists():
    assert {name for manner in MANNERS.values() for name in manner.styles or ()} <= set(STYLES)
    assert not PAUSES & set(MANNERS)


@pytest.mark.parametrize(
    "text",
    ["(to Ben)", "(not angry)", "(don't shout)", "(no pause)", "[door opens]", "(he is so angry that the door breaks)"],
)
def test_what_means_nothing_is_named_and_never_spoken(text):
    found = placed(f"Who took it? {text} Not me. Go!", WORDS, 0.0, 4.0)
    assert len(directed(LINE, found)) == 1
    assert text in notes(found)[0]
    assert spoken(f"a {text} b").split() == ["a", "b"]


def test_what_says_where_a_voice_comes_from_is_no_surprise():
    assert notes(placed("(V.O.) Who took it? (CONT'D) Not me.", WORDS, 0.0, 4.0)) == []


def test_a_style_holds_from_its_word_to_the_next_direction_and_to_the_lines_end():
    first, angry, soft = parts("Who took it? (angry) Not me. (whispering) Go!")
    assert (first.start, first.end, first.styles) == (-0.5, 2.1, {"happy": 0.4})
    assert (angry.start, angry.end, dict(angry.styles)) == (2.1, pytest.approx(3.05), {"angry": 1.0})
    assert (soft.end, soft.styles) == (4.5, {"happy": 0.4}), "whispering leaves the line its style"
    assert (angry.lips, soft.lips) == (0.5, pytest.approx(0.45))


def test_before_the_first_word_it_holds_from_the_beginning():
    (only,) = parts("(sad) Who took it? Not me. Go!")
    assert (only.start, only.end, dict(only.styles)) == (-0.5, 4.5, {"sad": 1.0})
    (only,) = parts("(sad)")
    assert dict(only.styles) == {"sad": 1.0}, "of a line whose words nobody typed"


def test_the_mouth_rests_where_the_recording_pauses():
    before, rest, after = parts("Who took it? [pause 1.5] Not me. Go!")
    assert (rest.start, rest.end) == (pytest.approx(1.2), pytest.approx(2.2))
    assert (rest.lips, rest.jaw, before.lips, after.lips) == (0.0, 0.0, 0.5, 0.5)


def test_the_sound_decides_where_a_pause_lies():
    assert [part.start for part in parts("Who took (beat) it? Not me. Go!")][1] == pytest.approx(1.2)
    missing = placed("Who [pause] took it? Not me. Go!", WORDS, 0.0, 4.0)
    assert len(directed(LINE, missing)) == 1
    assert notes(missing) == ['[pause] after "who": the recording does not pause there.']
    (longer,) = notes(placed("Who took it? [pause 5] Not me. Go!", WORDS, 0.0, 4.0))
    assert "pauses for 1.4 s" in longer


def test_words_that_are_heard_otherwise_move_nothing():
    (_, angry) = parts("Whom took it (angry) nope, 3 me go")
    assert angry.start == pytest.approx(2.1)


def test_of_a_line_that_is_cut_each_part_keeps_its_own():
    text = "(sad) Who took it? (angry) Not me. Go!"
    (sad,) = directed(LINE, placed(text, WORDS[:3], 0.0, 1.2))
    (angry,) = directed(LINE, placed(text, WORDS[3:], 0.0, 1.2))
    assert (dict(sad.styles), dict(angry.styles)) == ({"sad": 1.0}, {"angry": 1.0})


def test_a_line_elsewhere_has_them_there():
    (found,) = placed("Who took it? [pause] Not me. Go!", WORDS, 0.0, 4.0)
    assert moved(found, 2.0).silence == (3.0, pytest.approx(4.4))


def test_how_it_is_said_is_not_listened_to():
    assert as_heard("(angry) Who took it? [Pause 2] Not me") == "Who took it? [pause] Not me"
    assert as_heard("no  brackets") == "no  brackets"
    assert [part.split() for part in parts_between_pauses("A (sad) b [beat] c")] == [["A", "b"], ["c"]]


@pytest.mark.parametrize("piece", ["(", "[", "((a)", "(a[", "()", "a ", "(sad)"])
def test_no_text_takes_long(piece):
    text = piece * (60_000 // len(piece))
    read(text)
    as_heard(text)


def test_long_lines_do_not_take_long():
    count = 1000
    words = tuple(Word("a", float(i), i + 0.05) for i in range(count))
    found = placed("[pause] a (sad) " * count, words, 0.0, float(count))
    assert len(directed(Direction(0.0, float(count)), found)) > count
    assert [each.start for each in found[1:4:2]] == [pytest.approx(0.7), pytest.approx(1.7)]
    (note,) = notes(placed("".join(f"({i}) a " for i in range(20)), words[:20], 0.0, 20.0))
    assert note.endswith("(4) and 15 more.")


def test_words_of_a_long_line_are_found_where_some_were_heard_otherwise():
    said = [f"w{i * i % 997}" for i in range(900)]
    heard = [word if i % 10 else "x" for i, word in enumerate(said) if i not in range(300, 320)]
    at = matched(said, heard)
    assert [at[i] for i in (0, 1, 299, 321, 899, 900)] == [0, 1, 299, 301, 879, 880]
