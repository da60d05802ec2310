"""Scripts of several speakers: who says what, when, and how."""

from __future__ import annotations

import pytest

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance.dialogue import lines_of, read_dialogue, same_name

FOUNTAIN = """Title: The Lamp
Author: Somebody

INT. KITCHEN - DAY

ROBIN looks up.

ROBIN (V.O.)
(angrily)
Who took *the lamp*?

/* WREN
This was cut. */

WREN ^
I did. [pause] [[a note]]
It was dark.

@McLeod
  So what?

CUT TO:

> FADE OUT <
"""


def said(text, **options):
    return [(line.speaker, line.text) for line in lines_of(text, **options)]


def test_fountain():
    found = list(lines_of(FOUNTAIN, fountain=True))
    assert [(line.speaker, line.text) for line in found] == [
        ("ROBIN", "(angrily) Who took the lamp?"),
        ("WREN", "I did. [pause] It was dark."),
        ("McLeod", "So what?"),
    ]


def test_voices_of_webvtt_have_times():
    first = "00:01.000 --> 00:03.000\n<v Robin>Hello <i>there.</i></v>"
    second = "00:03.000 --> 00:05.000\n<v.loud Wren Smith>Hi!<v Robin>Oh."
    found = list(lines_of(f"WEBVTT\n\n{first}\n\n{second}"))
    assert [(line.speaker, line.text) for line in found] == [
        ("Robin", "Hello there."),
        ("Wren Smith", "Hi!"),
        ("Robin", "Oh."),
    ]
    assert [(line.start, line.end) for line in found] == [(1.0, 3.0), (3.0, 4.0), (4.0, 5.0)]


def test_names_before_a_colon_in_subtitles_and_texts():
    srt = "1\n00:00:00,000 --> 00:00:01,000\nROBIN (happily): At nine: sharp."
    first, second = lines_of(f"{srt}\n\n2\n00:00:02,000 --> 00:00:03,000\nand not later")
    assert (first.speaker, first.text) == ("ROBIN", "(happily) At nine: sharp.")
    assert (second.speaker, second.text) == ("", "and not later")
    assert said("Robin: Hello,\nyou.\n\nSome action.\nWREN: At 9:30.") == [
        ("Robin", "Hello, you."),
        ("WREN", "At 9:30."),
    ]


@pytest.mark.parametrize("rows", ["- Robin: Who is\n<i>there</i>?\n- Wren: Me.", "ROBIN: Who is\nthere?\nWREN: Me."])
def test_two_who_speak_in_one_subtitle_are_told_apart(rows):
    found = list(lines_of(f"1\n00:00:01,000 --> 00:00:02,000\n{rows}\n"))
    assert [(line.speaker.lower(), line.text.replace(" ?", "?")) for line in found] == [
        ("robin", "Who is there?"),
        ("wren", "Me."),
    ]
    assert (found[0].start, found[1].end) == (1.0, 2.0)


def test_the_name_of_substation_alpha():
    text = "[Events]\nFormat: Start, End, Name, Text\nDialogue: 0:00:01.00,0:00:02.00,Wren,{\\i1}Hi"
    assert said(text) == [("Wren", "Hi")]


def test_names_are_found_again():
    assert same_name("ROBIN", "Robin.001")
    assert same_name("MARY ANN", "mary-ann")
    assert not same_name("ROBIN", "Robina")
    assert not same_name("", "...")


@pytest.mark.parametrize("piece", ["A", "A: ", "(", "A\nB\n\n", "[[", "/*", "<v A>", "ROBIN\n(", "@", "- ", "*_"])
@pytest.mark.parametrize("fountain", [False, True])
def test_no_script_takes_long(piece, fountain):
    list(lines_of("\n" + piece * (300_000 // len(piece)), fountain=fountain))
    list(lines_of("1\n00:00:00,000 --> 00:00:01,000\n" + piece * (300_000 // len(piece)), fountain=fountain))


def test_a_script_that_names_nobody_is_refused(tmp_path):
    path = tmp_path / "script.txt"
    path.write_text("Hello there")
    with pytest.raises(DGTalkerError, match="names nobody"):
        read_dialogue(path)
