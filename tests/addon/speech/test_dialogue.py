"""Scripts of several speakers: names become heads, lines the transcripts of strips."""

from __future__ import annotations

import bpy
import pytest

SRT = """1
00:00:00,000 --> 00:00:02,000
ADA (angrily): Who took the lamp?

2
00:00:02,500 --> 00:00:03,400
BOB: I did.

3
00:00:03,400 --> 00:00:04,500
It was dark.

4
00:00:20,000 --> 00:00:21,000
CARL: Nobody asked.
"""

FOUNTAIN = "ADA\n(sad)\nWho took the lamp?\n\nBOB\nI did.\n\nADA\nWhy?\n"


@pytest.fixture
def read(tmp_path):
    """`read(name, text)`: reads a script of that content."""

    def into(name: str, text: str) -> None:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        bpy.ops.dgtalker.read_dialogue(filepath=str(path))

    return into


@pytest.fixture
def heads(make_head):
    return make_head("Ada"), make_head("Bob.001")


def said(strip):
    return strip.dgtalker.speaker, strip.dgtalker.transcript


def test_subtitles_go_to_the_strips_at_their_times(heads, add_strip, tone, read):
    ada, bob = heads
    first, second = add_strip(tone("a"), frame=1), add_strip(tone("b"), frame=1 + 60)
    music = add_strip(tone("music"), frame=1 + 200)
    read("film.srt", SRT)
    assert said(first) == (ada, "(angrily) Who took the lamp?")
    assert said(second) == (bob, "I did. It was dark.")
    assert said(music) == (None, "")
    assert second.dgtalker.cues.startswith("00:00:00,000 --> 00:00:00,900\nI did.")


def test_of_strips_at_the_same_time_each_gets_its_speakers_line(heads, add_strip, tone, read):
    ada, bob = heads
    hers, his = add_strip(tone("a"), frame=1, head=ada), add_strip(tone("b"), frame=1, head=bob)
    read("film.vtt", "WEBVTT\n\n00:00.000 --> 00:01.900\n<v Bob>Hello.\n\n00:00.100 --> 00:01.900\n<v Ada>Hi.\n")
    assert said(hers) == (ada, "Hi.")
    assert said(his) == (bob, "Hello.")


def test_music_below_the_lines_says_nothing(heads, add_strip, tone, read):
    music = add_strip(tone("music", seconds=8.0), frame=1)
    first, second = add_strip(tone("a", seconds=1.9), frame=2), add_strip(tone("b"), frame=1 + 60)
    read("film.srt", SRT)
    assert said(music) == (None, "")
    assert (said(first)[0].name, said(second)[0].name) == ("Ada", "Bob.001")


def test_a_fountain_script_goes_to_the_strips_in_order(heads, add_strip, tone, read):
    ada, bob = heads
    strips = [add_strip(tone(name), frame=frame) for name, frame in (("a", 1), ("b", 60), ("c", 120))]
    read("film.fountain", FOUNTAIN)
    assert [said(strip) for strip in strips] == [(ada, "(sad) Who took the lamp?"), (bob, "I did."), (ada, "Why?")]


def test_strips_that_have_speakers_keep_them(heads, add_strip, tone, read):
    ada, bob = heads
    his = add_strip(tone("b"), frame=1, head=bob)
    hers = [add_strip(tone(name), frame=frame, head=ada) for name, frame in (("a", 60), ("c", 120))]
    read("film.fountain", FOUNTAIN)
    assert said(his) == (bob, "I did.")
    assert [said(strip) for strip in hers] == [(ada, "(sad) Who took the lamp?"), (ada, "Why?")]


def test_what_has_no_head_and_no_strip_is_said(room, heads, add_strip, tone):
    from dgtalker_engine.performance.dialogue import lines_of

    add_strip(tone("a"), frame=1)
    given = room("speech.timeline.dialogue").give(bpy.context.scene, list(lines_of(SRT)))
    assert (given.strips, given.lines) == (1, 1)
    assert "No head is called CARL" in given.notes[0]
    assert "3 lines have no strip" in given.notes[1]


def test_without_strips_or_names_the_button_says_so(make_head, add_strip, tone, read):
    with pytest.raises(RuntimeError, match="no sound strips"):
        bpy.ops.dgtalker.read_dialogue(filepath="x.fountain")
    add_strip(tone())
    with pytest.raises(RuntimeError, match="Add the heads"):
        bpy.ops.dgtalker.read_dialogue(filepath="x.fountain")
    make_head()
    with pytest.raises(RuntimeError, match="names nobody"):
        read("plain.txt", "Hello")
    with pytest.raises(RuntimeError, match="No head is called BOB"):
        read("bob.txt", "BOB: Hello")
