"""The speech model from folders to its file: what the command line and a job share, and the job."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from ...capture import lip_tracks
from ...capture.blendshape_fit import FaceFit
from ...capture.lip_tracks import TrackedClip
from ...errors import DGTalkerError
from ...speech.whisper import features as whisper
from ...training import Run
from ...wire.jobs import Request
from . import dataset, expression_training, lip_training
from .config import LipsyncConfig
from .export import export
from .model import MOVEMENT_SCALE, ExpressionEncoder, LipEncoder, SoundEncoder, still
from .train import train

_FEWEST_PICTURES = 10

Say = Callable[[str], None]


def train_job(request: Request, run: Run) -> dict[str, Any]:
    """The trainer of jobs: `systems.TRAINERS`.

    `request.input` is a folder of folders with recordings of people, as `--data` of the command line is; tracked clips
    that lie in it, as in that of `--tracked`, teach the lips. Brows are not learned.

    Raises:
        DGTalkerError: there is nothing to learn from, or the file cannot be written.
        Cancelled, Interrupted: as `training.run_loop`.
    """
    config = LipsyncConfig.from_json(request.config)
    folder, output = Path(request.input), Path(request.output)
    if not request.input or not folder.is_dir():
        raise DGTalkerError(f"There is no folder {request.input!r}.", "Give a folder of recordings.")
    if not request.output:
        raise DGTalkerError("The job does not say which file to write.", "Give its output.")

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)  # into the job's log
        run.check()

    clips = read_clips(folder, say) if any(folder.glob("*.npz")) else []
    sound = train_sound(config, folder, run, say)
    lips, expression = fit_face(config, clips, None, say)
    names = [clip.name for clip in clips]
    export(output, sound=sound, scale=MOVEMENT_SCALE, lips=lips, expression=expression, clips=names)
    return {"clips": names, "bytes": output.stat().st_size}


def read_clips(folder: Path, say: Say) -> list[TrackedClip]:
    """The tracked clips of a folder that the face can be learned from.

    Raises:
        DGTalkerError: there are none, they have too little speech, or what the lips hear with is not installed.
    """
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
    whisper.installed()  # the lips hear with it, after hours of other training
    return clips


def train_sound(config: LipsyncConfig, data: Path | None, run: Run, say: Say) -> SoundEncoder:
    """The sound encoder, of all voices that there are."""
    samples = dataset.gather(config, data, say)
    return train(samples, config, run, "cuda" if torch.cuda.is_available() else "cpu")


def fit_face(
    config: LipsyncConfig, clips: Sequence[TrackedClip], face_fit: FaceFit | None, say: Say
) -> tuple[LipEncoder, ExpressionEncoder]:
    """Encoders of the rig's halves; ones that change nothing where there is nothing to learn them from."""
    lips, expression = still()
    if not clips:
        say("no clips: the lips stay those of the rules, and brows are not learned")
        return lips, expression
    lips = lip_training.fit([lip_training.sample_of(clip, whisper.installed()) for clip in clips], config)
    say(f"lips learned from {len(clips)} clips")
    if face_fit is None:
        say("no --head: brows are not learned")
        return lips, expression
    samples = [expression_training.sample_of(clip, face_fit) for clip in clips]
    expression = expression_training.fit(samples, config)
    say("brows, lids and cheeks learned")
    return lips, expression
