"""Only a range of a speaker's keys is made anew; what stands outside stays, and so does the range from then on."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import bpy
import numpy as np

from dgtalker_engine.performance import Direction, Performance

from ...properties import keys_properties
from . import key_points, keyframes, places
from .sheet import Sheet


@dataclass(frozen=True)
class Within:
    """A range of frames that alone is made anew.

    Attributes:
        first, last: its frames.
    """

    first: int
    last: int

    def over(self, directions: Sequence[Direction], since: float, until: float) -> list[Direction]:
        """What is asked for between two times, those of the range, in place of directions; seconds."""
        return list(directions)

    def laid_into(self, performed: Performance, first: int) -> Performance:
        """What is played in the range, in place of what is performed from frame `first` on."""
        return performed


@dataclass(frozen=True)
class Punch(Within):
    """A range that is made anew with another take of blinks, looks, brows and head motion.

    Attributes:
        seed: of the take; see `Direction`.
    """

    seed: int

    def over(self, directions: Sequence[Direction], since: float, until: float) -> list[Direction]:
        """Directions with this take between two times, seconds, in which they are divided there."""
        parts: list[Direction] = []
        for each in directions:
            ends = [each.start, *(time for time in (since, until) if each.start < time < each.end), each.end]
            for start, end in itertools.pairwise(ends):
                inside = start >= since and end <= until
                parts.append(replace(each, start=start, end=end, seed=self.seed if inside else each.seed))
        return parts


@contextlib.contextmanager
def only_within(head: bpy.types.Object, first: int, last: int) -> Iterator[None]:
    """Whatever is written within the block is written on the frames `first` to `last` alone.

    What stands outside is locked meanwhile, so that the merge passes from it into what is new, on `keyframes.BESIDE`
    seconds within the range. Locks in the range come off; afterwards it is locked. Edits and keys of hers stay.

    What fails within the block leaves edits and locks as they were.

    Raises:
        DGTalkerError: what is remembered of the keys is damaged.
    """
    sheets = _sheets(head)
    before = {owner: keys_properties(owner).dgtalker_ledger for owner in sheets}
    try:
        held = {owner: sheet.hold_outside(first, last) for owner, sheet in sheets.items()}
        yield
    except BaseException:
        for owner, ledger in before.items():
            keys_properties(owner).dgtalker_ledger = ledger
        raise
    for owner, sheet in _sheets(head).items():
        sheet.let_go(held.get(owner, []))
    keyframes.lock(head, first, last, [])


def selected_span(head: bpy.types.Object) -> tuple[int, int] | None:
    """From the first to the last selected key of a speaker's curves; None where fewer than two frames have one."""
    times: list[float] = []
    for owner in keyframes.owners(head):
        place = places.of(owner)
        for curve in place.curves().values() if place else ():
            times += key_points.read(curve).times[key_points.selected(curve)].tolist()
    if not times or round(max(times)) <= round(min(times)):
        return None
    return int(np.floor(min(times))), int(np.ceil(max(times)))


def _sheets(head: bpy.types.Object) -> dict[bpy.types.ID, Sheet]:
    return {owner: Sheet(owner, head.name) for owner in keyframes.owners(head) if places.of(owner)}
