"""People who do not exist: the gallery, its sliders, and one of them as a head in the asset browser."""

from __future__ import annotations

import json

import bpy
import numpy as np
import pytest


@pytest.fixture
def closed(room):
    """The form of the gallery before it was ever opened; closed afterwards: it outlives the file."""
    own = bpy.context.window_manager.dgtalker_new_person
    own.open = False
    yield own
    bpy.ops.dgtalker.close_new_person()


@pytest.fixture
def form(closed):
    """The gallery's form, opened, as it is for a new user."""
    own = closed
    for name in own.bl_rna.properties.keys():  # noqa: SIM118 (no mapping)
        if name not in ("rna_type", "name"):
            own.property_unset(name)
    bpy.ops.dgtalker.new_person()
    return own


@pytest.fixture
def picture(room):
    """A picture of the gallery by its name, once all are up to date."""
    previews = room("people.previews")

    def pixels(name="chosen"):
        bring_up_to_date(room)
        return previews.icons.pixels(name).view(np.uint8).astype(int)

    return pixels


def bring_up_to_date(room):
    """What the gallery's timer does in a window."""
    gallery = room("people.gallery")
    while gallery._step():
        if gallery._gallery.asked:
            gallery._gallery.asked[1].wait()


def heads():
    return [ob for ob in bpy.data.objects if ob.type == "MESH" and ob.dgtalker.rig]


def test_the_add_menu_offers_somebody_new(room, closed):
    drawn = []

    class Layout:
        def operator(self, name, **options):
            drawn.append(name)
            return self

    menu = type("Menu", (), {"layout": Layout()})()
    room("people.panels").draw_add_entry(menu, bpy.context)
    assert drawn == ["dgtalker.new_person"]
    assert not closed.open
    bpy.ops.dgtalker.new_person()
    assert closed.open


def test_without_a_prior_the_user_reads_why_and_nothing_breaks(no_prior, form, room):
    gallery = room("people.gallery")
    bring_up_to_date(room)
    assert str(no_prior) in gallery.error()
    assert "DGTALKER_PRIOR" in gallery.error()
    with pytest.raises(RuntimeError, match="missing"):
        bpy.ops.dgtalker.add_person()
    assert not heads()
    bpy.ops.dgtalker.try_people_again()
    bring_up_to_date(room)
    assert gallery.error()


def test_the_gallery_shows_a_page_of_different_people(prior, form, picture):
    page = [picture(str(place)) for place in range(6)]
    for index, each in enumerate(page):
        assert each.shape == (128 * 128 * 4,)
        for other in page[:index]:
            assert np.abs(each - other).mean() > 0.5
    second = page[1]
    bpy.ops.dgtalker.page_people(pages=1)
    assert np.abs(picture("1") - second).mean() > 0.5
    bpy.ops.dgtalker.page_people(pages=-1)
    assert np.array_equal(picture("1"), second)
    bpy.ops.dgtalker.choose_person(seed=form.first + 1)
    chosen = picture().reshape(256, 256, 4)
    smaller = chosen.reshape(128, 2, 128, 2, 4).mean(axis=(1, 3))
    assert np.abs(smaller - second.reshape(128, 128, 4)).mean() < 6


def test_pictures_follow_the_sliders_and_the_others_show_what_the_person_has(prior, form, picture):
    before, page = picture(), picture("3")
    assert form.age > 18.5
    assert not any(getattr(form, name) for name in dir(form) if name.startswith("asked_"))
    length = form.hair_length
    form.age = 77
    assert form.asked_age
    assert not form.asked_hair_length
    assert np.abs(picture() - before).mean() > 0.2
    assert np.abs(picture("3") - page).mean() > 0.2
    assert form.age == 77
    assert form.hair_length == pytest.approx(length, abs=0.1)
    form.morph = 0.5
    changed = picture()
    form.mix = 1.0
    assert np.abs(picture() - changed).mean() > 0.2
    bpy.ops.dgtalker.leave_traits()
    assert np.array_equal(picture(), before)


def test_what_is_asked_for_stays_when_people_are_shuffled(prior, form, picture, room, monkeypatch):
    monkeypatch.setattr(room("people.operators").random, "randrange", lambda end: 11)
    form.skin_tone = 0.75
    before = picture()
    bpy.ops.dgtalker.shuffle_people()
    assert form.seed == form.first
    assert (form.asked_skin_tone, form.skin_tone) == (True, 0.75)
    assert np.abs(picture() - before).mean() > 0.2


def test_the_chosen_person_becomes_one_synthetic_head_and_an_asset(prior, form, picture, room, tmp_path):
    form.seed, form.beard = 7, 0.6
    shown = picture()
    bpy.context.scene.cursor.location = (1, 2, 3)
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.dgtalker.add_person("EXEC_DEFAULT", True) == {"FINISHED"}
    bpy.ops.ed.undo()
    assert not heads()
    bpy.ops.ed.redo()
    (head,) = heads()
    assert head.name == "Person 7 (synthetic)"
    assert tuple(head.location) == (1, 2, 3)
    assert json.loads(head.dgtalker.consent)["status"] == "synthetic"
    assert room("head.add").consent_lines(head)[0].startswith("Synthetic")
    assert head.data.shape_keys.key_blocks["jawOpen"]
    assert head.asset_data.author == "DGTalker"
    assert head.asset_data.license == head.dgtalker.licence == "CC0-1.0"
    assert "Synthetic" in head.asset_data.description
    assert "synthetic" in head.asset_data.tags
    preview = np.array(head.preview.image_pixels[:], np.int32).view(np.uint8)
    assert np.array_equal(preview, shown)

    # Another file gets the whole head out of this one.
    path = tmp_path / "people.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(path))
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    with bpy.data.libraries.load(str(path), assets_only=True) as (there, here):
        here.objects = list(there.objects)
    (appended,) = here.objects
    assert appended.preview.image_size[0] == 256
    assert room("bridge.avatars").ensure_open(appended) == appended.dgtalker.avatar_hash


def test_a_face_of_another_page_is_never_shown_for_somebody_else(prior, form, picture, room):
    gallery, requests = room("people.gallery"), room("people.form").portraits
    picture()
    _chosen, first, *_others = requests(bpy.context)
    assert gallery.is_of(first.name, first.person)
    form.age = 60
    _chosen, first, *_others = requests(bpy.context)
    assert gallery.is_of(first.name, first.person), "the same person as before the slider was moved"
    bpy.ops.dgtalker.page_people(pages=1)
    _chosen, first, *_others = requests(bpy.context)
    assert not gallery.is_of(first.name, first.person)


def test_a_person_who_was_made_waits_for_object_mode_and_their_scene(room):
    bpy.ops.mesh.primitive_cube_add()
    scene = bpy.context.scene
    waiting = room("people.arrival").Arrival(bpy.context, lambda: scene, "Person 7")
    assert waiting.done
    bpy.ops.object.mode_set(mode="EDIT")
    assert not waiting.done
    assert "Go back to Object Mode" in waiting.progress[1]
    with pytest.raises(Exception, match="Object Mode"):
        waiting.wait()
    bpy.ops.object.mode_set(mode="OBJECT")
    assert waiting.done
    scene = bpy.data.scenes.new("Other")
    assert not waiting.done
    assert "Other" in waiting.progress[1]


def test_a_person_of_a_script_that_cannot_be_is_refused(prior):
    with pytest.raises(RuntimeError, match="no JSON"):
        bpy.ops.dgtalker.add_person(person="Ann")
    methuselah = json.dumps({"seed": 1, "other": 0, "morph": 0, "mix": 0, "traits": {"age": 300}})
    with pytest.raises(RuntimeError, match="age cannot be 300"):
        bpy.ops.dgtalker.add_person(person=methuselah)
    assert not heads()
