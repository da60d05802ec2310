"""From the sound strips of heads to their keys: mix, ask the engine, write."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Sequence
from typing import Any

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance.stage_directions import as_heard
from dgtalker_engine.performance.transcripts import cues
from dgtalker_engine.wire import MAX_BODY

from ..bridge import avatars, engine
from ..head import model
from ..properties import speaker_properties, strip_properties
from . import listening
from .keys import keyframes, visibility
from .keys.moves import Move
from .keys.punch_in import Punch
from .takes import acting, line_bank, lines, listeners, other_scenes, retarget, storage, wanted, words
from .takes.line_bank import PlacedLine
from .timeline import mixdown, one_clock, sound_identity, speakers, strips, subtitles
from .timeline.timing import Clock, Span, in_frames, whole_take

MAX_PASSAGES = MAX_BODY - 2 * mixdown.MAX_SAMPLES
"""Bytes of JSON that follow the longest sound."""


def animate(context: bpy.types.Context, heads: Sequence[bpy.types.Object]) -> list[str]:
    """Animate heads from their sound strips, and wait for it.

    Returns:
        Sentences for the user: what the engine noticed and what was left out.

    Raises:
        DGTalkerError: nothing was changed.
    """
    steps = animate_steps(context, heads)
    try:
        while True:
            next(steps).wait()
    except StopIteration as end:
        return end.value


def animate_steps(
    context: bpy.types.Context, heads: Sequence[bpy.types.Object], punch: Punch | None = None
) -> Generator[engine.Pending | listening.Listening, None, list[str]]:
    """`animate` in steps, one request each; Blender's data changes after the last one only.

    Lines that were heard before are not listened to again, wherever they lie now: see `takes.lines`.

    Args:
        punch: what alone is written of heads that were animated before; None: all.
    """
    scene = strips.timeline(context)
    reason = disabled_reason(context, heads)
    if reason:
        raise DGTalkerError(reason)
    other_scenes.keep(scene, heads)
    timeline = strips.remembered(scene)
    waiting = [(head.session_uid, head.name) for head in heads]
    counts = [len(_to_hear(scene, head)[1]) for head in heads]
    received: list[listening.HeadToWrite] = []
    unchanged: list[tuple[int, str]] = []
    for place, (number, name) in enumerate(waiting):
        if storage.is_up_to_date(timeline(), _head(number, name)):
            unchanged.append((number, name))
            continue
        received.append((yield from _hear(timeline, number, name, sum(counts[:place]), sum(counts))))
    speaking, scene = [_head(each.head, each.name) for each in received], timeline()
    as_before = [_head(*each) for each in unchanged]
    reason = next(filter(None, map(keyframes.locked_reason, [*speaking, *as_before])), "")
    if reason:
        raise DGTalkerError(reason)
    notes = _claim_pasted(scene, [*speaking, *as_before])
    given = [
        each
        for each, head in zip(received, speaking, strict=True)
        if storage.kept_hash(head, "strips_hash") != each.strips_hash
    ]
    # All of them are laid out before the first is written: they listen to each other.
    laid = [_lay_out(scene, each, head) for each, head in zip(received, speaking, strict=True)]
    said = [
        (head, own + _write(scene, each, head, moves, punch))
        for each, head, (own, moves) in zip(received, speaking, laid, strict=True)
    ]
    said += [(head, _write_again(scene, head, punch)) for head in as_before]
    if punch is None and set(strips.speaking(scene, audible_only=True)) <= {head for head, _ in said}:
        said += [(head, retarget.update([head])) for head in listeners.join(scene)]
    for head, own in said:
        notes += [f"{head.name}: {note}" for note in own] if len(said) > 1 else own
    return notes + _silenced(given)


def _to_hear(scene: bpy.types.Scene, head: bpy.types.Object) -> tuple[list[PlacedLine], list[PlacedLine]]:
    """A speaker's lines, and those of them that only the engine can answer; none of these where nothing was changed."""
    every = lines.of(scene, head)
    return every, [] if storage.is_up_to_date(scene, head) else lines.unheard(every)


def _hear(
    timeline: Callable[[], bpy.types.Scene], number: int, name: str, done_before: int, total: int
) -> Generator[engine.Pending | listening.Listening, None, listening.HeadToWrite]:
    """Listens to what is not known of a head's lines yet."""
    manner_of, avatar = storage.wanted_manner(_head(number, name)), ""
    if manner_of and _to_hear(timeline(), _head(number, name))[1]:
        avatar = yield from avatars.open_steps(_head(number, name))
    head, scene = _head(number, name), timeline()
    sounds, clock = _sounds(scene, head), strips.clock(scene)
    first = whole_take([sound.span for sound in sounds], clock)[0]
    directions = wanted.directions_of(scene, head, first)
    hashes = {
        "strips_hash": storage.strips_hash(scene, sounds),
        "sounds": sound_identity.digests(sounds),
        "transcript_hash": storage.transcript_hash(sounds),
    }
    every, unheard = _to_hear(scene, head)
    known = lines.answers(every)
    notes = lines.notes_that_stay(head) if len(unheard) < len(every) else []
    new: list[listening.Heard] = []
    for group in listening.near(unheard, clock):
        # Blender's strips are looked up again: undo may have replaced them while the group before was listened to.
        scene = timeline()
        if new and not lines.lie_still(group, lines.of(scene, _head(number, name))):
            raise DGTalkerError(f"Strips of {name} were changed while others were listened to.", "Press Animate again.")
        spans = [Span(line.start, line.end) for line in group]
        mine = [
            sound
            for sound in strips.audible_of(scene, _head(number, name))
            if any(span.start <= sound.span.start and sound.span.end <= span.end for span in spans)
        ]
        begin, end = whole_take(spans, clock)
        pending = _request(scene, head, mine, begin, end, avatar)
        yield listening.Listening(pending, name, done_before + sum(len(each.lines) for each in new), len(group), total)
        reply = pending.result()
        new.append(listening.Heard(lines=group, first=begin, take=bytes(reply.body)))
        notes += [in_frames(note, clock, begin) for note in reply.header["notes"]]
    return listening.HeadToWrite(
        head=number,
        name=name,
        lines=every,
        known=known,
        new=new,
        directions=directions,
        manner_of=manner_of,
        notes=list(dict.fromkeys(notes)),
        **hashes,
    )


def _claim_pasted(scene: bpy.types.Scene, heads: Sequence[bpy.types.Object]) -> list[str]:
    """Gives pasted strips back to the heads that spoke what was copied; sentences for the user."""
    notes = []
    for strip, head in strips.spoken(scene):
        own = strip_properties(strip)
        if own.speaker is None and head in heads:
            own.speaker = head
            notes.append(f"{strip.name} was pasted: {head.name} speaks it.")
        elif own.speaker is not None:
            own.spoken_by = head.name  # which may have been renamed
    return notes


def _silenced(received: Sequence[listening.HeadToWrite]) -> list[str]:
    """Lets heads be silent whose lines were given to those that have just been animated; sentences for the user.

    Args:
        received: of heads that did not speak these lines before: a copy of one that did goes on.
    """
    notes: list[str] = []
    for head in bpy.data.objects:
        if not speakers.is_speaker(head) or not speaker_properties(head).take or storage.scene_of(head) is not None:
            continue
        new = next((each for each in received if each.strips_hash == storage.kept_hash(head, "strips_hash")), None)
        if new is None:
            notes.append(f"{head.name} has keys of speech, but no strip of its own any more.")
        elif not keyframes.locked_reason(head):
            notes.append(f"{new.name} speaks the line that was {head.name}'s: its keys were removed there.")
            notes += [f"{head.name}: {note}" for note in keyframes.clear(head)]
            retarget.forget(head)
    return notes


def _lost(head: bpy.types.Object) -> list[str]:
    if model.is_head(head) and speaker_properties(head).own_manner and avatars.is_lost(head):
        return [f"The file of {head.name} is missing: it speaks as anybody does."]
    return []


def _lay_out(
    timeline: bpy.types.Scene, received: listening.HeadToWrite, head: bpy.types.Object
) -> tuple[list[str], list[Move]]:
    """Makes a head's take of what was heard; sentences for the user, and which frames are spoken elsewhere now."""
    notes = received.notes + _lost(head) + other_scenes.notes(timeline, head) + retarget.lift(head)
    new = [own for each in received.new for own in line_bank.heard(each.take, each.first, each.lines)]
    moves = lines.lay_out(
        timeline,
        head,
        received.lines,
        [*new, *received.known],
        strips_hash=received.strips_hash,
        sounds=received.sounds,
        transcript_hash=received.transcript_hash,
        manner_of=received.manner_of,
        notes=received.notes,
    )
    scene = storage.scene_of(head)
    if scene is not None and storage.fits(scene, head):
        sounds = strips.audible_of(scene, head)
        if storage.transcript_hash(sounds) == received.transcript_hash:  # else a word was corrected meanwhile
            lines.fill_words(scene, head)
    speaker_properties(head).listens = True
    return notes, moves


def _write(
    timeline: bpy.types.Scene,
    received: listening.HeadToWrite,
    head: bpy.types.Object,
    moves: Sequence[Move],
    punch: Punch | None,
) -> list[str]:
    scene, first, directions = storage.scene_of(head), speaker_properties(head).first, received.directions
    if scene is not None and storage.fits(scene, head):
        directions = wanted.directions_of(scene, head, first)  # sliders may have been moved meanwhile
    spoken = words.take_of(head)
    assert spoken is not None
    notes = retarget.write(head, spoken, first, directions, moves, within=punch)
    return notes + acting.notes(timeline, head) + visibility.notes(head)


def _write_again(scene: bpy.types.Scene, head: bpy.types.Object, punch: Punch | None) -> list[str]:
    """Writes the keys of a speaker whose take is as good as a new one, into what is assigned now."""
    take, first = words.take_of(head), speaker_properties(head).first
    if take is None:
        return []  # undo took it away meanwhile
    lines.know(scene, head)
    notes = storage.notes_of(head) + _lost(head) + other_scenes.notes(scene, head) + retarget.lift(head)
    speaker_properties(head).listens = True
    notes += retarget.write(head, take, first, wanted.directions_of(scene, head, first), within=punch)
    return notes + acting.notes(scene, head) + visibility.notes(head)


def disabled_reason(context: bpy.types.Context, heads: Sequence[bpy.types.Object]) -> str:
    """Why these heads cannot be animated; empty when they can."""
    scene = strips.timeline(context)
    apart = one_clock.reason(scene, context.scene, heads)
    return apart or next(filter(None, map(keyframes.locked_reason, heads)), "") or shared_reason(heads)


def shared_reason(heads: Sequence[bpy.types.Object]) -> str:
    """Why heads cannot speak apart: linked duplicates have the same sliders. Empty when they can."""
    users: dict[Any, str] = {}
    for head in heads:
        for part in speakers.meshes(head):
            other = users.setdefault(model.key_of(part), head.name)
            if other != head.name:
                return (
                    f"{other} and {head.name} share their sliders: "
                    "Object ▸ Relations ▸ Make Single User ▸ Object & Data."
                )
    return ""


def _sounds(scene: bpy.types.Scene, head: bpy.types.Object) -> list[strips.SoundStrip]:
    sounds = strips.audible_of(scene, head)
    if not sounds:
        raise DGTalkerError(
            f"Nothing is heard of the sound strips of {head.name}.",
            "Give it a strip after frame 0, or unmute its strips, their channels or the meta strips around them.",
        )
    return sounds


def _request(
    scene: bpy.types.Scene,
    head: bpy.types.Object,
    sounds: Sequence[strips.SoundStrip],
    first: int,
    last: int,
    manner_of: str,
) -> engine.Pending:
    """Asks the engine for a head's take over the frames `first` to `last`, in the manner of an avatar that is open."""
    clock = strips.clock(scene)
    passages = json.dumps([_passage(scene, sound, clock, first) for sound in sounds]).encode()
    if len(passages) > MAX_PASSAGES:
        raise DGTalkerError(
            f"The {len(sounds)} strips of {head.name} with their transcripts are too much to be animated at once.",
            "Mute some of them and animate in parts, or shorten their transcripts.",
        )
    mix = mixdown.mix(scene, sounds, first, last)
    header = {"sample_rate": mix.rate, "fps": clock.rate, "passages": len(passages), "manner_of": manner_of}
    return engine.submit("animate", header, [mix.samples, passages])


def _passage(scene: bpy.types.Scene, sound: strips.SoundStrip, clock: Clock, first: int) -> dict[str, Any]:
    """What the engine is told of one strip; seconds from the start of the mix.

    Words that were corrected are said when they were heard, and certain as far as they reach; none is silence.
    Subtitles that were read into it, and not edited since, keep their times, counted from the passage's start.
    """
    own = strip_properties(sound.strip)
    transcript = as_heard(own.transcript.strip())
    start = clock.seconds(sound.span.start - strips.file_start(scene, sound.strip))
    played = Span(start, start + clock.seconds(sound.span.end - sound.span.start))
    corrected = words.corrected_cues(sound.strip)
    every = cues(own.cues) if transcript else []
    unedited = transcript and transcript == as_heard(subtitles.joined(every))
    if unedited and not len(sound.strip.retiming_keys):
        transcript = subtitles.written(subtitles.within(every, played))
    if corrected is not None:
        transcript = subtitles.written(subtitles.within(corrected, played))
    return {
        "start": round(clock.seconds(sound.span.start - first), 5),
        "end": round(clock.seconds(sound.span.end - first), 5),
        "transcript": transcript,
        "certain": corrected is not None and words.covers(sound.strip, played),
    }


def _head(number: int, name: str = "") -> bpy.types.Object:
    for ob in bpy.data.objects:
        if ob.session_uid == number and speakers.is_speaker(ob):
            return ob
    raise DGTalkerError(f"The head {name} was deleted while it was being animated.")
