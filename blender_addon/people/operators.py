"""The gallery's buttons."""

from __future__ import annotations

import json
import random
from collections.abc import Generator

import bpy

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.wire.people import MAX_SEED, PersonRequest

from .. import ui
from ..bridge import avatars, engine
from ..bridge.modal import EngineOperator, Waiting
from ..head import add
from ..head.operators import welcome
from ..speech.timeline import strips
from . import arrival, assets, form, gallery

_SHUFFLED = 10_000
"""Seeds of few digits are easier to remember, and to tell a colleague."""


class NewPerson(bpy.types.Operator):
    """Look at people who do not exist, and make a head of one"""

    bl_idname = "dgtalker.new_person"
    bl_label = "New Person"

    def execute(self, context: bpy.types.Context) -> set[str]:
        form.properties(context).open = True
        gallery.try_again()
        ui.open_tab(context)
        return {"FINISHED"}


class CloseNewPerson(bpy.types.Operator):
    """Close the gallery"""

    bl_idname = "dgtalker.close_new_person"
    bl_label = "Close"

    def execute(self, context: bpy.types.Context) -> set[str]:
        form.properties(context).open = False
        gallery.forget()
        ui.redraw()
        return {"FINISHED"}


class ChoosePerson(bpy.types.Operator):
    """Look at this person"""

    bl_idname = "dgtalker.choose_person"
    bl_label = "Choose Person"

    seed: bpy.props.IntProperty(name="Person", min=0, max=MAX_SEED)

    def execute(self, context: bpy.types.Context) -> set[str]:
        form.properties(context).seed = self.seed
        return {"FINISHED"}


class PagePeople(bpy.types.Operator):
    """Look at other people"""

    bl_idname = "dgtalker.page_people"
    bl_label = "Page"

    pages: bpy.props.IntProperty(name="Pages", description="How many on; fewer than 0: back", default=1)

    def execute(self, context: bpy.types.Context) -> set[str]:
        form.turn_page(context, self.pages)
        return {"FINISHED"}


class ShufflePeople(bpy.types.Operator):
    """Look at people whom you have not seen; what is asked for stays"""

    bl_idname = "dgtalker.shuffle_people"
    bl_label = "Shuffle"

    def execute(self, context: bpy.types.Context) -> set[str]:
        own = form.properties(context)
        own.first = own.seed = random.randrange(_SHUFFLED)
        return {"FINISHED"}


class LeaveTraits(bpy.types.Operator):
    """Ask for nothing: everybody is as they come"""

    bl_idname = "dgtalker.leave_traits"
    bl_label = "Reset"

    def execute(self, context: bpy.types.Context) -> set[str]:
        form.leave_traits(context)
        return {"FINISHED"}


class TryPeopleAgain(bpy.types.Operator):
    """Ask the engine for the pictures again"""

    bl_idname = "dgtalker.try_people_again"
    bl_label = "Try Again"

    def execute(self, context: bpy.types.Context) -> set[str]:
        gallery.try_again()
        return {"FINISHED"}


class AddPerson(EngineOperator, bpy.types.Operator):
    """Make a head of this person and add it at the 3D cursor; takes a minute or two"""

    bl_idname = "dgtalker.add_person"
    bl_label = "Add Person"
    bl_options = {"UNDO"}

    person: bpy.props.StringProperty(
        name="Person",
        description="Who, as JSON; empty for whoever is chosen in the gallery",
        options={"HIDDEN", "SKIP_SAVE"},
    )
    mark_asset: bpy.props.BoolProperty(
        name="Keep as Asset", description="Show the head in the asset browser", default=True, options={"SKIP_SAVE"}
    )

    @classmethod
    def disabled_reason(cls, context: bpy.types.Context) -> str:
        if gallery.making() is not None:
            return "A person is being made already: wait, or press ESC."
        return add.disabled_reason(context)

    def work(self, context: bpy.types.Context) -> Generator[Waiting, None, None]:
        scene = strips.remembered(context.scene)
        location, person = context.scene.cursor.location.copy(), self._person(context)
        portrait = form.Portrait(form.CHOSEN, assets.SIDE, person)
        drawing = gallery.ask(portrait)
        yield drawing
        picture = gallery.picture_of(portrait, drawing)
        baking = engine.submit("make_person", {"name": person.title, "person": person.to_json()})
        gallery.set_making(baking)
        try:
            yield baking
            file = bytes(baking.result().body)
            opening = avatars.submit_open(file)
            yield opening
            waiting = arrival.Arrival(context, scene, person.title)
            gallery.set_making(waiting)
            yield waiting
        finally:
            gallery.set_making(None)
        head = add.place_head(context, avatars.opened(opening, file, person.title), location=location)
        if self.mark_asset:
            assets.mark(head, picture)
        welcome(self, context, head)

    def _person(self, context: bpy.types.Context) -> PersonRequest:
        if not self.person:
            return form.request(context)
        try:
            return PersonRequest.from_json(json.loads(self.person))
        except ValueError as error:
            raise DGTalkerError(f"The request for a person is no JSON: {error}.") from error


CLASSES: tuple[type, ...] = (
    NewPerson,
    CloseNewPerson,
    ChoosePerson,
    PagePeople,
    ShufflePeople,
    LeaveTraits,
    TryPeopleAgain,
    AddPerson,
)
