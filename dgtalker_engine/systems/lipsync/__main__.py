"""`python -m dgtalker_engine.systems.lipsync`: makes the speech model anew. `python build.py train speech` runs it."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from ...capture import lip_tracks
from ...capture.blendshape_fit import FaceFit
from ...errors import DGTalkerError
from ...speech.lipsync.encoders import EXPRESSION, ExpressionEncoder, LipEncoder, SoundEncoder
from ...speech.lipsync.features import SoundFeatures
from ...speech.lipsync.weights import SHIPPED, Encoders
from . import dataset, expression_training, lip_training, sound_training

_LESSONS_SEED, _TEACHING_SEED = 1, 2
_STEPS = 5000

Say = Callable[[str], None]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--out", type=Path, default=SHIPPED, help="the file to write (default: the shipped one)")
    parser.add_argument("--data", type=Path, help="a folder of folders with recordings of people, and transcripts")
    parser.add_argument("--tracked", type=Path, help="a folder of faces that tests/bench/lips/track.py tracked")
    parser.add_argument("--head", type=Path, help="the folder with ict_facekit.npz, for brows, lids and cheeks")
    parser.add_argument("--steps", type=int, default=_STEPS, help=f"of the sound encoder's training ({_STEPS})")
    parser.add_argument("--keep-sound", action="store_true", help="keep the sound encoder of --out; teach the rest")
    options = parser.parse_args(arguments)
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {text}", file=sys.stderr, flush=True)

    try:
        if options.keep_sound:
            kept = Encoders.load(options.out)
            sound, scale = kept.sound, kept.scale
        else:
            sound, scale = _sound(options.data, options.steps, say), sound_training.MOVEMENT_SCALE
        clips = [lip_tracks.read(path) for path in sorted(options.tracked.glob("*.npz"))] if options.tracked else []
        clips = [clip for clip in clips if len(clip.samples) and len(clip.times) >= 10]
        lip, expression = _face(clips, SoundFeatures(sound, scale), options.head, say)
        Encoders(sound, scale, lip, expression, tuple(clip.name for clip in clips)).save(options.out)
    except DGTalkerError as error:
        say(f"{error.message} {error.hint}")
        return 1
    say(f"wrote {options.out}, {options.out.stat().st_size / 1e6:.2f} MB")
    return 0


def _sound(data: Path | None, steps: int, say: Say) -> SoundEncoder:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    heard = dataset.gather(data, np.random.default_rng(_LESSONS_SEED), say)
    return sound_training.teach(
        heard, steps=steps, random=np.random.default_rng(_TEACHING_SEED), device=device, say=say
    )


def _face(
    clips: list[lip_tracks.TrackedClip], features: SoundFeatures, head: Path | None, say: Say
) -> tuple[LipEncoder, ExpressionEncoder]:
    """Encoders of the rig's halves; ones that change nothing where there is nothing to learn them from."""
    lip, expression = LipEncoder(), ExpressionEncoder()
    torch.nn.init.zeros_(lip.convolution.weight)
    torch.nn.init.zeros_(expression.convolution.weight)
    if not clips:
        say("no clips: the lips stay those of the rules, and brows are not learned")
        return lip, expression
    lip = lip_training.teach([lip_training.listen(clip, features) for clip in clips])
    say(f"lips learned from {len(clips)} clips")
    if head is None:
        say("no --head: brows are not learned")
        return lip, expression
    fit = FaceFit(head, (expression_training.BLINK, *EXPRESSION))
    expression = expression_training.teach([expression_training.listen(clip, fit) for clip in clips])
    say("brows, lids and cheeks learned")
    return lip, expression


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
