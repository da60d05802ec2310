"""`train`: a video to a head, in this process."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from ..capture.clip import INFO
from ..capture.pipeline import PLAN, UNFINISHED
from ..errors import Cancelled, DGTalkerError
from ..files import write_whole
from ..systems import TRAINERS
from ..training import Progress, Run
from ..training.avatar_job import checked_output
from ..training.consent import required_consent
from ..training.loop import Interrupted
from ..wire.jobs import Request
from ..wire.jobs.folder import LOCK
from ..wire.jobs.lock import try_lock
from . import consent
from .commands import Terminal
from .job import png_of

FOLDER_SUFFIX = ".training"
PREVIEW, ABOUT = "preview.png", "training.json"
STAGES = {
    "capture": "reading the video and tracking the face",
    "train": "training",
    "bake": "writing the head",
}


def train(options: argparse.Namespace) -> int:
    output: Path = options.output.absolute()
    said = asdict(required_consent(consent.record(options) or {}))
    request = Request(
        trainer=options.system,
        input=str(options.input.absolute()),
        output=str(output),
        face_model=str(options.face_model.absolute()) if options.face_model else "",
        consent=said,
    )
    folder = checked_output(str(output)).with_suffix(FOLDER_SUFFIX)
    terminal = Terminal()
    with _claimed(folder, request), _interrupted(terminal) as cancelled:
        run = Run(
            folder=folder,
            progress=lambda progress: terminal(progress.fraction or 0.0, _words(progress)),
            show=lambda picture: write_whole(folder / PREVIEW, png_of(picture)),
            cancelled=cancelled,
        )
        try:
            result = TRAINERS[request.trainer](request, run)
        except Cancelled:
            terminal.say(f"Stopped. {folder} keeps what is done: the same command goes on from there.")
            return 130
    bake = result["bake"]
    terminal.say(
        f"{output}: {result['gaussians']} Gaussians, {result['bytes'] / 1e6:.1f} MB, "
        f"{bake['psnr']:.1f} dB and {bake['lip_error']:.2f} px of the lips from the trained model"
    )
    return 0


@contextmanager
def _claimed(folder: Path, request: Request) -> Iterator[None]:
    """Makes the folder of a training, or finds that it is this one's; no other process trains in it meanwhile.

    Where it fails before anything is begun, as when the video shows no face, the folder is gone afterwards.

    Raises:
        DGTalkerError: it is another one's, or another process does.
    """
    said = {"system": request.trainer, "input": request.input}
    if request.face_model and not (Path(request.input) / INFO).is_file():
        said["face_model"] = request.face_model  # of a clip it only says where that lies now
    about = json.dumps(said).encode()
    path = folder / ABOUT
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, about)
    elif path.read_bytes() != about:
        raise DGTalkerError(
            f"{folder} holds the training of another video, system or face model.",
            "Delete it, or write to another file.",
        )
    lock = try_lock(folder / LOCK)
    if lock is None:
        raise DGTalkerError(f"Another process trains in {folder}.", "Wait for it, or write to another file.")
    useless, fresh = False, {path.name for path in folder.iterdir()} <= {ABOUT, LOCK}
    try:
        yield
    except DGTalkerError as error:
        clip = folder / "clip"
        begun = any(path.exists() for path in (clip / INFO, clip / UNFINISHED / PLAN, folder / "train"))
        useless = fresh and not begun and not isinstance(error, Cancelled | Interrupted)
        raise
    finally:
        os.close(lock)
        if useless:
            shutil.rmtree(folder, ignore_errors=True)


def _words(progress: Progress) -> str:
    minutes, seconds = divmod(round(progress.eta), 60)
    losses = "".join(f"  {name} {value:.4g}" for name, value in progress.losses.items())
    return f"{STAGES.get(progress.stage, progress.stage)}  {minutes}:{seconds:02d} left{losses}"


@contextmanager
def _interrupted(terminal: Terminal) -> Iterator[Callable[[], bool]]:
    """Whether Ctrl-C was pressed; pressed again it does not wait for a checkpoint."""
    pressed = threading.Event()

    def press(*_: object) -> None:
        signal.signal(signal.SIGINT, usual)
        pressed.set()
        terminal.say("Stopping: a checkpoint is written.")

    usual = signal.signal(signal.SIGINT, press)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, usual)
