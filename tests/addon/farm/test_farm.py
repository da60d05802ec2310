"""Farms: what a worker finds of a file, and frames that two of them write into one folder while one is killed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import bpy
import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
JOB_TYPE = REPOSITORY / "docs" / "farm" / "dgtalker_render.js"

WORKER = """
import sys
import bpy
import addon_utils

file, folder, first, last = sys.argv[1:]
addon_utils.enable("bl_ext.user_default.dgtalker", default_set=True)
bpy.context.preferences.addons["bl_ext.user_default.dgtalker"].preferences.engine_python = PYTHON
bpy.ops.wm.open_mainfile(filepath=file)
scene = bpy.context.scene
scene.render.filepath = folder + "/"
scene.frame_start, scene.frame_end = int(first), int(last)
bpy.ops.render.render(animation=True)
import os
sys.modules["bl_ext.user_default.dgtalker.bridge.engine"].stop()
os._exit(0)
"""

FLAMENCO = """
const path = require("path");
const tasks = [];
const print = () => {};
const formatTimestampLocal = () => "2026-11-29_120000";
const frameChunker = (frames, size) => {
  const [first, last] = frames.split("-").map(Number), chunks = [];
  for (let at = first; at <= last; at += size) chunks.push(`${at}-${Math.min(at + size - 1, last)}`);
  return chunks;
};
const author = {
  Command: (name, parameters) => ({ name, parameters }),
  Task: (name, type) => ({
    name, type, commands: [], after: [],
    addCommand(command) { this.commands.push(command); },
    addDependency(task) { this.after.push(task.name); },
  }),
};
"""


@pytest.fixture
def shot(tmp_path):
    """A saved file of 64 × 64 pixels with a head that turns over six frames."""
    assert bpy.ops.dgtalker.add_head() == {"FINISHED"}
    head, scene = bpy.context.object, bpy.context.scene
    for frame, turn in ((1, -0.6), (6, 0.6)):
        head.rotation_euler.z = turn
        head.keyframe_insert("rotation_euler", frame=frame)
    scene.camera.location, scene.camera.rotation_euler = (0, -1, 0), (1.5708, 0, 0)
    scene.render.engine = "DGTALKER"
    scene.render.resolution_x = scene.render.resolution_y = 64
    file = tmp_path / "shot.blend"
    bpy.ops.wm.save_as_mainfile(filepath=str(file))
    return file


@pytest.fixture
def worker(tmp_path):
    """`worker(file, folder, first, last)`: a Blender of its own that renders a chunk, with an engine of its own."""
    program = tmp_path / "worker.py"
    program.write_text(WORKER.replace("PYTHON", repr(os.environ["DGTALKER_ENGINE_PYTHON"])))
    started = []

    def start(*arguments: object) -> subprocess.Popen:
        command = [sys.executable, program, *map(str, arguments)]
        started.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
        return started[-1]

    yield start
    for process in started:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        process.wait()


def compiled(**settings: object) -> list[dict]:
    """The tasks that Flamenco would make of a job."""
    given = {
        "frames": "1-6",
        "chunk_size": 3,
        "render_output_path": "/out/{timestamp}/######",
        "blendfile": "/films/shot.blend",
        "scene": "Scene",
        "engine": "DGTALKER",
        "format": "PNG",
        **settings,
    }
    job = f"const job = {{settings: {json.dumps(given)}, created: 0, addTask(task) {{ tasks.push(task); }}}};"
    script = FLAMENCO + JOB_TYPE.read_text() + job + "compileJob(job); console.log(JSON.stringify(tasks));"
    answer = subprocess.run(["node", "-e", script], capture_output=True, text=True)
    if answer.returncode:
        raise ValueError(answer.stderr)
    return json.loads(answer.stdout)


needs_node = pytest.mark.skipif(not shutil.which("node"), reason="Node.js, which compiles the job type, is not here")


@needs_node
def test_flamenco_gets_a_preflight_and_chunks_that_name_the_engine():
    preflight, *chunks = compiled()
    assert preflight["name"] == "preflight"
    assert [chunk["name"] for chunk in chunks] == ["render-1-3", "render-4-6"]
    assert all(chunk["after"] == ["preflight"] for chunk in chunks)
    (command,) = chunks[0]["commands"]
    args = command["parameters"]["args"]
    assert command["parameters"]["blendfile"] == "/films/shot.blend"
    assert args[args.index("--engine") + 1] == "DGTALKER"
    assert args[args.index("--render-output") + 1] == "/out/2026-11-29_120000/######"
    assert args[-2:] == ["--render-frame", "1..3"], "Blender renders when it reads this: all else comes before"
    with pytest.raises(ValueError, match="Choose a picture format"):
        compiled(format="FFMPEG")


@needs_node
def test_the_rehearsal_asks_what_flamencos_preflight_asks(room):
    (command,) = compiled()[0]["commands"]
    assert command["parameters"]["args"][-1] == room("farm.rehearsal").EXPRESSION


def test_two_workers_write_every_frame_once_and_whole_though_one_is_killed(shot, worker, room, tmp_path):
    is_whole = room("render.whole_files").is_whole
    alone, together = tmp_path / "alone", tmp_path / "together"
    first, second = worker(shot, together, 1, 3), worker(shot, together, 4, 6)
    deadline = time.monotonic() + 200
    while not (together / "0004.png").exists():  # the second has begun, and is killed in its next frame
        assert second.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    second.kill()
    second.wait()
    assert first.wait() == 0
    assert worker(shot, together, 4, 6).wait() == 0  # its chunk comes again
    bpy.context.scene.render.filepath, bpy.context.scene.frame_end = f"{alone}/", 6
    bpy.ops.render.render(animation=True)
    names = [f"000{frame}.png" for frame in range(1, 7)]
    assert sorted(path.name for path in together.iterdir()) == names
    for name in names:
        assert is_whole(together / name)
        assert pixels(together / name) == pixels(alone / name), name
    assert len({pixels(together / name) for name in names}) == 6


def pixels(path: Path) -> tuple[float, ...]:
    image = bpy.data.images.load(str(path))
    content = tuple(image.pixels[:])
    bpy.data.images.remove(image)
    return content


def test_the_preflight_says_what_it_found_and_that_all_is_well(shot, capfd):
    before = bpy.context.scene.render.filepath
    assert bpy.ops.dgtalker.preflight() == {"FINISHED"}
    said = capfd.readouterr().out
    assert "shot.blend opens" in said
    assert "avatar is in the file" in said
    assert "Frame 1 is rendered, 64 × 64" in said
    assert "PROBLEM" not in said
    assert bpy.context.scene.render.filepath == before, "settings are as they were"


@pytest.mark.parametrize(
    ("break_it", "said"),
    [
        (lambda scene, head: setattr(scene, "camera", None), "has no camera"),
        (lambda scene, head: bpy.data.images.remove(head.dgtalker.avatar), "lost its avatar"),
        (lambda scene, head: setattr(scene.render, "engine", "CYCLES"), "does not draw heads"),
    ],
    ids=["camera", "avatar", "engine"],
)
def test_what_a_farm_would_stumble_over_is_a_problem(shot, break_it, said):
    head = bpy.context.object
    break_it(bpy.context.scene, head)
    with pytest.raises(RuntimeError, match=said):
        bpy.ops.dgtalker.preflight()


@pytest.mark.parametrize("path", ["{}/gone.wav", "//gone.wav", "//sub/../gone.wav"])
def test_a_missing_sound_is_worth_knowing_for_pictures(shot, sample, tmp_path, capfd, path):
    copy = tmp_path / "gone.wav"
    shutil.copy(sample, copy)
    strip = bpy.context.scene.sequence_editor_create().strips.new_sound("line", str(copy), 1, 1)
    strip.sound.filepath = path.format(tmp_path)
    copy.unlink()
    assert bpy.ops.dgtalker.preflight() == {"FINISHED"}
    assert "note    Sounds are missing: gone.wav." in capfd.readouterr().out


def test_files_that_no_picture_needs_are_no_problem(shot, tmp_path, capfd):
    """Texts are in the file; Blender's paths of tiles and of brushes name no file that is there."""
    script = tmp_path / "script.py"
    script.write_text("a = 1")
    bpy.data.texts.load(str(script))
    script.unlink()
    (tmp_path / "skin.1001.png").write_bytes(b"")
    tiles = bpy.data.images.new("skin", 4, 4)
    tiles.source, tiles.filepath_raw = "TILED", "//skin.<UDIM>.png"
    assert bpy.ops.dgtalker.preflight() == {"FINISHED"}
    assert "No file is missing" in capfd.readouterr().out
    (tmp_path / "skin.1001.png").unlink()
    with pytest.raises(RuntimeError, match="Files are missing: skin"):
        bpy.ops.dgtalker.preflight()


def test_what_was_found_of_one_file_is_not_shown_of_another(shot, room):
    found = room("farm.operators").found
    found.append(room("farm.findings").Finding("shot.blend opens."))
    bpy.ops.wm.open_mainfile(filepath=str(shot))
    assert found == []


def test_a_worker_without_an_engine_says_what_to_install(shot, room, capfd):
    engine = room("bridge.engine")
    engine.stop()
    engine.configure(python="/nowhere/python")
    try:
        with pytest.raises(RuntimeError, match="Python /nowhere/python is not there"):
            bpy.ops.dgtalker.preflight()
    finally:
        room("preferences").configure_engine()
    assert "PROBLEM The engine's Python" in capfd.readouterr().out


def test_findings_come_back_from_what_a_worker_printed(room):
    findings = room("farm.findings")
    every = [findings.Finding("a"), findings.Finding("b", ok=False, advice="ö")]
    assert findings.from_output(f"Blender 5.2\n{findings.to_line(every)}\nBlender quit\n") == every
    assert findings.from_output("Blender 5.2\nSegmentation fault\n") is None
    assert findings.from_output(findings.MARK + "{") is None
