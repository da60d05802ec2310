"""Transcripts from files, on strips that are trimmed, slipped and cut."""

from __future__ import annotations

import bpy
import pytest

SRT = """1
00:00:00,000 --> 00:00:00,900
Hello!

2
00:00:00,900 --> 00:00:02,000
My <i>favorite</i> movie

3
00:00:02,000 --> 00:00:04,500
has a big purple fish.
"""


@pytest.fixture
def strip(make_head, add_strip, sample):
    strip = add_strip(sample, 30, make_head())
    bpy.context.scene.sequence_editor.active_strip = strip
    return strip


@pytest.fixture
def read(tmp_path):
    """`read(name, text)`: reads a file of that content into the active strip."""

    def into(name: str, text: str) -> None:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        bpy.ops.dgtalker.read_transcript(filepath=str(path))

    return into


def passage(room, strip) -> dict:
    """What the engine would be told of the strip."""
    strips, animation = room("speech.timeline.strips"), room("speech.animation")
    scene = bpy.context.scene
    (sound,) = (each for each in strips.sound_strips(scene) if each.strip == strip)
    return animation._passage(scene, sound, strips.clock(scene), 18)


def test_plain_text_is_read(strip, read):
    read("line.txt", "Hello!\n\nMy  favorite movie\n")
    assert strip.dgtalker.transcript == "Hello! My favorite movie"


@pytest.mark.parametrize("name", ["line.srt", "line.vtt"])
def test_subtitles_keep_their_times(room, strip, read, name):
    read(name, SRT if name.endswith("srt") else "WEBVTT\n\n" + SRT.replace(",", "."))
    assert strip.dgtalker.transcript == "Hello! My favorite movie has a big purple fish."
    assert "00:00:00,900 --> 00:00:02,000\nMy favorite movie" in passage(room, strip)["transcript"].replace("  ", " ")


def test_a_trimmed_strip_gets_only_what_it_plays(room, strip, read, trim):
    trim(strip, 30 + 21, 30 + 48)
    read("line.srt", SRT)
    assert strip.dgtalker.transcript == "My favorite movie"
    assert passage(room, strip)["transcript"].startswith("00:00:00,025 --> 00:00:01,125")


def test_trimming_afterwards_counts_too(room, strip, read, trim):
    read("line.srt", SRT)
    trim(strip, 30 + 21, 30 + 48)
    assert "Hello" not in passage(room, strip)["transcript"]
    assert "purple" not in passage(room, strip)["transcript"]


def test_moving_the_strip_keeps_the_times(room, strip, read):
    read("line.srt", SRT)
    before = passage(room, strip)["transcript"]
    start = "content_start" if bpy.app.version >= (5, 2) else "frame_start"
    setattr(strip, start, 500)
    assert passage(room, strip)["transcript"] == before


def test_words_that_are_edited_lose_their_times(room, strip, read):
    read("line.srt", SRT)
    strip.dgtalker.transcript = "Hello! My favourite film has a big purple fish."
    assert passage(room, strip)["transcript"] == "Hello! My favourite film has a big purple fish."


def test_reading_and_animating_fits(strip, read):
    read("line.srt", SRT)
    assert bpy.ops.dgtalker.animate() == {"FINISHED"}
    bpy.ops.dgtalker.show_phones(kind="PHONES")
    assert "/P/" in {marker.name for marker in bpy.context.scene.timeline_markers}


def test_files_that_cannot_be_read_change_nothing(strip, read, tmp_path, trim):
    strip.dgtalker.transcript = "mine"
    for name, text, message in (
        ("empty.txt", " \n", "no words"),
        ("broken.srt", "1\n00:00:01 --> soon\n", "no subtitles that can be read"),
    ):
        with pytest.raises(RuntimeError, match=message):
            read(name, text)
    with pytest.raises(RuntimeError, match="cannot be read"):
        bpy.ops.dgtalker.read_transcript(filepath=str(tmp_path / "none.txt"))
    trim(strip, 30 + 112, 30 + 115)
    with pytest.raises(RuntimeError, match="lies within the strip"):
        read("line.srt", SRT.replace("00:00:04,500", "00:00:03,500"))
    assert strip.dgtalker.transcript == "mine"


def test_without_a_strip_the_button_says_so(tmp_path):
    with pytest.raises(RuntimeError, match="Choose a sound strip"):
        bpy.ops.dgtalker.read_transcript(filepath=str(tmp_path / "x.txt"))
