"""`python -m dgtalker_engine.systems.d3talker`: trains what people share, from captured clips of several of them.

`python build.py train d3talker-prior` runs it.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch

from ...capture import face_model
from ...capture.clip import Clip
from ...capture.face_model import FaceModel
from ...errors import DGTalkerError
from ...files import make_folder, write_whole
from ...speech.hearing.moments import OWN, hear, sound_of
from ...training import Progress, Run
from ...training.clip_frames import ClipFrames
from . import prior
from .pretrain import PretrainConfig, Somebody, pretrain, readable, recovered_looks

_SAY_EVERY, _KEEP_EVERY = 30.0, 120.0


def main(arguments: list[str]) -> int:
    config = PretrainConfig()
    parser = argparse.ArgumentParser(prog="python -m dgtalker_engine.systems.d3talker", description=__doc__)
    parser.add_argument(
        "--clip", type=Path, nargs="+", required=True, metavar="FOLDER", help="captured clips, each of somebody else"
    )
    parser.add_argument(
        "--unseen",
        type=Path,
        nargs="+",
        default=[],
        metavar="FOLDER",
        help="clips of others: how much the file says of their faces is compared with what it says of those it knew",
    )
    parser.add_argument("-o", "--out", type=Path, required=True, help="the file to write")
    parser.add_argument("--steps", type=int, default=config.steps, help=f"of all people together ({config.steps})")
    parser.add_argument(
        "--contrast", type=float, default=config.contrast_weight, help=f"weight of L_SC ({config.contrast_weight})"
    )
    parser.add_argument("--checkpoint", type=Path, help="a folder for the checkpoint, from which training resumes")
    options = parser.parse_args(arguments)
    if len(options.clip) < 2:
        parser.error("what people share is learned from two or more")
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {text}", file=sys.stderr, flush=True)

    def progress(progress: Progress) -> None:
        terms = ", ".join(f"{name} {loss:.4f}" for name, loss in progress.losses.items())
        say(f"{progress.step} of {progress.of}: {terms}; {progress.eta / 60:.0f} minutes left")

    try:
        config = replace(config, steps=options.steps, contrast_weight=options.contrast)
        make_folder(options.out.parent)
        if options.checkpoint:
            make_folder(options.checkpoint)
        model = face_model.load()
        people = [somebody(folder, model, config) for folder in options.clip]
        run = Run(
            folder=options.checkpoint,
            progress=progress,
            progress_seconds=_SAY_EVERY,
            checkpoint_seconds=_KEEP_EVERY,
        )
        heads = pretrain(config, people, run)
        write_whole(options.out, prior.to_bytes(heads[0], config, model))
        general, individual = readable(heads, people)
        others = [ClipFrames(Clip.load(folder), model, share=config.share) for folder in options.unseen]
        looks = recovered_looks(heads, people, others) if others else None
    except DGTalkerError as error:
        say(str(error))
        return 1
    if looks is not None:
        for name, (own, unseen) in looks._asdict().items():
            said = f"{own:.1%} of faces that it was trained with, {unseen:.1%} of unseen ones"
            say(f"{name.replace('_', ' ')} that it can say: {said}")
    say(f"who it is can be read from {general:.0%} of general and {individual:.0%} of individual deformations")
    say(f"wrote {options.out}, {options.out.stat().st_size / 1e6:.2f} MB")
    return 0


def somebody(folder: Path, model: FaceModel, config: PretrainConfig) -> Somebody:
    """The person of a captured clip.

    Raises:
        DGTalkerError: the clip cannot be used, or has another face model.
    """
    clip = Clip.load(folder)
    samples, rate = clip.sound()
    if not len(samples):
        raise DGTalkerError(f"{folder} has no sound.", "Give clips in which people speak.")
    return Somebody(ClipFrames(clip, model, share=config.share), hear(samples, rate, sound_of(OWN)))


if __name__ == "__main__":
    torch.set_num_threads(1)
    sys.exit(main(sys.argv[1:]))
