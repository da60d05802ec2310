"""The whole way from a video to a head, as one job that can be stopped and resumed anywhere; the systems share it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..avatar import Consent
from ..capture import face_model as face_models
from ..capture.clip import INFO, Clip
from ..capture.face_model import FaceModel
from ..capture.fitted_face_model import fitted_face_model
from ..capture.photometric import refine
from ..capture.pipeline import capture, is_captured
from ..capture.video import Video
from ..errors import DGTalkerError
from ..files import check_target, is_file, printable
from ..wire.jobs import Request
from ..wire.jobs.files import check_writable
from .config import Config
from .consent import required_consent, subject_of
from .export import TrainedHead, export
from .loop import Run
from .stages import Stages, told_fractions

COSTS = {"capture": 60.0, "train": 120.0, "bake": 30.0}
"""Seconds that the stages take for some seconds of video on two cores; `Stages` corrects them as it goes.

A system may say its own for the training (`System.cost`).
"""

_CAPTURE_COST = 8.0
"""Of a second of video: seconds."""


@dataclass(frozen=True, kw_only=True)
class System:
    """What a system adds to the way that all share.

    Attributes:
        name: of the system, and of its trainer in `systems.TRAINERS`.
        config: the class of its configuration.
        train: trains on a clip, goes on from the checkpoint in the run's folder, and hands over what is to be exported.
        check: raises DGTalkerError where it cannot train with a configuration and a face model, before the capture.
        cost: about how many seconds it trains with a configuration, on two cores.
    """

    name: str
    config: type[Config]
    train: Callable[[Any, Clip, FaceModel, Run], TrainedHead]
    check: Callable[[Any, FaceModel], None] = lambda *_: None
    cost: Callable[[Any], float] = lambda _: COSTS["train"]


def train_avatar(system: System, request: Request, run: Run) -> dict[str, Any]:
    """A system's trainer of jobs.

    `request.input` is a video or the folder of a clip, `request.output` the .dgt file, `request.config` fields of the
    system's configuration, `request.face_model` the file to fit to a video, or where that of a clip lies now. Called
    again after it was ended anywhere, it goes on in the stage where it was.

    Raises:
        DGTalkerError: there is no consent: then nothing was read and nothing is written; or the video or its face model
            cannot be used, the training diverged, or the file cannot be written.
        Cancelled, Interrupted: as `training.run_loop`.
    """
    consent = required_consent(request.consent)
    config = system.config.from_json(request.config)
    output = checked_output(request.output)
    if run.folder is None:
        raise ValueError("a head is trained in a folder, where it can go on")
    source = Path(request.input)
    if not request.input or not (is_file(source) or is_file(source / INFO)):
        source = run.folder / "clip"  # that was made of the video before it went
        if not is_captured(source):
            raise DGTalkerError(
                f"There is no video {printable(request.input)!r}.", "Give a video, or the folder of a clip."
            )
    stages = Stages(run, COSTS)
    stages.expect("train", system.cost(config))
    if not is_file(source / INFO):
        stages.expect("capture", COSTS["capture"] / 6 + _CAPTURE_COST * Video.open(source).seconds)
    face_model = _face_model(source, Path(request.face_model) if request.face_model else None)
    system.check(config, face_model)
    clip = _captured(source, run.folder / "clip", face_model, consent, stages.begin("capture"))
    run.show(clip.frame(len(clip) // 2) / 255)
    head = system.train(config, clip, face_model, stages.begin("train"))
    return export(head, clip, face_model, consent, system=system.name, path=output, run=stages.begin("bake"))


def checked_output(name: str) -> Path:
    """The file to write a head to. Raises DGTalkerError where that cannot be one: before minutes went into it."""
    output = Path(name)
    if output.suffix.lower() != ".dgt":
        raise DGTalkerError(f"The head cannot be written to {name!r}.", "Give a file that ends in .dgt.")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DGTalkerError(f"{output.parent} cannot be made: {error.strerror}.", "Choose another folder.") from error
    check_writable(output.parent)
    check_target(output)
    return output


def _face_model(source: Path, file: Path | None) -> FaceModel:
    """The model to fit a video with, or the one that a clip was fitted with."""
    if (source / INFO).is_file():
        return fitted_face_model(Clip.load(source).info, file)
    return face_models.open_model(file)


def _captured(source: Path, folder: Path, face_model: FaceModel, consent: Consent, run: Run) -> Clip:
    """The clip that `source` is, or that is made of it in `folder`; its poses refined on its pictures."""
    tell = told_fractions(run)
    if not (source / INFO).is_file():
        return _with_consent(capture(source, folder, model=face_model, progress=tell), consent)
    clip = Clip.load(source)
    shown = subject_of(clip.info.consent)
    if not shown:
        clip = _with_consent(clip, consent)
    elif shown.casefold() != consent.subject.casefold():
        raise DGTalkerError(
            f"The clip shows {shown}, and not {consent.subject}.", "Give the consent of the person whom it shows."
        )
    if not clip.info.photometric:
        clip = clip.save_tracks(refine(clip, face_model, tell), photometric=True)
    return clip


def _with_consent(clip: Clip, consent: Consent) -> Clip:
    """The clip with the record of whoever it shows: a dub asks for it."""
    record = asdict(consent)
    return clip if clip.info.consent == record else clip.save_info(consent=record)
