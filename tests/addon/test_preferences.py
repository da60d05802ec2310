"""The extension's preferences: the engine's Python, the test, the restart, the log."""

from __future__ import annotations

import json
import os
import venv

import bpy
import pytest


@pytest.fixture
def preferences(extension):
    """The preferences as the tests use them; put back afterwards."""
    chosen = bpy.context.preferences.addons[extension.__name__].preferences
    python = chosen.engine_python
    yield chosen
    chosen.engine_python = python


def test_the_test_button_shows_what_the_doctor_found(room, preferences):
    assert bpy.ops.dgtalker.test_engine() == {"FINISHED"}
    lines = room("preferences").Doctor.answer
    assert {"python", "torch", "gpu", "speech", "disk"} <= {line["name"] for line in lines}
    assert any(os.environ["DGTALKER_ENGINE_PYTHON"] in line["text"] for line in lines)


def test_restart_gives_another_engine(room, preferences):
    bpy.ops.dgtalker.test_engine()
    before = room("bridge.engine").state().pid
    assert bpy.ops.dgtalker.restart_engine() == {"FINISHED"}
    assert room("bridge.engine").state().pid not in (None, before)


def test_a_python_that_is_nowhere_is_named_with_what_to_do(room, preferences, tmp_path):
    bpy.ops.dgtalker.test_engine()
    preferences.engine_python = str(tmp_path / "nowhere" / "python")
    assert room("preferences").Doctor.answer == []
    for button in (bpy.ops.dgtalker.test_engine, bpy.ops.dgtalker.restart_engine):
        with pytest.raises(RuntimeError, match=r"nowhere.python is not there.*preferences"):
            button()
    assert "nowhere" in room("bridge.engine").state().error


def test_without_any_engine_the_message_says_how_to_get_one(room, preferences):
    preferences.engine_python = ""
    with pytest.raises(RuntimeError, match=r"No engine is installed.*build\.py package.*preferences"):
        bpy.ops.dgtalker.test_engine()


def test_a_folder_in_place_of_the_python_is_named(preferences, tmp_path):
    preferences.engine_python = str(tmp_path)
    with pytest.raises(RuntimeError, match="is not a program"):
        bpy.ops.dgtalker.test_engine()


def test_the_log_is_written_where_the_button_opens_it(room, preferences):
    bpy.ops.dgtalker.restart_engine()
    assert "connected" in room("preferences").log_path().read_text(encoding="utf-8")
    assert bpy.ops.dgtalker.open_log.poll()


def test_a_python_without_the_engine_is_named(room, preferences, tmp_path):
    bare = tmp_path / "bare"
    venv.create(bare, symlinks=os.name != "nt", with_pip=False)
    python = bare / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    preferences.engine_python = str(python)
    with pytest.raises(RuntimeError, match=r"has no DGTalker engine.*build\.py package"):
        bpy.ops.dgtalker.test_engine()
    assert "has no DGTalker engine" in room("bridge.engine").state().error


def test_of_several_engines_one_is_chosen(room, preferences, tmp_path):
    find = room("bridge.find")
    record = find.data_folder() / "engine.json"
    record.parent.mkdir(parents=True, exist_ok=True)
    other = tmp_path / "other_python"
    other.touch()
    mine = os.environ["DGTALKER_ENGINE_PYTHON"]
    record.write_text(json.dumps({"python": mine, "engines": [mine, str(other), "/gone/python"]}))
    try:
        assert find.known() == [mine, str(other)]
        bpy.ops.dgtalker.use_engine(python=str(other))
        assert preferences.engine_python == str(other)
        assert room("bridge.engine").state().python == str(other)
        bpy.ops.dgtalker.use_engine(python=mine)
        assert bpy.ops.dgtalker.test_engine() == {"FINISHED"}
    finally:
        record.unlink()
