"""`python -m dgtalker_engine.systems.lipsync`: makes the speech model anew. `python build.py train speech` runs it."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from ...capture.blendshape_fit import FaceFit
from ...errors import DGTalkerError
from ...speech.lipsync.encoders import EXPRESSION
from ...speech.lipsync.weights import SHIPPED, Encoders
from ...training import Progress, Run
from . import expression_training
from .config import LipsyncConfig
from .export import export
from .job import fit_face, read_clips, train_sound
from .model import MOVEMENT_SCALE

_SAY_EVERY = 15.0
"""Seconds."""


def main(arguments: list[str]) -> int:
    config = LipsyncConfig()
    parser = argparse.ArgumentParser(prog="python -m dgtalker_engine.systems.lipsync", description=__doc__)
    parser.add_argument("-o", "--out", type=Path, default=SHIPPED, help="the file to write (default: the shipped one)")
    parser.add_argument("--data", type=Path, help="a folder of folders with recordings of people, and transcripts")
    parser.add_argument("--tracked", type=Path, help="a folder of faces that dgtalker_engine.capture.landmarks tracked")
    parser.add_argument("--head", type=Path, help="the folder with ict_facekit.npz, for brows, lids and cheeks")
    parser.add_argument("--steps", type=int, default=config.steps, help=f"of the sound encoder ({config.steps})")
    parser.add_argument(
        "--keep-sound", action="store_true", help="keep the sound encoder of --out, and without --head its brows"
    )
    parser.add_argument(
        "--checkpoint", type=Path, help="a folder to keep the sound encoder's training in, and to resume it from"
    )
    options = parser.parse_args(arguments)
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {text}", file=sys.stderr, flush=True)

    def progress(progress: Progress) -> None:
        losses = ", ".join(f"{name} {loss:.3f}" for name, loss in progress.losses.items())
        say(f"step {progress.step} of {progress.of}: {losses}; {progress.eta / 60:.0f} minutes left")

    try:
        config = LipsyncConfig(steps=options.steps)
        # What can fail at once comes before what takes hours.
        clips = read_clips(options.tracked, say) if options.tracked else []
        face_fit = FaceFit(options.head, (expression_training.BLINK, *EXPRESSION)) if options.head else None
        if options.keep_sound:
            kept = Encoders.load(options.out)
            sound, scale = kept.sound, kept.scale
        else:
            run = Run(folder=options.checkpoint, progress=progress, progress_seconds=_SAY_EVERY)
            sound, scale = train_sound(config, options.data, run, say), MOVEMENT_SCALE
        lips, expression = fit_face(config, clips, face_fit, say)
        if options.keep_sound and face_fit is None:
            expression = kept.expression
            say("brows, lids and cheeks stay as they were")
        names = [clip.name for clip in clips]
        export(options.out, sound=sound, scale=scale, lips=lips, expression=expression, clips=names)
    except DGTalkerError as error:
        say(str(error))
        return 1
    say(f"wrote {options.out}, {options.out.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
