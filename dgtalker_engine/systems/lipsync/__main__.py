"""`python -m dgtalker_engine.systems.lipsync`: makes the speech model anew. `python build.py train speech` runs it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import torch

from ...capture import lip_tracks
from ...capture.blendshape_fit import FaceFit
from ...capture.lip_tracks import TrackedClip
from ...errors import DGTalkerError
from ...speech.lipsync.encoders import EXPRESSION
from ...speech.lipsync.features import SoundFeatures
from ...speech.lipsync.weights import SHIPPED, Encoders
from ...training import Progress, Run
from . import dataset, expression_training, lip_training
from .config import LipsyncConfig
from .export import export
from .model import MOVEMENT_SCALE, ExpressionEncoder, LipEncoder, SoundEncoder, still
from .train import train

_FEWEST_PICTURES = 10
_SAY_EVERY = 15.0
"""Seconds."""

Say = Callable[[str], None]


def main(arguments: list[str]) -> int:
    config = LipsyncConfig()
    parser = argparse.ArgumentParser(prog="python -m dgtalker_engine.systems.lipsync", description=__doc__)
    parser.add_argument("-o", "--out", type=Path, default=SHIPPED, help="the file to write (default: the shipped one)")
    parser.add_argument("--data", type=Path, help="a folder of folders with recordings of people, and transcripts")
    parser.add_argument("--tracked", type=Path, help="a folder of faces that dgtalker_engine.capture.landmarks tracked")
    parser.add_argument("--head", type=Path, help="the folder with ict_facekit.npz, for brows, lids and cheeks")
    parser.add_argument("--steps", type=int, default=config.steps, help=f"of the sound encoder ({config.steps})")
    parser.add_argument("--keep-sound", action="store_true", help="keep the sound encoder of --out; fit the rest")
    parser.add_argument(
        "--checkpoint", type=Path, help="a folder to keep the sound encoder's training in, and to resume it from"
    )
    options = parser.parse_args(arguments)
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {text}", file=sys.stderr, flush=True)

    try:
        config = LipsyncConfig(steps=options.steps)
        # What can fail at once comes before what takes hours.
        clips = _clips(options.tracked, say) if options.tracked else []
        face_fit = FaceFit(options.head, (expression_training.BLINK, *EXPRESSION)) if options.head else None
        if options.keep_sound:
            kept = Encoders.load(options.out)
            sound, scale = kept.sound, kept.scale
        else:
            sound, scale = _sound(config, options.data, options.checkpoint, say), MOVEMENT_SCALE
        lips, expression = _face(config, clips, SoundFeatures(sound, scale), face_fit, say)
        names = [clip.name for clip in clips]
        export(options.out, sound=sound, scale=scale, lips=lips, expression=expression, clips=names)
    except DGTalkerError as error:
        say(str(error))
        return 1
    say(f"wrote {options.out}, {options.out.stat().st_size / 1e6:.2f} MB")
    return 0


def _clips(folder: Path, say: Say) -> list[TrackedClip]:
    """The tracked clips of a folder that the face can be learned from."""
    clips = []
    for path in sorted(folder.glob("*.npz")):
        clip = lip_tracks.read(path)
        if len(clip.samples) and len(clip.times) >= _FEWEST_PICTURES:
            clips.append(clip)
        else:
            say(f"{clip.name}: left out, it has no sound or hardly a face")
    if not clips:
        raise DGTalkerError(
            f"{folder} holds no clip with sound and {_FEWEST_PICTURES} pictures of a face.",
            "Track faces: python -m dgtalker_engine.capture.landmarks FOLDER VIDEO…",
        )
    lip_training.check(clips)
    return clips


def _sound(config: LipsyncConfig, data: Path | None, checkpoint: Path | None, say: Say) -> SoundEncoder:
    samples = dataset.gather(config, data, say)

    def progress(progress: Progress) -> None:
        losses = ", ".join(f"{name} {loss:.3f}" for name, loss in progress.losses.items())
        say(f"step {progress.step} of {progress.of}: {losses}; {progress.eta / 60:.0f} minutes left")

    run = Run(folder=checkpoint, progress=progress, progress_seconds=_SAY_EVERY)
    return train(samples, config, run, "cuda" if torch.cuda.is_available() else "cpu")


def _face(
    config: LipsyncConfig, clips: Sequence[TrackedClip], features: SoundFeatures, face_fit: FaceFit | None, say: Say
) -> tuple[LipEncoder, ExpressionEncoder]:
    """Encoders of the rig's halves; ones that change nothing where there is nothing to learn them from."""
    lips, expression = still()
    if not clips:
        say("no clips: the lips stay those of the rules, and brows are not learned")
        return lips, expression
    lips = lip_training.fit([lip_training.sample_of(clip, features) for clip in clips], config)
    say(f"lips learned from {len(clips)} clips")
    if face_fit is None:
        say("no --head: brows are not learned")
        return lips, expression
    samples = [expression_training.sample_of(clip, face_fit) for clip in clips]
    expression = expression_training.fit(samples, config)
    say("brows, lids and cheeks learned")
    return lips, expression


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
