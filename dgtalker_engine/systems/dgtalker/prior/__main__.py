"""`python -m dgtalker_engine.systems.dgtalker.prior`: trains the prior. `python build.py train prior` runs it."""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from ....capture import face_model, pictures
from ....errors import DGTalkerError
from ....files import make_folder, no_link, write_whole
from ....training import Progress, Run
from .config import PriorConfig
from .file import SHIPPED, to_bytes
from .train import train

_SAY_EVERY, _SHOW_EVERY, _KEEP_EVERY = 30.0, 300.0, 120.0


def main(arguments: list[str]) -> int:
    config = PriorConfig()
    parser = argparse.ArgumentParser(prog="python -m dgtalker_engine.systems.dgtalker.prior", description=__doc__)
    parser.add_argument("-o", "--out", type=Path, default=SHIPPED, help="the file to write (default: the shipped one)")
    parser.add_argument("--steps", type=int, default=config.steps, help=f"of the training ({config.steps})")
    parser.add_argument(
        "--checkpoint", type=Path, help="a folder for the checkpoint, from which training resumes, curves and pictures"
    )
    options = parser.parse_args(arguments)
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {text}", file=sys.stderr, flush=True)

    latest = [0]

    def progress(progress: Progress) -> None:
        latest[0] = progress.step
        terms = ", ".join(f"{name} {loss:.4f}" for name, loss in progress.losses.items())
        say(f"{progress.stage} {progress.step} of {progress.of}: {terms}; {progress.eta / 60:.0f} minutes left")
        if options.checkpoint:
            with open(options.checkpoint / "curves.jsonl", "a", encoding="utf-8", opener=no_link) as file:
                file.write(json.dumps(progress.to_json()) + "\n")

    def show(picture: np.ndarray) -> None:
        if options.checkpoint:
            encoded = pictures.encode_jpeg(np.rint(255 * picture).astype(np.uint8))
            write_whole(options.checkpoint / f"grid_{latest[0]:06d}.jpg", encoded)

    try:
        config = replace(config, steps=options.steps)
        make_folder(options.out.parent)
        if options.checkpoint:
            make_folder(options.checkpoint)
        run = Run(
            folder=options.checkpoint,
            progress=progress,
            show=show,
            progress_seconds=_SAY_EVERY,
            preview_seconds=_SHOW_EVERY,
            checkpoint_seconds=_KEEP_EVERY,
        )
        generator = train(face_model.load(), config, run)
        write_whole(options.out, to_bytes(generator))
    except DGTalkerError as error:
        say(str(error))
        return 1
    say(f"wrote {options.out}, {options.out.stat().st_size / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
