"""`train`: a video to a head, in this process."""

from __future__ import annotations

import argparse
import datetime
import json
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import Cancelled, DGTalkerError
from ..systems import TRAINERS
from ..training import Progress, Run
from ..wire.jobs import Request
from ..wire.jobs.files import write_whole
from .commands import Terminal
from .job import png_of

FOLDER_SUFFIX = ".training"
PREVIEW, ABOUT = "preview.png", "training.json"
STAGES = {
    "capture": "reading the video",
    "fit": "tracking the face",
    "train": "training",
    "bake": "writing the head",
}


def train(options: argparse.Namespace) -> int:
    output: Path = options.output.absolute()
    consent = {
        "status": options.consent,
        "subject": options.subject,
        "scope": options.scope,
        "granted_by": options.granted_by or (options.subject if options.consent == "self" else ""),
        "date": options.date or (datetime.date.today().isoformat() if options.consent == "self" else ""),
    }
    request = Request(
        trainer=options.system, input=str(options.input.absolute()), output=str(output), consent=consent
    )
    folder = output.with_suffix(FOLDER_SUFFIX)
    terminal = Terminal()
    with _interrupted(terminal) as cancelled:
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
