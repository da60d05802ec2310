"""From a speaker's take and what is set now to its keys, without the engine."""

from __future__ import annotations

import contextlib
from collections.abc import Generator, Iterator, Sequence

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.performance import Direction, Performance, Take

from ...properties import speaker_properties
from ..keys import keyframes, punch_in, visibility
from ..keys.moves import Move
from ..keys.punch_in import Within
from ..lips import contacts
from ..stepwise import finished
from ..timeline import sound_identity, strips
from . import lines, listeners, played, recordings, storage, used_takes, wanted, words

MOVED = "Strips of {} were moved, trimmed, retimed, muted, made much softer or louder, or exchanged: press Animate."
MOVED_ONLY = "Strips of {} were moved, copied or cut: Update Keys takes their keys along."
OTHER_MANNER = "{} now speaks in another manner: press Animate."
FIRST_DESIGN = "The speech of {} lies on an NLA track, as an earlier version wrote it: press Animate for plain keys."
RESPELLED = "A transcript of {} was changed: press Animate."


def forget(head: bpy.types.Object) -> None:
    """Drops a speaker's take with what mends its lips, and its recording; it listens no more."""
    storage.forget(head)
    lines.forget(head)
    recordings.forget(head)
    used_takes.clear(head)
    speaker_properties(head).listens = False
    contacts.release(head)


def follows(head: bpy.types.Object) -> bool:
    """Whether a speaker keeps something from which its keys can be written anew."""
    own = speaker_properties(head)
    return bool(own.take or own.recording or own.listens)


def stale_reason(head: bpy.types.Object) -> str:
    """Why a speaker's keys cannot follow what is set now; empty when they can."""
    if speaker_properties(head).take:
        scene = storage.scene_of(head)
        if scene is None or not storage.fits(scene, head):
            known = scene is not None and lines.followed(scene, head)
            return (MOVED_ONLY if known else MOVED).format(head.name)
    return _locked_reason(head)


def rewrite_reason(head: bpy.types.Object) -> str:
    """Why a speaker's keys cannot be written anew without the engine; empty when they can."""
    reason = stale_reason(head)
    return _locked_reason(head) if reason == MOVED_ONLY.format(head.name) else reason


def _locked_reason(head: bpy.types.Object) -> str:
    if keyframes.of_first_design(head):
        return FIRST_DESIGN.format(head.name)
    return keyframes.locked_reason(head) or visibility.elsewhere_reason(head)


def outdated_reason(head: bpy.types.Object) -> str:
    """What was changed that only the engine can answer; empty when nothing was."""
    reason = stale_reason(head)
    scene = storage.scene_of(head)
    if reason or scene is None:
        return reason
    if storage.wanted_manner(head) != speaker_properties(head).manner_of:
        return OTHER_MANNER.format(head.name)
    said = storage.transcript_hash(strips.audible_of(scene, head))
    return RESPELLED.format(head.name) if said != storage.kept_hash(head, "transcript_hash") else ""


def rewrite(head: bpy.types.Object) -> list[str]:
    """`rewrite_steps` in one go."""
    return finished(rewrite_steps(head))


def rewrite_steps(head: bpy.types.Object) -> Generator[object, None, list[str]]:
    """Performs a speaker's take and recording anew as its strips and styles are now; hand keys stay with
    their lines.

    The parts between two yields take some milliseconds each. At each of them the file is whole: the keys that were
    written are remembered, and `behind` says that there are more to be written.

    Returns:
        Sentences for the user about what was left out.

    Raises:
        DGTalkerError: there is no take, it is damaged, or strips play what nobody has listened to; nothing was changed.
    """
    if not follows(head):
        raise DGTalkerError(f"{head.name} was not animated yet.", "Press Animate.")
    take = words.take_of(head)
    yield
    reason = rewrite_reason(head)
    if reason:
        raise DGTalkerError(reason)
    yield
    scene = storage.scene_of(head)
    if take is None:
        return (yield from _write_steps(head, None, 0, []))
    assert scene is not None
    moves: list[Move] = []
    if not storage.fits(scene, head):
        moves = _lay_out(scene, head)
        take = words.take_of(head)
        assert take is not None
    first = speaker_properties(head).first
    return (yield from _write_steps(head, take, first, wanted.directions_of(scene, head, first), moves))


def _lay_out(scene: bpy.types.Scene, head: bpy.types.Object) -> list[Move]:
    """A take of lines that are all known, as they lie now; which frames are spoken elsewhere."""
    sounds = strips.audible_of(scene, head)
    moves = lines.lay_out(
        scene,
        head,
        lines.of(scene, head),
        strips_hash=storage.strips_hash(scene, sounds),
        sounds=sound_identity.digests(sounds),
        transcript_hash=storage.transcript_hash(sounds),
        manner_of=storage.wanted_manner(head),
        notes=lines.notes_that_stay(head),
    )
    lines.fill_words(scene, head)
    return moves


def rewrite_anyway(head: bpy.types.Object, scene: bpy.types.Scene) -> list[str]:
    """`rewrite`, also where strips were moved since: for what was changed besides them."""
    take = words.take_of(head)
    if take is not None:
        first = speaker_properties(head).first
        return write(head, take, first, wanted.directions_of(storage.scene_of(head) or scene, head, first))
    return finished(_write_steps(head, None, 0, []))


def update(heads: Sequence[bpy.types.Object]) -> list[str]:
    """Writes the keys anew of those heads whose keys are behind: they listen to what others say now.

    Returns:
        Sentences for the user about what was left out.

    Raises:
        DGTalkerError: a take is damaged.
    """
    return [note for head in heads if finished(behind_steps(head)) for note in rewrite(head)]


def write(
    head: bpy.types.Object,
    take: Take,
    first: int,
    directions: Sequence[Direction],
    moves: Sequence[Move] = (),
    within: Within | None = None,
) -> list[str]:
    """Writes the keys of a take that starts at frame `first`; lips that were mended are mended again.

    Args:
        moves: where lines went since keys were written: what was edited goes along.
        within: what alone is written; None: all.
    """
    if within is not None and keyframes.spoken(head):
        since, until = ((frame - first) / take.fps for frame in (within.first, within.last + 1))
        with punch_in.only_within(head, within.first, within.last):
            asked = within.over(directions, since, until)
            notes = finished(_write_steps(head, take, first, asked, moves, within))
        # The rest is as it was set: nothing waits to be written.
        storage.keep_hash(head, "settings_hash", finished(played.hash_steps(head, take, first, directions)))
        return notes
    return finished(_write_steps(head, take, first, directions, moves))


def _write_steps(
    head: bpy.types.Object,
    take: Take | None,
    first: int,
    directions: Sequence[Direction],
    moves: Sequence[Move] = (),
    within: Within | None = None,
) -> Generator[object, None, list[str]]:
    """`write` in steps; without a take, what a head plays and listens to."""
    listened = yield from listeners.of_steps(head, take, first)
    (playing, start), look, styles = yield from played.steps(head, take, first, directions, listened, within)
    # Until all is done, the keys are those of no settings: an undo to a moment in between is followed by all of it.
    storage.keep_hash(head, "settings_hash", "")
    notes: list[str] = []
    if moves:
        notes = keyframes.write(head, playing, start, moves=moves)
    elif playing.names or keyframes.spoken(head):
        notes = yield from keyframes.write_steps(head, playing, start)
    if take is not None and contacts.mended(head):
        yield from contacts.mend_steps(head, playing, start, take, first, directions)
    look = yield from wanted.look_steps(head, look)
    digest = listened.digest if listened else []
    storage.keep_hash(head, "settings_hash", wanted.settings_hash(head, first, directions, styles, look, digest))
    return notes


def lift(head: bpy.types.Object) -> list[str]:
    """Turns tracks of the first design into plain keys while it is known from what they were made: edits stay then."""
    if not keyframes.of_first_design(head):
        return []
    try:
        take, scene = words.take_of(head), storage.scene_of(head)
    except DGTalkerError:  # the take is damaged, and Animate is about to put another in its place
        return []
    if take is None or scene is None or not storage.fits(scene, head):
        return []
    first = speaker_properties(head).first
    directions = wanted.directions_of(scene, head, first)
    if storage.kept_hash(head, "settings_hash") != finished(played.hash_steps(head, take, first, directions)):
        return []
    return keyframes.write(head, *_played(head, take, first, directions), same_as_before=True)


def close_lips(
    head: bpy.types.Object, take: Take, first: int, directions: Sequence[Direction], misses: Sequence[contacts.Miss]
) -> None:
    """Closes the lips at misses that were found in what is written now, and keeps them closed."""
    finished(contacts.close_steps(head, *_played(head, take, first, directions), take, first, directions, misses))


@contextlib.contextmanager
def unmended(head: bpy.types.Object) -> Iterator[None]:
    """A speaker whose lips nothing keeps closed; what fails within leaves it as it was."""
    if not contacts.mended(head):
        yield
        return
    contacts.release(head)
    try:
        rewrite(head)
        yield
    except BaseException:
        with contextlib.suppress(ReferenceError, DGTalkerError):  # undo took the speaker away meanwhile
            speaker_properties(head).mended = True
            rewrite(head)
        raise


def _played(head: bpy.types.Object, take: Take, first: int, directions: Sequence[Direction]) -> tuple[Performance, int]:
    listened = finished(listeners.of_steps(head, take, first))
    return finished(played.steps(head, take, first, directions, listened))[0]


def catch_up_steps(head: bpy.types.Object) -> Generator[object, None, bool]:
    """`rewrite_steps` of keys that are `behind_steps`; whether they were.

    Raises:
        DGTalkerError: the take is damaged; nothing was changed.
    """
    if not (yield from behind_steps(head)):
        return False
    yield from rewrite_steps(head)
    return True


def behind_steps(head: bpy.types.Object) -> Generator[object, None, bool]:
    """Whether the keys were written with other settings than there are now, as after an undo, or not all of them."""
    now = yield from _wanted_hash_steps(head)
    return bool(now) and storage.kept_hash(head, "settings_hash") != now


def _wanted_hash_steps(head: bpy.types.Object) -> Generator[object, None, str]:
    """The hash of the settings that keys would be written with now; empty where there can be none."""
    take = words.take_of(head)
    yield
    if not follows(head) or stale_reason(head):
        return ""
    if take is None:
        return (yield from played.hash_steps(head, None, 0, []))
    scene, first = storage.scene_of(head), speaker_properties(head).first
    if scene is None:
        return ""
    return (yield from played.hash_steps(head, take, first, wanted.directions_of(scene, head, first)))
