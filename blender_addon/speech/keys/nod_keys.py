"""The keys by which a speaker nods where its neck does not: on itself, an Empty or an armature."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np

from dgtalker_engine.performance import Performance

from ..stepwise import finished
from . import clearing, first_design, labels, nods, over_pose
from .ledger import Path
from .moves import Move
from .sheet import Sheet


def write(
    head: bpy.types.Object,
    performance: Performance,
    first: int,
    reach: int,
    notes: list[str],
    *,
    moves: Sequence[Move],
    same_as_before: bool,
) -> list[str]:
    """Writes the turns of a performance that starts at frame `first` to what turns with a speaker's head, or takes
    them away where nothing does any more.

    Args:
        reach: frames beside the animator's keys in which theirs pass into generated ones.
        notes: gets sentences for the user.
        moves, same_as_before: see `keyframes.write`.

    Returns:
        Ranges that are left to keys of hers, in words.
    """
    reason = nods.hindrance(head, performance)
    turned = nods.turned(head) if reason is None else None
    became: list[str] = []
    lifted = first_design.lift(head, became)  # before strips are looked at: its own are not hers
    if turned is not None and (reason := nods.moved_by_strips(turned)):
        turned = None
    if turned is not None and turned.owner == head:
        notes += became
    else:
        lifted = first_design.set_aside(head, lifted, notes)
    for former in (head, nods.carrier(head)):
        if former is not None and (turned is None or former != turned.owner):
            clearing.clear(former, former.name, notes)
    nods.carry(head, None if turned is None or turned.owner == head else turned.owner)
    if turned is None:
        notes += [reason] if reason else []
        return []
    sheet = Sheet(turned.owner, f"{turned.owner.name} Movement")
    sheet.move(moves)
    for i, value in enumerate(turned.rest):
        if turned.path in lifted:
            sheet.lay_to((turned.path, i), value)
    faded, start = over_pose.faded(performance, first, {})
    own = np.stack([sheet.own((turned.path, i), start, faded.frames) for i in range(len(turned.rest))], axis=1)
    values = turned.turned(faded, start, own)
    new: dict[Path, np.ndarray] = {(turned.path, i): values[:, i] for i in range(len(turned.rest))}
    finished(sheet.write_steps(first, first + performance.frames - 1, reach, start, new, new.__getitem__))
    notes += sheet.notes
    first_design.keep_edits(head, lifted, start, new, notes, same=same_as_before)
    return labels.hidden(sheet)
