"""The buttons that install, remove and report on the engine."""

from __future__ import annotations

import json
import os
import sys
import threading
import venv
from pathlib import Path

import bpy
import pytest


@pytest.fixture
def preferences(extension):
    """The preferences as the tests use them; put back afterwards, as is what engine.json says."""
    chosen = bpy.context.preferences.addons[extension.__name__].preferences
    python, system = chosen.engine_python, bpy.context.preferences.system
    system.use_online_access = True
    yield chosen
    system.use_online_access = False
    for name in ("package_index", "pytorch_index", "wheels_folder"):
        chosen.property_unset(name)
    chosen.engine_python = python


@pytest.fixture
def errors(extension):
    """The module, which is there once the extension is."""
    return sys.modules["dgtalker_engine.errors"]


@pytest.fixture
def running(room):
    module = room("install.ui.running")
    yield module
    module._current = module.failure = None


@pytest.fixture
def record(room):
    """engine.json, which is gone after the test."""
    file = room("bridge.find").data_folder() / "engine.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    yield file
    file.unlink(missing_ok=True)


@pytest.fixture
def drawn(room):
    """``drawn() -> (texts, operators)``: what the installation's part of the preferences shows."""

    class Layout:
        def __init__(self):
            self.texts, self.operators = [], {}

        def _inner(self, **options):
            return self

        row = column = box = _inner

        def label(self, text="", icon=""):
            self.texts.append(text)

        def progress(self, factor, text, type):
            self.texts.append(text)

        def operator(self, name, text="", icon=""):
            self.operators[name] = text
            return self

    def draw():
        layout = Layout()
        room("install.ui.operators").draw(layout, bpy.context)
        return layout.texts, layout.operators

    return draw


def test_the_button_says_how_much_it_downloads(room, preferences, running, drawn, monkeypatch):
    monkeypatch.setattr(room("ui"), "alert", lambda layout, context, text: layout.texts.append(text))
    _, operators = drawn()
    size = running.planned().missing_bytes(running.sources())
    assert operators["dgtalker.install_engine"] == f"Install Engine… ({size / 1e6:.0f} MB)"
    assert "dgtalker.uninstall_engine" not in operators, "this engine is none of ours"


def test_who_may_not_use_the_internet_reads_it_beside_the_button(room, preferences, running, drawn, monkeypatch):
    monkeypatch.setattr(room("ui"), "note", lambda layout, context, text: layout.texts.append(text))
    assert drawn()[0] == []
    bpy.context.preferences.system.use_online_access = False
    [text] = drawn()[0]
    assert "Allow Online Access" in text


def test_python_is_blenders_own_where_it_fits_and_is_downloaded_elsewhere(running):
    plan = running.planned()
    assert (plan.own_python is not None) == (sys.version_info[:2] == (3, 11))
    assert any("cpython" in file.name for file in plan.needed) == (plan.own_python is None)


def test_without_online_access_the_button_says_what_to_do(room, preferences, running, monkeypatch, tmp_path):
    from dataclasses import replace

    sources = running.sources()
    monkeypatch.setattr(running, "sources", lambda: replace(sources, online=False))
    reason = room("install.ui.operators").InstallEngine.disabled_reason
    assert "Allow Online Access" in reason(bpy.context)
    preferences.package_index = tmp_path.as_uri()
    monkeypatch.setattr(running, "sources", lambda: replace(sources, online=False, pypi=tmp_path.as_uri()))
    assert reason(bpy.context) == "", "an index on a disk needs none"


def test_progress_is_shown_in_place_with_pause_and_cancel(room, errors, preferences, running, drawn, monkeypatch):
    """Downloads that a test holds: they begin, are paused, go on, and are cancelled."""
    begun = threading.Event()

    def install(plan, sources, control):
        control.can_pause = True
        control.say("Downloading torch", 10_000_000, 350_000_000)
        begun.set()
        while True:
            control.sleep(0.01)

    monkeypatch.setattr(room("install.installation"), "install", install)
    task = running.begin()
    assert begun.wait(30)
    assert drawn()[0] == ["Downloading torch: 10 of 350 MB"]
    with pytest.raises(RuntimeError, match="being installed"):
        bpy.ops.dgtalker.install_engine()
    assert bpy.ops.dgtalker.pause_installation() == {"FINISHED"}
    assert drawn() == (
        ["Paused. Downloading torch: 10 of 350 MB"],
        {"dgtalker.pause_installation": "Go On", "dgtalker.cancel_installation": ""},
    )
    assert bpy.ops.dgtalker.pause_installation() == {"FINISHED"}
    assert bpy.ops.dgtalker.cancel_installation() == {"FINISHED"}
    task.wait(30)
    running.finish(task)
    assert isinstance(task.error, errors.Cancelled)
    assert running.failure is None, "who cancels knows it"
    assert "dgtalker.install_engine" in drawn()[1]


def test_what_went_wrong_stays_beside_the_button(room, errors, preferences, running, drawn, monkeypatch):
    def install(plan, sources, control):
        raise errors.DGTalkerError("The disk is full.", "Make room.", code="disk_full")

    monkeypatch.setattr(room("ui"), "alert", lambda layout, context, text: layout.texts.append(text))
    monkeypatch.setattr(room("install.installation"), "install", install)
    with pytest.raises(RuntimeError, match=r"The disk is full\. Make room\."):
        bpy.ops.dgtalker.install_engine()
    assert drawn()[0] == ["The disk is full. Make room."]


def test_what_was_installed_is_used_and_can_be_removed(room, errors, preferences, running, drawn, record, monkeypatch):
    find = room("bridge.find")
    environment = running.planned().environment
    venv.create(environment, symlinks=os.name != "nt", with_pip=False)
    python = environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    monkeypatch.setattr(room("install.installation"), "install", lambda *all: find.remember(python))
    assert bpy.ops.dgtalker.install_engine() == {"FINISHED"}
    assert preferences.engine_python == ""
    assert room("bridge.engine").state().python == str(python)
    _, operators = drawn()
    assert operators["dgtalker.uninstall_engine"] == "Remove…"
    assert operators["dgtalker.install_engine"] == "Install for Videos…", "it came after Repair Engine"
    with pytest.raises(errors.DGTalkerError, match="Install for Videos"):
        room("install.environment").check_capture(python)
    preferences.engine_python = str(python)
    assert bpy.ops.dgtalker.uninstall_engine(python=str(python)) == {"FINISHED"}
    assert preferences.engine_python == "", "what is gone is not chosen any more"
    assert json.loads(record.read_text())["python"] == ""
    assert not environment.exists()


def test_a_removal_that_another_blender_holds_up_leaves_this_one_free(
    room, errors, preferences, running, drawn, record
):
    find, control = room("bridge.find"), room("install.control").Control()
    python = find.data_folder() / "env-held" / "bin" / "python"
    said = threading.Event()
    with room("install.installation").locked(find.data_folder(), control):
        task = running.begin_removal(str(python))
        say = task.control.say
        task.control.say = lambda *all: say(*all) or said.set()
        assert said.wait(30)
        assert drawn()[0] == ["Another Blender is installing the engine; waiting for it"]
        assert bpy.ops.dgtalker.cancel_installation() == {"FINISHED"}
        task.wait(30)
    running.finish(task)
    assert isinstance(task.error, errors.Cancelled)


def test_a_bug_report_says_much_and_nothing_private(room, preferences, sample):
    preferences.engine_python = os.environ["DGTALKER_ENGINE_PYTHON"]
    room(
        "ui"
    ).last_error = f"Zacharias cannot speak {Path.home() / 'heist' / 'secret.wav'}: heavenly voices were heard."
    editor = bpy.context.scene.sequence_editor_create()
    strip = editor.strips.new_sound("Whispering", str(sample), 1, 1)
    strip.sound.name = "Zacharias.wav"
    room("properties").strip_properties(strip).transcript = "I was told that heavenly voices were heard"
    texts = []
    monkey = room("bug_report_operator").bug_report
    compose = monkey.compose
    monkey.compose = lambda *all: texts.append(compose(*all)) or texts[-1]
    try:
        assert bpy.ops.dgtalker.copy_bug_report() == {"FINISHED"}
    finally:
        monkey.compose = compose
    (text,) = texts
    assert f"Blender {bpy.app.version_string}" in text
    assert "PyTorch" in text
    assert "connected" in text, "the log's end"
    assert ".wav" in text
    for private in ("Zacharias", "secret", "heavenly voices", str(Path.home()), "heist"):
        assert private not in text
