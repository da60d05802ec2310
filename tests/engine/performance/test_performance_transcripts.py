"""Transcripts: what is read of subtitles, and that no text takes long."""

from __future__ import annotations

import pytest

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import transcripts
from dgtalker_engine.performance.transcripts import Cue

HEAD = "1\n00:00:00,000 --> 00:00:01,000\n"
MANY = 2_000_000
"""With any pattern that looks at letters twice these take hours, and the suite ends them."""
PIECES = ["<", "{", "<{", "<a", "&", "&#", "&#9", "9", "9:", " ", "-->", "\r", "\\N", "Format:,"]


@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("before", ["", HEAD, "[Events]\nFormat: Start, End, Text\nDialogue: 0:00:01.00,0:00:02.00,"])
def test_whatever_a_text_repeats_is_read_at_once(before, piece):
    for cue in transcripts.cues(before + piece * (MANY // len(piece)) + "\n-->"):
        assert cue.end > cue.start


def test_a_hundred_thousand_subtitles_are_all_read():
    times = (f"{i // 3600:02d}:{i // 60 % 60:02d}:{i % 60:02d},000" for i in range(100_000))
    found = transcripts.cues("\n".join(f"1\n{time} --> 99:00:00,000\nHello <i>you</i>\n" for time in times))
    assert [cue.start for cue in found] == list(range(100_000))
    assert {cue.text for cue in found} == {"Hello  you"}


def test_numbers_of_thousands_of_digits_are_no_time_and_no_letter():
    nines = "9" * 5000
    assert transcripts.cues(f"{nines}:00:00,000 --> {nines}:00:01,000\nHello") == []
    (cue,) = transcripts.cues(f"{HEAD}a&#{nines};b &amp; c")
    assert cue.text.startswith("a")
    assert cue.text.endswith("b & c")


def test_markup_and_lone_brackets():
    (cue,) = transcripts.cues(HEAD + "<v Ann>One <i>two</i> {\\an8}three < four } five")
    assert cue.text.split() == ["One", "two", "three", "<", "four", "}", "five"]


ASS = r"""[Script Info]
ScriptType: v4.00+
; --> a note

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,20

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
Comment: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,not said
Dialogue: 0,0:00:02.00,0:00:04.50,Default,,0,0,0,,has a {\i1}big{\i0},\Npurple fish.
Dialogue: 0,0:00:00.00,0:00:00.90,Default,Ann,0,0,0,,Hello!
Dialogue: 0,0:00:00.00,0:00:09.00,Default,,0,0,0,,{\p1}m 0 0 l 10 10{\p0}
Dialogue: 0,0:00:05.00,0:00:04.00,Default,,0,0,0,,backwards
Dialogue: broken
"""


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_substation_alpha(end):
    found = transcripts.cues(ASS.replace("\n", end))
    assert [(cue.start, cue.end) for cue in found] == [(0.0, 0.9), (2.0, 4.5)]
    assert " ".join(" ".join(cue.text for cue in found).split()) == "Hello! has a big , purple fish."


@pytest.mark.parametrize(
    "text",
    [
        "[Script Info]\n[Events]\nFormat: Start, End, Text\nDialogue: 99999:00:00.00,0:00:01.00,Hello\n",
        "WEBVTT\n\nNOTE nothing is said\n",
        "1\n00:00:02,000 --> 00:00:01,000\nbackwards\n",
    ],
)
def test_subtitles_of_which_none_can_be_read_are_not_taken_for_words(tmp_path, text):
    path = tmp_path / "lines.txt"
    path.write_text(text)
    with pytest.raises(DGTalkerError, match="no subtitles that can be read"):
        transcripts.read_transcript(path)


def test_columns_of_substation_alpha_are_as_the_file_says():
    text = "[Events]\nFormat: End, Start, Text\nDialogue: 0:00:02.00,0:00:01.00,Hello, you\n"
    assert transcripts.cues(text) == [Cue(1.0, 2.0, "Hello, you")]


@pytest.mark.parametrize("path", ["a\0b.srt", "\udcff.srt", "x" * 5000, "/dev/zero", "/"], ids=ascii)
def test_a_path_that_cannot_be_read_is_one_clear_error(path):
    with pytest.raises(DGTalkerError):
        transcripts.read_transcript(path)
