"""The words of a strip: shown, corrected in place, moved; and who is listened to again."""

from __future__ import annotations

import bpy
import numpy as np
import pytest


def texts(strip: bpy.types.Strip) -> list[str]:
    return [word.text for word in strip.dgtalker.words]


@pytest.fixture
def requests(room, monkeypatch):
    """What the engine is asked for to be listened to."""
    animation, asked = room("speech.animation"), []
    request = animation._request

    def noted(scene, head, *others):
        asked.append(head.name)
        return request(scene, head, *others)

    monkeypatch.setattr(animation, "_request", noted)
    return asked


def test_a_strip_shows_what_was_recognised_and_when(animated):
    _head, strip = animated(frame=30)
    assert texts(strip) == ["hello", "my", "favorite", "movie"]
    frames = [time for word in strip.dgtalker.words for time in (word.first_frame, word.last_frame)]
    assert frames == sorted(frames)
    assert 30 <= frames[0] < frames[-1] <= 79
    strip.dgtalker.active_word = 2
    assert bpy.context.scene.frame_current == round(strip.dgtalker.words[2].first_frame)
    before = [word.first_frame for word in strip.dgtalker.words]
    setattr(strip, "content_start" if bpy.app.version >= (5, 2) else "frame_start", 130)
    assert np.allclose([word.first_frame for word in strip.dgtalker.words], np.array(before) + 100, atol=0.01)
    strip.dgtalker.words[1].first_frame = -100
    strip.dgtalker.words[2].last_frame = 1000
    frames = [time for word in strip.dgtalker.words for time in (word.start, word.end)]
    assert frames == sorted(frames), "no word passes another"


def test_a_corrected_word_is_said_and_the_others_stay(animated, curve, room):
    head, strip = animated()
    strip.dgtalker.words[0].first_frame -= 2
    moved = strip.dgtalker.words[0].start
    before = [(word.found_start, word.found_end) for word in strip.dgtalker.words]
    strip.dgtalker.words[1].text = "the"
    assert strip.dgtalker.transcript == "hello the favorite movie"
    assert "transcript" in room("speech.takes.retarget").outdated_reason(head)
    bpy.ops.dgtalker.animate()
    assert texts(strip) == ["hello", "the", "favorite", "movie"]
    assert room("speech.takes.retarget").outdated_reason(head) == ""
    after = [(word.found_start, word.found_end) for word in strip.dgtalker.words]
    assert np.allclose(before[2:], after[2:], atol=0.06)
    assert strip.dgtalker.words[0].start == pytest.approx(moved, abs=0.03)
    assert "DH" in {phone.name for phone in room("speech.takes.storage").take_of(head).phones}


def test_a_correction_keeps_the_punctuation_of_a_transcript(animated):
    _head, strip = animated()
    strip.dgtalker.transcript = "Hello! My favorite movie."
    strip.dgtalker.words[0].text = "Hullo"
    assert strip.dgtalker.transcript == "Hullo! My favorite movie."
    assert strip.dgtalker.words_certain
    strip.dgtalker.transcript = "Hello!"
    assert not strip.dgtalker.words_certain


def test_a_word_that_nobody_says_is_left_out(animated):
    _head, strip = animated()
    strip.dgtalker.words[1].text = ""
    assert strip.dgtalker.transcript == "hello favorite movie"
    bpy.ops.dgtalker.animate()
    assert texts(strip) == ["hello", "favorite", "movie"]


def test_a_word_that_is_moved_takes_the_mouth_with_it_at_once(animated, curve, requests):
    head, strip = animated()
    requests.clear()
    before = curve(head, "jawOpen")
    words = strip.dgtalker.words
    end, last = words[0].last_frame, words[3].first_frame
    words[0].last_frame = end + 4
    assert words[0].last_frame == pytest.approx(end + 4, abs=0.01)
    after = curve(head, "jawOpen")
    assert not np.allclose(before, after, atol=0.01)
    far = round(last) - 18  # from the first frame of the take on
    assert np.allclose(before[far:], after[far:], atol=1e-3)
    bpy.ops.dgtalker.put_words_back()
    assert np.allclose(curve(head, "jawOpen"), before, atol=1e-3)
    head.data.shape_keys.animation_data.action = None
    bpy.ops.dgtalker.animate()
    assert np.allclose(curve(head, "jawOpen"), before, atol=1e-3), "keys are written anew all the same"
    assert requests == []


def test_who_has_not_changed_is_not_listened_to_again(animated, requests, make_head, add_strip, voice):
    ada, line = animated("Ada")
    requests.clear()
    bea = make_head("Bea")
    other = add_strip(voice, frame=30, head=bea)
    bpy.ops.dgtalker.animate()
    assert requests == ["Bea"]
    line.dgtalker.words[0].text = "hullo"
    bpy.ops.dgtalker.animate()
    assert requests == ["Bea", "Ada"]
    bpy.ops.dgtalker.clear_speech()
    bpy.ops.dgtalker.animate()
    assert requests == ["Bea", "Ada", "Ada", "Bea"]
    assert (ada, bea) == (line.dgtalker.speaker, other.dgtalker.speaker)


def test_this_head_alone_is_animated(animated, requests, make_head, add_strip, voice, spoken_frames):
    ada, _line = animated("Ada")
    requests.clear()
    bea, cleo = make_head("Bea"), make_head("Cleo")
    add_strip(voice, frame=30, head=bea)
    other = add_strip(voice, frame=30, head=cleo)
    bpy.context.scene.sequence_editor.active_strip = other
    bpy.ops.dgtalker.animate_head()
    assert requests == ["Cleo"]
    assert len(spoken_frames(cleo))
    assert not bea.data.shape_keys.animation_data
    bpy.context.scene.sequence_editor.active_strip = None
    bpy.context.view_layer.objects.active = bea
    bpy.ops.dgtalker.animate_head()
    assert requests == ["Cleo", "Bea"]
    assert ada.dgtalker_speech.take


def test_what_a_corrected_line_plays_besides_its_words_is_recognised(make_head, add_strip, sample, trim, room):
    strip = add_strip(sample, frame=30, head=make_head())
    trim(strip, 30, 54)
    bpy.ops.dgtalker.animate()
    assert texts(strip) == ["hello"]
    strip.dgtalker.words[0].text = "hullo"
    trim(strip, 30, 140)
    bpy.ops.dgtalker.animate()
    assert texts(strip)[0] == "hullo"
    assert "movie" in texts(strip)
