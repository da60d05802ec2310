"""Cases of `modal.py`: a head from a video, watched in the sidebar of a real window."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Generator
from pathlib import Path
from typing import Any

import bpy
from steps import ADDON, Drawings, Steps, heads, until

REPOSITORY = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(REPOSITORY / "tests" / "addon" / "training"))
from job_tools import allow, write_python  # noqa: E402 (it lies beside the trainers)


def room(name: str) -> Any:
    return sys.modules[f"{ADDON}.training.{name}"]


def view(video: Path) -> Any:
    """The job of a video as the panel shows it."""
    return next((each for each in room("watch").views() if each.request.input == str(video)), None)


def seen(video: Path, word: str, fraction: float) -> bool:
    shown = view(video)
    return shown is not None and shown.state_text == word and shown.fraction == fraction


def started() -> Generator[None, None, Path]:
    """The video of a job that has done 6 of 10 steps; the form was filled in as an animator does."""
    folder = Path(tempfile.mkdtemp(prefix="dgtalker-training-"))
    video = folder / "interview_amal.mp4"
    video.touch()
    (folder / "head.dgt").write_bytes((REPOSITORY / "dgtalker_engine/avatar/assets/robin.dgt").read_bytes())
    allow(video, 6)
    bpy.context.preferences.addons[ADDON].preferences.engine_python = str(write_python(folder))
    bpy.ops.dgtalker.choose_video(filepath=str(video))
    area = next(area for area in bpy.context.window_manager.windows[0].screen.areas if area.type == "VIEW_3D")
    sidebar = next(region for region in area.regions if region.type == "UI")
    yield from until(lambda: sidebar.active_panel_category == "DGTalker")
    form = bpy.context.window_manager.dgtalker_from_video
    assert not bpy.ops.dgtalker.train_head.poll(), "whose face is it?"
    form.status, form.subject, form.scope = "self", "Amal", "This film"
    assert bpy.ops.dgtalker.train_head() == {"FINISHED"}
    bpy.ops.ed.undo_push(message="a head is awaited")
    yield from until(lambda: seen(video, "Running", 0.6))
    return video


def a_training_is_drawn_paused_resumed_and_its_head_added() -> Steps:
    watch = room("watch")
    with Drawings(room("panels").FromVideoPanel) as drawings:
        video = yield from started()
        before = drawings.count
        assert room("job_icons").icons.id_of(view(video).id) > 0
        yield from until(lambda: drawings.count > before)
        job = view(video).id
        bpy.ops.dgtalker.pause_training(job=job)
        yield from until(lambda: seen(video, "Paused", 0.6))
        yield from until(lambda: not bpy.app.timers.is_registered(watch._tick))  # nothing runs: nothing looks
        bpy.ops.dgtalker.resume_training(job=job)
        allow(video, 8)
        before = drawings.count
        yield from until(lambda: seen(video, "Running", 0.8))
        yield from until(lambda: drawings.count > before)
        allow(video, 10)
        yield from until(heads)
        assert seen(video, "Ready", 1.0)
        yield from until(lambda: not bpy.app.timers.is_registered(watch._tick))
    bpy.ops.ed.undo()
    yield from until(lambda: not heads())
    watch.refresh()
    yield
    assert not heads(), "what was undone stays undone"


def a_training_survives_another_file_whose_scene_gets_no_head() -> Steps:
    video = yield from started()
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    yield
    assert bpy.app.timers.is_registered(room("watch")._tick)
    allow(video, 10)
    yield from until(lambda: seen(video, "Ready", 1.0))
    yield from until(lambda: not bpy.app.timers.is_registered(room("watch")._tick))
    assert not heads()
