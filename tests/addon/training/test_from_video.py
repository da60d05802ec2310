"""From a video to a head in the scene, with real job processes: started, watched, paused, failed, found again."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess

import bpy
import numpy as np
import pytest
from job_tools import allow, wait_until

MAKE_HEAD = """
import json, sys
from dataclasses import replace
from pathlib import Path
from dgtalker_engine import avatar

path, consent = Path(sys.argv[1]), json.loads(sys.argv[2])
head = avatar.load(avatar.builtin("robin"))
consent = avatar.Consent(date="2026-11-28", **consent)
avatar.save(replace(head, metadata=replace(head.metadata, name=path.stem, consent=consent)), path)
"""

CONSENT = {"status": "signed", "subject": "Amal", "scope": "This film", "granted_by": "Amal Doe"}


@pytest.fixture
def watch(room):
    return room("training.watch")


@pytest.fixture(scope="module", autouse=True)
def engine_with_tiny_trainer(extension, python):
    """What heads are made with here."""
    preferences = bpy.context.preferences.addons[extension.__name__].preferences
    usual, preferences.engine_python = preferences.engine_python, str(python)
    yield
    preferences.engine_python = usual


@pytest.fixture(autouse=True)
def nothing_runs_on(watch):
    """What still runs is killed with the test."""
    yield
    watch.refresh()
    for view in watch.views():
        if view.busy:
            kill(view)


def kill(view):
    with contextlib.suppress(ProcessLookupError):
        os.kill(json.loads((view.job.folder / "process.json").read_bytes())["pid"], signal.SIGKILL)


@pytest.fixture(scope="session")
def made_head(tmp_path_factory):
    """The head that comes out: a built-in one with Amal's consent."""
    path = tmp_path_factory.mktemp("head") / "Amal.dgt"
    command = [os.environ["DGTALKER_ENGINE_PYTHON"], "-I", "-c", MAKE_HEAD, str(path), json.dumps(CONSENT)]
    subprocess.run(command, check=True)
    return path


@pytest.fixture
def video(tmp_path, made_head):
    """A video of somebody; its trainer waits for what the test allows."""
    path = tmp_path / "interview_amal.mp4"
    path.write_bytes(b"the tiny trainer does not look")
    shutil.copy(made_head, tmp_path / "head.dgt")
    allow(path, 0)
    return path


@pytest.fixture
def form(video):
    """The form, filled in."""
    assert bpy.ops.dgtalker.choose_video(filepath=str(video)) == {"FINISHED"}
    form = bpy.context.window_manager.dgtalker_from_video
    form.name = "Amal"
    for name, value in CONSENT.items():
        setattr(form, name, value)
    return form


def until(watch, video, condition):
    """The job of a video, once a look at it finds this true."""

    def look():
        watch.refresh()
        return next((view for view in watch.views() if view.request.input == str(video) and condition(view)), None)

    return wait_until(look)


def after(watch, video, steps):
    """The job of a video, once it has done this many steps."""
    allow(video, steps)
    return until(watch, video, lambda view: view.fraction >= steps / 10)


def in_state(word):
    return lambda view: view.state.value == word


@pytest.fixture
def running(watch, form, video):
    """A job that has done 3 of 10 steps and waits."""
    assert bpy.ops.dgtalker.train_head() == {"FINISHED"}
    return after(watch, video, 3)


def heads():
    return [ob for ob in bpy.data.objects if ob.type == "MESH" and ob.dgtalker.rig]


@pytest.mark.parametrize(
    ("missing", "word"),
    [
        ("status", "whose face it is"),
        ("subject", "whose face it is"),
        ("scope", "may be used for"),
        ("granted_by", "who has signed"),
        ("name", "a name"),
        ("video", "a video"),
    ],
)
def test_without_consent_the_button_is_grey_and_says_why_and_there_is_no_job(watch, form, room, missing, word):
    watch.refresh()
    before = watch.views()
    form.property_unset(missing)
    assert word in room("training.operators").TrainHead.disabled_reason(bpy.context)
    assert not bpy.ops.dgtalker.train_head.poll()
    with pytest.raises(RuntimeError, match=word):
        bpy.ops.dgtalker.train_head()
    watch.refresh()
    assert [view.id for view in watch.views()] == [view.id for view in before]


def test_the_form_suggests_a_name_and_a_place(video, room, tmp_path):
    bpy.ops.dgtalker.choose_video(filepath=str(video))
    form = bpy.context.window_manager.dgtalker_from_video
    output = room("training.form").output
    assert form.name == "Interview Amal"
    assert output(bpy.context) == video.parent / "Interview Amal.dgt", "beside the video"
    (tmp_path / "film").mkdir()
    bpy.ops.wm.save_as_mainfile(filepath=str(tmp_path / "film" / "shot.blend"))
    form.video = str(video)
    assert output(bpy.context) == tmp_path / "film" / "Interview Amal.dgt", "beside the .blend"
    form.name = 'Who: "Amal"?'
    form.folder = str(tmp_path)
    assert output(bpy.context) == tmp_path / "Who_ _Amal__.dgt"


def test_consent_that_was_given_for_another_video_does_not_count(form, video, room):
    other = video.with_name("other.mp4")
    other.touch()
    form.video = str(other)
    assert (form.name, form.status) == ("Other", "ASK")
    assert not bpy.ops.dgtalker.train_head.poll()


def test_starting_asks_for_what_the_form_says_and_empties_it(watch, running, form, video):
    request = running.request
    assert request.trainer == "gaussiantalker"
    assert (request.input, request.output) == (str(video), str(video.parent / "Amal.dgt"))
    assert dict(request.config) == {}
    assert {name: request.consent[name] for name in CONSENT} == CONSENT
    assert len(request.consent["date"].split("-")) == 3
    assert (form.video, form.status, form.subject) == ("", "ASK", ""), "consent is given for one video"


def test_progress_and_a_picture_that_gets_better_are_seen(watch, running, video, room):
    assert running.name == "Amal"
    assert (running.state_text, running.stage_text, running.time_text) == (
        "Running",
        "Reading the video: 75%",
        "7 min left",
    )
    view = after(watch, video, 6)
    assert (view.stage_text, view.time_text) == ("Training: 33%", "4 min left")

    def pixels():
        return room("training.job_icons").icons.pixels(view.id).view(np.uint8).reshape(256, 256, 4)

    def middle():
        red, green, _, alpha = pixels()[128, 128]
        assert (green, alpha) == (0, 255)
        return round(red / 255, 1)

    assert middle() == 0.6
    after(watch, video, 8)
    assert middle() == 0.8
    assert pixels()[0, 0, 3] == 0, "a wide picture stands in the middle of the square"


def test_a_paused_training_is_resumed_by_another_blender_and_goes_on_there(watch, running, video, another_blender):
    assert bpy.ops.dgtalker.pause_training(job=running.id) == {"FINISHED"}
    paused = until(watch, video, in_state("cancelled"))
    assert (paused.state_text, paused.fraction) == ("Paused", 0.3)
    work = f"""
bpy.ops.dgtalker.resume_training(job={running.id!r})
print([view.state_text for view in room("training.watch").views() if view.id == {running.id!r}])
"""
    assert another_blender(work)[-1] == "['Running']"
    allow(video, 5)
    view = until(watch, video, lambda view: view.fraction == 0.5)
    assert view.id == running.id
    assert (view.job.folder / "log.txt").read_text().splitlines() == ["from step 0", "from step 3"]


def test_a_training_whose_process_was_killed_is_interrupted_and_goes_on_when_resumed(watch, running, video):
    kill(running)
    assert until(watch, video, in_state("interrupted")).state_text == "Interrupted"
    assert bpy.ops.dgtalker.resume_training(job=running.id) == {"FINISHED"}
    assert after(watch, video, 5).state_text == "Running"


def test_what_went_wrong_is_shown_with_what_to_do_and_can_be_tried_again(watch, running, video):
    allow(video, "fail")
    failed = until(watch, video, in_state("failed"))
    assert failed.error == "No face was found in the video. Choose one in which a face can be seen."
    allow(video, 5)
    bpy.ops.dgtalker.resume_training(job=running.id)
    view = after(watch, video, 5)
    assert (view.state_text, view.error) == ("Running", "")


def test_the_head_is_added_when_it_is_done(watch, running, video, room):
    bpy.context.scene.cursor.location = (1.0, 0.0, 0.0)
    allow(video, 10)
    done = until(watch, video, in_state("finished"))
    (head,) = heads()
    assert (head.name, tuple(head.location)) == ("Amal", (1.0, 0.0, 0.0))
    assert room("head.add").consent_lines(head)[:4] == (
        "Consent was signed",
        "Shows: Amal",
        "For: This film",
        "Granted by: Amal Doe",
    )
    assert (done.state_text, done.time_text, done.output_there) == ("Ready", "took 10 min", True)
    watch.refresh()
    assert len(heads()) == 1


def test_what_is_undone_after_the_start_does_not_forget_that_the_scene_waits(watch, form, video, room):
    bpy.ops.ed.undo_push(message="before")
    bpy.ops.dgtalker.train_head("EXEC_DEFAULT", True)  # as a button, which makes an undo step of its own
    job = after(watch, video, 1)
    bpy.ops.mesh.primitive_cube_add("EXEC_DEFAULT", True)
    bpy.ops.ed.undo()
    assert room("training.awaited").names(bpy.context.scene) == [job.id]


def test_a_head_that_nobody_waits_for_is_not_added(watch, running, video):
    assert bpy.ops.dgtalker.await_head(job=running.id) == {"FINISHED"}
    assert not bpy.context.scene.dgtalker_awaited
    allow(video, 10)
    until(watch, video, in_state("finished"))
    assert not heads()


def test_a_head_is_not_added_in_edit_mode_but_right_after_it(watch, running, video):
    bpy.ops.mesh.primitive_cube_add()
    bpy.ops.object.mode_set(mode="EDIT")
    allow(video, 10)
    until(watch, video, in_state("finished"))
    assert not heads()
    bpy.ops.object.mode_set(mode="OBJECT")
    watch.refresh()
    assert len(heads()) == 1


def test_only_the_file_that_started_it_gets_the_head(watch, running, video, tmp_path):
    path = str(tmp_path / "shot.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    done = after(watch, video, 10)
    done = until(watch, video, in_state("finished"))
    assert not heads()
    # nothing is started because a file is opened, not even by its own wish
    bpy.ops.wm.open_mainfile(filepath=path)
    watch.refresh()
    assert not heads()
    assert bpy.ops.dgtalker.add_head_from_file(filepath=done.request.output) == {"FINISHED"}
    assert len(heads()) == 1


def test_a_file_that_was_closed_meanwhile_still_waits_for_its_head(watch, running, video, tmp_path):
    path = str(tmp_path / "shot.blend")
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    after(watch, video, 5)
    bpy.ops.wm.open_mainfile(filepath=path)
    allow(video, 10)
    until(watch, video, in_state("finished"))
    assert len(heads()) == 1


def test_a_head_is_never_overwritten_without_asking(watch, form, video):
    existing = video.parent / "Amal.dgt"
    existing.write_bytes(b"precious")
    with pytest.raises(RuntimeError, match="is there already"):
        bpy.ops.dgtalker.train_head()
    assert existing.read_bytes() == b"precious"
    assert bpy.ops.dgtalker.train_head(overwrite=True) == {"FINISHED"}
    allow(video, 10)
    until(watch, video, in_state("finished"))
    assert existing.read_bytes() != b"precious"


def test_two_trainings_do_not_write_the_same_file(watch, running, video):
    bpy.ops.dgtalker.choose_video(filepath=str(video))
    form = bpy.context.window_manager.dgtalker_from_video
    for name, value in {"name": "Amal", **CONSENT}.items():
        setattr(form, name, value)
    with pytest.raises(RuntimeError, match="Another training writes Amal"):
        bpy.ops.dgtalker.train_head()


def test_a_training_that_runs_is_removed_once_it_has_ended(watch, running):
    assert bpy.ops.dgtalker.remove_training(job=running.id) == {"FINISHED"}
    wait_until(lambda: watch.refresh() or running.id not in [view.id for view in watch.views()])
    assert not running.job.folder.exists()
    assert not list(running.job.folder.parent.glob(f"*{running.id}"))
    assert not bpy.context.scene.dgtalker_awaited
    with pytest.raises(RuntimeError, match="was removed meanwhile"):
        bpy.ops.dgtalker.pause_training(job=running.id)


def test_a_head_that_was_made_stays_when_its_training_is_removed(watch, running, video):
    allow(video, 10)
    done = until(watch, video, in_state("finished"))
    bpy.ops.dgtalker.remove_training(job=done.id)
    assert done.id not in [view.id for view in watch.views()]
    assert (video.parent / "Amal.dgt").is_file()


def test_without_an_engine_nothing_is_left_behind(watch, form, extension, tmp_path):
    preferences = bpy.context.preferences.addons[extension.__name__].preferences
    watch.refresh()
    before = [view.id for view in watch.views()]
    usual, preferences.engine_python = preferences.engine_python, str(tmp_path / "nowhere")
    with pytest.raises(RuntimeError, match=r"nowhere is not there.*preferences"):
        bpy.ops.dgtalker.train_head()
    preferences.engine_python = usual
    watch.refresh()
    assert [view.id for view in watch.views()] == before
    assert form.status == "signed", "nothing has to be typed again"


def test_a_video_that_is_gone_is_named(form, video):
    video.unlink()
    with pytest.raises(RuntimeError, match=r"interview_amal.mp4 is not there.*another file"):
        bpy.ops.dgtalker.train_head()


def test_a_clip_is_trained_from_its_folder(watch, video, room, tmp_path):
    clip = tmp_path / "clip of amal"
    clip.mkdir()
    (clip / "clip.json").write_text("{}")
    bpy.ops.dgtalker.choose_video(filepath=str(clip / "clip.json"))
    assert room("training.form").source(bpy.context) == clip
    assert bpy.context.window_manager.dgtalker_from_video.name == "Clip Of Amal"


def test_the_extension_is_disabled_and_enabled_again_while_a_training_runs(running, another_blender):
    work = f"""
module = "bl_ext.user_default.dgtalker"
for _ in range(2):
    bpy.ops.preferences.addon_disable(module=module)
    assert not hasattr(bpy.types.Scene, "dgtalker_awaited")
    bpy.ops.preferences.addon_enable(module=module)
room("training.watch").refresh()
print([view.state_text for view in room("training.watch").views() if view.id == {running.id!r}])
"""
    assert another_blender(work)[-1] == "['Running']"
