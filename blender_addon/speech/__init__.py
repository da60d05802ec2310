"""Speech: sound strips, who speaks them, and the keys that follow from them.

Its rooms, each of which knows those before it: `timeline` (strips, speakers, markers, the mix), `keys` (what is written
into actions, around the animator's own), `lips` (contacts), `takes` (what is kept with a speaker, and followed),
`exchange` (files of other programs), and above `animation`, which asks the engine, `ui`.
"""

from __future__ import annotations

from . import live_lips, properties, ui
from .takes import live
from .timeline import deleted

CLASSES: tuple[type, ...] = (*properties.CLASSES, *ui.CLASSES)


def register() -> None:
    properties.add()
    ui.panels.add()
    ui.key_panels.add()
    ui.outdated.add()
    ui.video_operators.add()
    ui.live_operators.add()
    live.add()
    live_lips.add()
    deleted.add()


def unregister() -> None:
    deleted.remove()
    live_lips.remove()
    live.remove()
    ui.live_operators.remove()
    ui.video_operators.remove()
    ui.outdated.remove()
    ui.key_panels.remove()
    ui.panels.remove()
    properties.remove()
