"""A job's process that makes a head in ten steps, each of which it does once the test lets it.

It keeps to docs/training.md as the engine's own process does, but has no need of torch and so starts at once. The file
`go` beside the video says how many steps are allowed, or what goes wrong; `head.dgt` beside it is what comes out.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np

from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.files import write_whole
from dgtalker_engine.rendering.formats import png
from dgtalker_engine.wire import provenance
from dgtalker_engine.wire.jobs import Job

STEPS = 10


def run(folder: Path) -> int:
    """The exit code."""
    job = Job(folder)
    job.record_process(os.getpid())
    try:
        result = train(job)
    except DGTalkerError as error:
        job.record_error(error)
        return 1
    if result is not None:
        job.record_result(result)
    return 0


def train(job: Job) -> dict | None:
    """The result; None where it was cancelled."""
    video, output, checkpoint = Path(job.request.input), Path(job.request.output), job.folder / "checkpoint"
    done = int(checkpoint.read_text()) if checkpoint.is_file() else 0
    print(f"from step {done}", flush=True)
    while done < STEPS:
        word = video.with_name("go").read_text()
        if job.cancel_wanted:
            return None
        if word == "fail":
            raise DGTalkerError("No face was found in the video.", "Choose one in which a face can be seen.")
        if int(word) <= done:
            time.sleep(0.01)
            continue
        done += 1
        checkpoint.write_text(str(done))
        write_whole(job.preview, picture(done))
        with (job.folder / "progress.jsonl").open("a") as lines:
            lines.write(json.dumps(progress(done)) + "\n")
    shutil.copy(video.with_name("head.dgt"), output)
    return {"output": str(output), "name": output.stem, "report": ""}


def picture(done: int) -> bytes:
    """Wide, and the redder the more is done."""
    pixels = np.zeros((20, 40, 4), np.uint8)
    pixels[..., 0], pixels[..., 3] = round(255 * done / STEPS), 255
    return png.encode(pixels, provenance.xmp([]))


def progress(done: int) -> dict:
    """Four steps of reading the video, six of training, a minute each."""
    stage, first, of = ("capture", 0, 4) if done <= 4 else ("train", 4, 6)
    place = {"stage": stage, "step": done - first, "of": of, "fraction": done / STEPS}
    return {**place, "losses": {}, "seconds": 60.0 * done, "eta": 60.0 * (STEPS - done)}
