"""Live heads in Blender's 3D views: what is drawn in each region, and when the engine is asked for more.

Blender calls `draw_overlay` for each region that it draws, and `draw_rendered` for rendered views of ours. Both draw
the picture that is there and say what should be; a timer, which runs only while something is missing, talks to the
engine and has a region drawn again when its picture has come. Nothing here waits.
"""

from __future__ import annotations

import sys
import time
import traceback
from typing import Any

import bpy
import gpu
from bpy.app.handlers import persistent

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire.shot import Shot

from ... import ui
from ...bridge import engine
from ...head import model
from .. import colours
from . import drawing, heads, opening, regions, standins
from .feed import Feed, Picture, Wanted

LATE = 1.0
"""Seconds without an answer after which stand-ins are shown: the engine is starting again, or very busy."""
_TICK = 0.008
"""Seconds between two looks at what has come."""
_AGAIN = 5.0
"""Seconds after an error until the engine is asked again."""

problem = ""
"""Why heads are not drawn though they should be; for panels."""

_on = True
_regions: dict[int, _Region] = {}
_read: dict[tuple[int, str], tuple[int, heads.ReadScene]] = {}
_changes = 0
_asleep_until = 0.0


class _Region:
    """What is drawn in one region of a 3D view."""

    def __init__(self) -> None:
        self.feed = Feed(_submit)
        self.wanted: Wanted | None = None
        self._drawn: Picture | None = None
        self._texture: gpu.types.GPUTexture | None = None

    @property
    def picture(self) -> Picture | None:
        """The picture to draw: none where the engine owes one for too long."""
        late = self.feed.waited(time.monotonic()) > LATE
        return None if self.wanted is None or late else self.feed.picture

    def texture(self, picture: Picture) -> gpu.types.GPUTexture | None:
        if picture is not self._drawn:
            self._drawn, self._texture = picture, drawing.upload(picture)
        return self._texture

    def close(self) -> None:
        self.feed.close()
        self.wanted = self._drawn = self._texture = None


def begin() -> None:
    """The extension is registered: a new file's heads are live."""
    global _on
    _on = True


def is_on() -> bool:
    return _on


def switch(on: bool) -> None:
    """Turns live heads on or off, everywhere; on also tries again what has failed."""
    global _on, _asleep_until, problem
    _on, _asleep_until, problem = on, 0.0, ""
    opening.forget()
    _read.clear()
    if not on:
        _forget()
        standins.hide(frozenset())
    _redraw()


def draw_overlay() -> None:
    """Draw handler of all 3D views, after Blender has drawn its objects."""
    if _on and not regions.drawn_by_engine(bpy.context):
        _guarded(bpy.context, bpy.context.view_layer.depsgraph)


def draw_rendered(context: bpy.types.Context, depsgraph: bpy.types.Depsgraph) -> None:
    """What our render engine draws into a rendered view: the world's colour, and the heads."""
    if not depsgraph.scene_eval.render.film_transparent:
        colour, _warning = colours.world_colour(depsgraph)
        gpu.state.active_framebuffer_get().clear(color=(*colour, 1.0))
    if _on:
        _guarded(context, depsgraph)


def _guarded(context: bpy.types.Context, depsgraph: bpy.types.Depsgraph) -> None:
    """An error in a draw handler would be printed with every redraw."""
    try:
        _draw(context, depsgraph)
    except DGTalkerError as error:
        _fail(error)
    except Exception as error:  # noqa: BLE001 (as said above)
        traceback.print_exc()
        switch(False)
        _fail(DGTalkerError(f"Live heads failed: {error!r}.", "This is a fault of DGTalker; please report it."))


def _draw(context: bpy.types.Context, depsgraph: bpy.types.Depsgraph) -> None:
    region = _regions.setdefault(context.region.as_pointer(), _Region())
    view = regions.current_view(context)
    scene = _scene(depsgraph)
    now = time.monotonic()
    if now >= _asleep_until and opening.begin(scene.unopened):
        _changed()
    standins.apply(depsgraph)
    space: Any = context.space_data
    wanted = heads.wanted(scene, view, space, with_holes=regions.drawn_by_engine(context))
    if not wanted.heads:
        region.close()
    else:
        region.wanted = wanted
        region.feed.want(wanted, now)
        if now >= _asleep_until:
            region.feed.advance(now)
    picture = region.picture
    texture = None if picture is None else region.texture(picture)
    if picture is not None and texture is not None and standins.are_hidden(picture.wanted.keys & wanted.keys):
        drawing.draw(picture, texture, view, regions.to_clip(context), regions.look_of(context))
    if not bpy.app.timers.is_registered(_advance):
        bpy.app.timers.register(_advance, persistent=True)


def _scene(depsgraph: bpy.types.Depsgraph) -> heads.ReadScene:
    """The heads of a view layer; read anew after a change of what may concern them."""
    name = depsgraph.scene.session_uid, depsgraph.view_layer.name
    if name not in _read or _read[name][0] != _changes:
        _read[name] = _changes, heads.read(depsgraph)
    return _read[name][1]


def _submit(shot: Shot) -> engine.Pending:
    return engine.submit("view", {}, shot.to_json().encode())


def _advance() -> float | None:
    """A timer: takes what has come, asks for more, and ends when nothing is missing."""
    global problem
    if not _on:
        return None
    now = time.monotonic()
    there = _open_regions()
    for pointer in [pointer for pointer in _regions if pointer not in there]:
        _regions.pop(pointer).close()
    late = False
    try:
        if opening.advance():
            _changed()
        for pointer, region in _regions.items():
            if now >= _asleep_until and region.feed.advance(now):
                there[pointer].tag_redraw()
                problem = ""
            late |= region.feed.waited(now) > LATE
    except DGTalkerError as error:
        _fail(error)
    if late and engine.state().status != "running":
        _say("The engine is being started; until it answers, heads are shown as meshes.")
    standins.hide(_hidden())
    if any(not region.feed.settled(now) for region in _regions.values()) or opening.is_busy():
        return _TICK if now >= _asleep_until else _AGAIN / 10
    return None


def _hidden() -> frozenset[heads.Key]:
    """The heads whose meshes are not wanted: a picture of them is there in each view that should show them."""
    wanted: frozenset[heads.Key] = frozenset()
    missing: frozenset[heads.Key] = frozenset()
    for region in _regions.values():
        keys = region.wanted.keys if region.wanted else frozenset()
        wanted |= keys
        missing |= keys - (region.picture.wanted.keys if region.picture else frozenset())
    return wanted - missing


def _fail(error: DGTalkerError) -> None:
    """Shows stand-ins, and asks again in a while; what only the user can mend, after the switch was pressed again."""
    global _asleep_until
    if error.code == "stopped":  # by the user, or since something was installed
        return
    _asleep_until = float("inf") if error.code == "no_engine" else time.monotonic() + _AGAIN
    if error.code != "error":  # it is not the avatar's fault
        opening.forget()
    for region in _regions.values():
        region.feed.close()
    standins.hide(frozenset())
    _say(str(error))


def _say(text: str) -> None:
    """Once, until heads are seen again."""
    global problem
    if text != problem:
        problem = text
        print(f"DGTalker: {text}", file=sys.stderr, flush=True)
        ui.redraw()


def _open_regions() -> dict[int, bpy.types.Region]:
    areas = [area for window in bpy.context.window_manager.windows for area in window.screen.areas]
    found = [region for area in areas if area.type == "VIEW_3D" for region in area.regions]
    return {region.as_pointer(): region for region in found if region.type == "WINDOW"}


def _redraw() -> None:
    for region in _open_regions().values():
        region.tag_redraw()


def _changed() -> None:
    global _changes
    _changes += 1
    _redraw()


def _forget() -> None:
    for region in _regions.values():
        region.close()
    _regions.clear()


@persistent
def evaluated(scene: bpy.types.Scene, depsgraph: bpy.types.Depsgraph) -> None:
    """Handler for when Blender has evaluated a change or another frame."""
    global _changes
    if depsgraph.mode != "VIEWPORT":  # a render's own, in a thread that may not look at windows
        return
    if not _regions or heads.may_change(depsgraph):
        _changes += 1
    # Blender does not call draw handlers for these films: they show the meshes.
    standins.apply(depsgraph, shown=regions.is_filmed())


@persistent
def undone(*_: object) -> None:
    """Handler for undo and redo, which replace objects."""
    _read.clear()
    _changed()


@persistent
def file_closes(*_: object) -> None:
    """Handler for when another file is about to be opened."""
    switch(False)


@persistent
def file_opened(*_: object) -> None:
    """Handler for when a file was opened. That of itself starts no engine, and reads no avatar: who opens a file with
    heads turns live heads on."""
    switch(not any(model.is_head(ob) for ob in bpy.data.objects))
