"""Heads whose files say how their person speaks: Animate speaks as they do, unless the animator switches it off."""

from __future__ import annotations

import os
import subprocess

import bpy
import pytest

MAKE_HEAD = """
import sys
from dataclasses import replace
from pathlib import Path
from dgtalker_engine import avatar
from dgtalker_engine.systems.gaussiantalker.motion import manner
from dgtalker_engine.systems.gaussiantalker.motion.model import MOTION_NAMES

own = manner.load()
own.translator.get_buffer("usual")[:, MOTION_NAMES.index("mouthSmileLeft")] = 0.8
head = avatar.load(avatar.builtin("robin"))
consent = replace(head.metadata.consent, subject="Amal")
avatar.save(replace(head, metadata=replace(head.metadata, consent=consent)), Path(sys.argv[1]), own.extras())
"""


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """A head of somebody who smiles on the left while speaking."""
    path = tmp_path_factory.mktemp("head") / "amal.dgt"
    subprocess.run([os.environ["DGTALKER_ENGINE_PYTHON"], "-I", "-c", MAKE_HEAD, str(path)], check=True)
    return path


@pytest.fixture
def amal(room, file):
    bpy.context.scene.render.fps = 24
    return room("head.add").add_head(bpy.context, file.read_bytes(), filepath=str(file))


@pytest.fixture
def outdated(room):
    return room("speech.takes.retarget").outdated_reason


def test_a_head_speaks_in_its_own_manner_until_it_is_switched_off(amal, add_strip, voice, curve, outdated):
    strip = add_strip(voice, frame=30, head=amal)
    bpy.ops.dgtalker.animate()
    assert curve(amal, "mouthSmileLeft").max() > 0.5
    assert not outdated(amal)
    strip.dgtalker.lips = 0.5
    assert 0.1 < curve(amal, "mouthSmileLeft").max() < 0.5, "the take can be changed like any other"
    strip.dgtalker.lips = 1.0
    amal.dgtalker_speech.own_manner = False
    assert "press Animate" in outdated(amal)
    bpy.ops.dgtalker.animate()
    assert curve(amal, "mouthSmileLeft").max() < 0.3
    assert not outdated(amal)


def test_an_engine_that_does_not_know_the_head_is_given_it(room, amal, add_strip, voice, curve):
    add_strip(voice, frame=30, head=amal)
    room("bridge.engine").stop()
    bpy.ops.dgtalker.animate()
    assert curve(amal, "mouthSmileLeft").max() > 0.5


def test_a_head_from_a_saved_file_speaks_in_its_manner(room, amal, add_strip, voice, tmp_path, curve):
    add_strip(voice, frame=30, head=amal)
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    bpy.ops.wm.open_mainfile(filepath=str(tmp_path / "saved.blend"))
    bpy.ops.dgtalker.animate()
    (head,) = room("head.model").heads(bpy.context.scene)
    assert curve(head, "mouthSmileLeft").max() > 0.5


def test_a_head_without_a_manner_is_offered_none(room, amal, make_head):
    has_manner = room("bridge.avatars").has_manner
    assert has_manner(amal)
    assert not has_manner(room("head.add").add_head(bpy.context))
    assert not has_manner(make_head())


def test_a_head_speaks_in_the_manner_of_the_file_that_it_has_now(room, file, add_strip, voice, curve, outdated):
    bpy.context.scene.render.fps = 24
    head = room("head.add").add_head(bpy.context)  # as one that was added before there were manners
    add_strip(voice, frame=30, head=head)
    bpy.ops.dgtalker.animate()
    data = file.read_bytes()
    head.dgtalker.avatar.pack(data=data, data_len=len(data))
    assert "another manner" in outdated(head)
    bpy.ops.dgtalker.animate()
    assert curve(head, "mouthSmileLeft").max() > 0.5
    assert not outdated(head)


def test_a_head_whose_file_is_gone_speaks_as_anybody_and_says_so(room, amal, add_strip, voice, curve):
    add_strip(voice, frame=30, head=amal)
    bpy.data.images.remove(amal.dgtalker.avatar)
    notes = room("speech.animation").animate(bpy.context, [amal])
    assert any("is missing" in note for note in notes)
    assert curve(amal, "jawOpen").max() > 0
    assert curve(amal, "mouthSmileLeft").max() < 0.3
