"""`python -m dgtalker_engine.systems.gaussiantalker.motion`: trains the base of the motion translator over videos.

`python build.py train motion --clips FOLDER` runs it. Beside the videos, or in the folder above, may lie a table.csv
that says in its columns file and speaker who speaks; other videos each have a speaker of their own.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from ....capture import face_model
from ....capture.video import Video, videos_in
from ....errors import DGTalkerError
from ....speech import sound as sounds
from ....speech.hearing import timbre
from ....speech.hearing.moments import RATE, SoundInput, hear, sound_input
from ....training import Progress, Run
from . import manner
from .config import MotionConfig
from .dataset import Sample, aligned, lip_basis, sample_of
from .model import ANYONE
from .tracking import track
from .train import train

_SAY_EVERY = 15.0
_LATEST = 0.12
"""Seconds by which the sound of a video may be late."""


def main(arguments: list[str]) -> int:
    config = MotionConfig()
    parser = argparse.ArgumentParser(
        prog="python -m dgtalker_engine.systems.gaussiantalker.motion", description=__doc__
    )
    parser.add_argument(
        "--videos", type=Path, action="append", required=True, help="a folder of videos; may be repeated"
    )
    parser.add_argument("-o", "--out", type=Path, default=manner.SHIPPED, help="the file to write")
    parser.add_argument("--steps", type=int, default=config.steps, help=f"of the training ({config.steps})")
    parser.add_argument("--wav2vec", default="", help="a folder of wav2vec 2.0 in place of our own sound features")
    parser.add_argument("--checkpoint", type=Path, help="a folder for what was tracked and the training, to resume")
    options = parser.parse_args(arguments)
    started = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - started:6.0f} s  {text}", file=sys.stderr, flush=True)

    def progress(progress: Progress) -> None:
        terms = ", ".join(f"{name} {loss:.3f}" for name, loss in progress.losses.items())
        say(f"step {progress.step} of {progress.of}: {terms}; {progress.eta / 60:.0f} minutes left")

    try:
        config = replace(config, steps=options.steps)
        sound = sound_input(options.wav2vec)
        say(f"what is heard: {sound.name}")
        face = face_model.load()
        samples = read(options.videos, sound, face, config, options.checkpoint, say)
        lips = lip_basis(face)
        run = Run(folder=options.checkpoint, progress=progress, progress_seconds=_SAY_EVERY)
        translator = train(samples, lips, config, run)
        learned = manner.Manner(translator, ANYONE, sound.name, tuple(sample.name for sample in samples))
        manner.save(learned, options.out)
    except DGTalkerError as error:
        say(str(error))
        return 1
    say(f"wrote {options.out}, {options.out.stat().st_size / 1e6:.2f} MB")
    return 0


def read(
    folders: list[Path],
    sound: SoundInput,
    face: face_model.FaceModel,
    config: MotionConfig,
    cache: Path | None,
    say: Callable[[str], None],
) -> list[Sample]:
    """All videos of some folders that can be learned from, each in `config.timbres` other timbres.

    Raises:
        DGTalkerError: there is none.
    """
    random = np.random.default_rng(config.seed)
    samples = []
    for folder in folders:
        speakers = speakers_in(folder)
        for path in videos_in(folder):
            timbres = [timbre.draw(random) for _ in range(config.timbres)]
            try:
                times, arkit = _tracked(path, face, cache)
                samples_16k = _sound_of(path)
                heard = hear(samples_16k, sounds.RATE, sound, timbres=timbres)
                speaker = speakers.get(path.name, path.stem)
                samples.append(aligned(sample_of(path.stem, speaker, heard, times, arkit), _LATEST))
            except DGTalkerError as error:
                say(f"{path.name}: left out, {error.message}")
                continue
            say(f"{path.name}: {speaker}, {samples[-1].weight.sum() / RATE:.1f} s")
    if not samples:
        raise DGTalkerError("There is no video to learn motion from.", "Give videos in which people speak.")
    return samples


def speakers_in(folder: Path) -> dict[str, str]:
    """Who speaks in which video, as table.csv says, in the folder or the one above."""
    for place in (folder, folder.parent):
        table = place / "table.csv"
        if table.is_file():
            with table.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            return {Path(row["file"]).name: row["speaker"] for row in rows}
    return {}


def _tracked(path: Path, face: face_model.FaceModel, cache: Path | None) -> tuple[np.ndarray, np.ndarray]:
    kept = cache / "tracked" / f"{path.parent.name}_{path.stem}.npz" if cache else None
    if kept is None or not kept.is_file():
        tracked = track(path, face, lambda *_: None)
        if kept is None:
            return tracked.times, tracked.arkit
        kept.parent.mkdir(parents=True, exist_ok=True)
        np.savez(kept, times=tracked.times, arkit=tracked.arkit)
    with np.load(kept) as arrays:
        return arrays["times"], arrays["arkit"]


def _sound_of(path: Path) -> np.ndarray:
    """Mono, at `speech.sound.RATE`, from the file's time 0."""
    video = Video.open(path)
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "sound.wav"
        if not video.has_sound or not video.write_sound(wav, 0.0, video.seconds):
            raise DGTalkerError(f"{path} has no sound.", "Give a video with its sound.")
        return sounds.read_speech(wav).astype(np.float32)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
