"""The panel of heads from videos in a real Blender window, for a critical look: a form, and a job in each state.

Runs like `tests/gui/window.py`. The jobs are folders as their processes leave them; the one that runs is this Blender.
"""

from __future__ import annotations

import json
import os
import struct
import sys
import zlib
from pathlib import Path

import bpy
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
from steps import show, step

ADDON = "bl_ext.user_default.dgtalker"
PICTURES = Path(__file__).resolve().parents[2] / "docs" / "images" / "character"
CONSENT = {"status": "signed", "subject": "Amal Doe", "scope": "This film", "granted_by": "Amal Doe", "date": ""}


def prepare() -> None:
    bpy.ops.extensions.package_install_files(
        filepath=os.environ["DGTALKER_ZIP"], repo="user_default", enable_on_install=True
    )
    bpy.context.preferences.addons[ADDON].preferences.engine_python = os.environ["DGTALKER_ENGINE_PYTHON"]
    for ob in list(bpy.data.objects):
        bpy.data.objects.remove(ob)
    make("Robin", "finished", 1.0)
    make("Wren", "paused", 0.31)
    make("Cam 2", "failed", 0.05, error=("No face was found in the video.", "Choose one in which a face can be seen."))
    make("Amal", "running", 0.62)


def make(name: str, state: str, fraction: float, error: tuple[str, str] | None = None) -> None:
    """A job's folder."""
    from dgtalker_engine.errors import DGTalkerError
    from dgtalker_engine.wire import jobs

    watch = sys.modules[f"{ADDON}.training.watch"]
    output = Path(bpy.app.tempdir) / f"{name}.dgt"
    request = jobs.Request(trainer="gaussiantalker", input="talk.mp4", output=str(output), consent=CONSENT)
    job = jobs.create(watch.folder(), request)
    job.record_process(os.getpid())
    line = {"stage": "train", "step": int(3000 * fraction), "of": 3000, "losses": {}}
    line |= {"fraction": fraction, "seconds": 900 * fraction, "eta": 900 * (1 - fraction)}
    (job.folder / "progress.jsonl").write_text(json.dumps(line) + "\n")
    job.preview.write_bytes(picture(fraction))
    if state == "running":
        return
    (job.folder / "process.json").write_text(json.dumps({"pid": os.getpid(), "started": "long ago"}))
    if state == "paused":
        job.cancel()
    elif error:
        job.record_error(DGTalkerError(*error))
    else:
        output.touch()
        job.record_result({"output": str(output), "name": name, "report": str(output)})


def picture(fraction: float) -> bytes:
    """A face, the sharper the more is done, as the engine writes pictures."""
    image = bpy.data.images.load(str(PICTURES / "turntable.jpg"), check_existing=False)
    width, height = image.size
    side = width // 7  # the middle of seven columns, the first of three rows
    pixels = np.array(image.pixels[:]).reshape(height, width, 4)[::-1][:side, 3 * side : 4 * side]
    bpy.data.images.remove(image)
    coarse = max(1, round(12 * (1 - fraction)))
    pixels = np.repeat(np.repeat(pixels[::coarse, ::coarse], coarse, 0), coarse, 1)
    rows = np.rint(pixels * 255).astype(np.uint8).reshape(len(pixels), -1)
    lines = np.full((len(rows), 1 + rows.shape[1]), 2, np.uint8)
    lines[0, 1:], lines[1:, 1:] = rows[0], rows[1:] - rows[:-1]
    header = struct.pack(">IIBBBBB", pixels.shape[1], len(pixels), 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(struct.pack(">I", len(d)) + k + d + b"\0\0\0\0" for k, d in chunks)


def fill_in() -> None:
    """As far as an animator comes before she thinks of consent."""
    view = next(area for area in bpy.context.window.screen.areas if area.type == "VIEW_3D")
    with bpy.context.temp_override(window=bpy.context.window, area=view):
        bpy.ops.dgtalker.choose_video(filepath="/films/interview_sara.mp4")
    form = bpy.context.window_manager.dgtalker_from_video
    form.status, form.subject = "signed", "Sara Doe"


def arrange() -> None:
    view = next(area for area in bpy.context.window.screen.areas if area.type == "VIEW_3D")
    with bpy.context.temp_override(window=bpy.context.window, area=view):
        bpy.ops.screen.screen_full_area()


bpy.context.preferences.view.show_splash = False
step(prepare, arrange, fill_in, lambda: None, show)
