"""The words of a strip: shown, corrected in place, moved; and who is listened to again."""

from __future__ import annotations

import wave

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
    strip.dgtalker.transcript = "(to my Ben) [beat]"
    strip.dgtalker.words[1].text = "your"
    assert strip.dgtalker.transcript == "(to my Ben) [beat] Hullo your favorite movie", "stage directions stay"
    strip.dgtalker.words[0].text = "hi"
    assert strip.dgtalker.transcript == "(to my Ben) [beat] hi your favorite movie"


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


def test_a_word_that_is_moved_while_keys_are_written_is_followed_when_they_are_written_again(animated, curve, room):
    head, strip = animated()
    before = curve(head, "jawOpen")
    steps = room("speech.takes.retarget").rewrite_steps(head)
    next(steps)
    strip.dgtalker.words[0].end += 0.1
    room("speech.stepwise").finished(steps)
    assert np.allclose(curve(head, "jawOpen"), before, atol=1e-3)
    room("speech.takes.retarget").rewrite(head)
    assert not np.allclose(curve(head, "jawOpen"), before, atol=0.01)


def test_who_has_not_changed_is_not_listened_to_again(animated, requests, make_head, add_strip, tone):
    ada, line = animated("Ada")
    requests.clear()
    bea = make_head("Bea")
    other = add_strip(tone(), frame=30, head=bea)
    bpy.ops.dgtalker.animate()
    assert requests == ["Bea"]
    line.dgtalker.words[0].text = "hullo"
    bpy.ops.dgtalker.animate()
    assert requests == ["Bea", "Ada"]
    bpy.ops.dgtalker.clear_speech()
    bpy.ops.dgtalker.animate()
    assert requests == ["Bea", "Ada", "Ada", "Bea"]
    assert (ada, bea) == (line.dgtalker.speaker, other.dgtalker.speaker)


def test_this_head_alone_is_animated(animated, requests, make_head, add_strip, tone, spoken_frames):
    ada, _line = animated("Ada")
    requests.clear()
    bea, cleo = make_head("Bea"), make_head("Cleo")
    add_strip(tone("bea"), frame=30, head=bea)
    other = add_strip(tone("cleo", level=0.3), frame=30, head=cleo)
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


def test_a_word_that_is_corrected_while_the_engine_listens_is_kept_for_the_next_time(animated, room):
    head, strip = animated()
    strip.dgtalker.words[0].text = "hullo"
    steps = room("speech.animation").animate_steps(bpy.context, [head])
    next(steps).wait()
    strip.dgtalker.words[1].text = "the"
    assert next(steps, None) is None
    assert texts(strip) == ["hullo", "the", "favorite", "movie"]
    assert "transcript" in room("speech.takes.retarget").outdated_reason(head)
    bpy.ops.dgtalker.animate()
    assert texts(strip) == ["hullo", "the", "favorite", "movie"]
    assert room("speech.takes.retarget").outdated_reason(head) == ""


def test_a_last_word_that_is_dragged_moves_nothing_in_the_strips_after_it(make_head, add_strip, voice, curve):
    head = make_head()
    strip, other = add_strip(voice, frame=30, head=head), add_strip(voice, frame=78, head=head)
    bpy.ops.dgtalker.animate()
    first = int(head.dgtalker_speech.first)
    strip.dgtalker.words[-1].last_frame = 75
    before = curve(head, "jawOpen")
    strip.dgtalker.words[-1].last_frame = 1000
    assert strip.dgtalker.words[-1].last_frame < 78.1
    after = curve(head, "jawOpen")
    assert not np.allclose(before, after, atol=0.01)
    beside = 80 - first
    assert np.allclose(before[beside:], after[beside:], atol=0.01)
    strip.dgtalker.words[-1].last_frame = 76
    before = curve(head, "jawOpen")
    other.dgtalker.words[0].first_frame = 0
    assert other.dgtalker.words[0].first_frame >= 77
    assert np.allclose(before[: 76 - first], curve(head, "jawOpen")[: 76 - first], atol=0.01)


def test_a_line_all_of_whose_words_were_emptied_is_silent(animated, curve):
    head, strip = animated()
    loud = curve(head, "jawOpen").max()
    for word in strip.dgtalker.words:
        word.text = ""
    assert strip.dgtalker.transcript == ""
    bpy.ops.dgtalker.animate()
    assert texts(strip) == []
    assert curve(head, "jawOpen").max() < 0.3 * loud, "the mouth does not follow the sound alone"
    assert bpy.ops.dgtalker.recognise_again() == {"FINISHED"}
    assert not bpy.ops.dgtalker.recognise_again.poll()
    bpy.ops.dgtalker.animate()
    assert len(texts(strip)) > 3
    assert curve(head, "jawOpen").max() == pytest.approx(loud, abs=0.01)


def test_corrected_words_are_not_forced_onto_another_recording(animated, sample, tmp_path):
    _head, strip = animated()
    strip.dgtalker.words[0].text = "banana"
    path = tmp_path / "later.wav"
    with wave.open(str(sample)) as source, wave.open(str(path), "wb") as part:
        part.setparams(source.getparams())
        source.setpos(2 * source.getframerate())
        part.writeframes(source.readframes(2 * source.getframerate()))
    strip.sound = bpy.data.sounds.load(str(path))
    bpy.ops.dgtalker.animate()
    assert texts(strip)
    assert "banana" not in texts(strip)


def test_what_the_engine_said_of_a_take_is_said_again(animated, room):
    head, _strip = animated()
    head.dgtalker_speech.notes = "Two words were hard to hear.\nA word is unknown."
    steps = room("speech.animation").animate_steps(bpy.context, [head])
    with pytest.raises(StopIteration) as end:
        next(steps)
    assert end.value.value[:2] == ["Two words were hard to hear.", "A word is unknown."]


def test_a_stage_direction_acts_at_once_from_its_word_on(animated, curve, requests, room):
    head, strip = animated()
    requests.clear()
    before = {name: curve(head, name) for name in ("browDownLeft", "mouthFrownLeft")}
    strip.dgtalker.transcript = "Hello! (angry, to Ben) My (sits) favorite."
    bpy.ops.dgtalker.animate()
    assert requests == ["Ada"], "whoever types what is said is listened to with it"
    after = {name: curve(head, name) for name in before}
    zero = room("speech.keys.keyframes").span(head).start
    spoken = [round(word.first_frame) - zero for word in strip.dgtalker.words]
    assert np.allclose(after["browDownLeft"][: spoken[0]], before["browDownLeft"][: spoken[0]], atol=0.02)
    assert after["browDownLeft"][spoken[2]] > before["browDownLeft"][spoken[2]] + 0.5
    strip.dgtalker.transcript = "Hello! My (sits) (slightly sad) favorite."
    assert curve(head, "browDownLeft")[spoken[2]] < 0.3
    bpy.ops.dgtalker.animate()
    assert requests == ["Ada"], "how it is said is not listened to"
    (note,) = room("speech.takes.acting").notes(bpy.context.scene, head)
    assert note.endswith("not spoken: (sits).")
