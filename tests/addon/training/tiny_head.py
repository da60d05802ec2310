"""A trainer that makes a head in ten steps, each of which it does once the test lets it: it imports the engine alone.

The file `go` beside the video says how many steps are allowed, or what goes wrong.
"""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from dgtalker_engine import avatar
from dgtalker_engine.errors import DGTalkerError

STEPS = 10


class Line:
    """A line of the job's progress."""

    def __init__(self, step: int) -> None:
        self.step = step

    def to_json(self):
        stage, first = ("capture", 0) if self.step <= 4 else ("train", 4)
        of = 4 if self.step <= 4 else 6
        return {
            "step": self.step - first,
            "of": of,
            "losses": {},
            "seconds": 60.0 * self.step,
            "eta": 60.0 * (STEPS - self.step),
            "stage": stage,
            "fraction": self.step / STEPS,
        }


def train_job(request, run):
    go, checkpoint = Path(request.input).parent / "go", run.folder / "checkpoint"
    done = int(checkpoint.read_text()) if checkpoint.is_file() else 0
    print(f"from step {done}", flush=True)
    while done < STEPS:
        word = go.read_text()
        if word == "fail":
            raise DGTalkerError("No face was found in the video.", "Choose one in which a face can be seen.")
        if int(word or 0) <= done:
            run.check()
            time.sleep(0.01)
            continue
        done += 1
        checkpoint.write_text(str(done))
        picture = np.zeros((20, 40, 3))
        picture[..., 0] = done / STEPS
        run.show(picture)
        run.progress(Line(done))
    head = avatar.builtin("robin")
    consent = avatar.Consent(**request.consent)
    output = Path(request.output)
    head = replace(head, metadata=replace(head.metadata, name=output.stem, consent=consent))
    avatar.save(head, output)
    return {"output": str(output), "name": output.stem, "report": ""}
