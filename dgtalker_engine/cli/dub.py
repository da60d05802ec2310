"""`dub`: a clip's film in which its person says something else."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import numpy as np

from .. import avatar as avatars
from ..avatar import dgt
from ..capture import pictures
from ..capture.clip import Clip
from ..capture.fitted_face_model import fitted_face_model
from ..capture.video import Video, on_grid
from ..errors import DGTalkerError
from ..files import check_target, make_folder, write_file
from ..performance import transcripts
from ..rendering.signing.signer import check_kind, manifest
from ..speech.sound import read_audio
from ..systems.gaussiantalker.dub import Dubber, frames_for, generator_folder, into_video, spoken
from ..systems.gaussiantalker.film import write_film
from ..systems.gaussiantalker.inpainting import InpaintingConfig
from ..systems.gaussiantalker.motion import manner
from ..training import Run
from ..training.consent import footage_consent, subject_of
from ..wire import provenance
from . import consent, signing
from .commands import Terminal


def dub(options: argparse.Namespace) -> int:
    terminal = Terminal()
    clip = Clip.load(options.clip)
    head = dgt.read(options.head)
    avatar = avatars.load(head)
    agreed = footage_consent(avatar.metadata.consent, clip.info.consent, consent.record(options))
    signer = signing.signer(options)
    if signer is not None:
        check_kind(options.output)
    make_folder(options.output.parent)
    check_target(options.output)
    dubber = Dubber.of(clip, fitted_face_model(clip.info, options.face_model), avatar)
    if options.into_video:
        if options.output.exists() and options.output.samefile(options.into_video):
            raise DGTalkerError("The dub would replace its own video.", "Give -o another file.")
        _check_video(clip, options.into_video)
    samples, rate = read_audio(options.audio)
    transcript = options.transcript
    if transcript.lower().endswith(transcripts.ENDINGS):
        transcript = transcripts.read_transcript(transcript)
    if not subject_of(clip.info.consent):
        clip.save_info(consent=asdict(agreed))
    own = manner.of_avatar(head)
    if own is None:
        terminal.say("The head's file does not say how this person speaks: the mouth moves as anybody's would.")
    else:
        terminal.say(f"The mouth moves in this person's manner, by the sound features {own.sound}.")
    performance = spoken(samples, rate, clip.info.fps, own, transcript, terminal)
    config = InpaintingConfig()
    run = Run(
        folder=generator_folder(clip, head, config),
        progress=lambda told: terminal(told.step / told.of, "Learning the face's surroundings"),
    )
    dubbed = dubber.dub(performance, dubber.generator(config, run), terminal)
    packet = provenance.xmp([dubber.avatar.metadata.hash])
    with _shown(dubbed, clip, options, performance.frames) as film:
        write_film(options.output, film, clip.info.fps, samples, rate, packet)
    if signer is not None:
        metadata = dubber.avatar.metadata
        signer.sign_file(options.output, manifest({metadata.hash: metadata.consent.status}, composite=True))
    terminal.say(f"{performance.frames} pictures at {performance.fps:g} fps in {options.output}")
    return 0


def _check_video(clip: Clip, path: Path) -> None:
    if Video.open(path).digest() != clip.info.source.digest:
        raise DGTalkerError(
            f"{clip.folder} was not made from {path}.", f"Give the video that it is from: {clip.info.source.name}."
        )


@contextmanager
def _shown(
    dubbed: Iterator[tuple[int, np.ndarray, np.ndarray]], clip: Clip, options: argparse.Namespace, frames: int
) -> Iterator[Iterator[np.ndarray]]:
    """The pictures of the film: the clip's square, or where a video is given its whole pictures."""
    if options.into_video is None:
        yield (picture for _, picture, _ in dubbed)
        return
    # Beside the film: a system's own folder for such files may be in memory.
    with tempfile.TemporaryDirectory(prefix=".dub ", dir=options.output.parent) as folder:
        yield into_video(dubbed, clip, _pictures_of(clip, options.into_video, Path(folder), frames))


def _pictures_of(clip: Clip, path: Path, folder: Path, frames: int) -> Callable[[int], np.ndarray]:
    """The video's pictures by index of the clip's frame: kept in a folder, since a dub goes back and forth in them.

    Those alone that a dub of so many frames shows.
    """
    source = clip.info.source
    index = {clip.info.kept[i]: int(i) for i in frames_for(len(clip), frames)}
    shown = Video.open(path).frames(source.start, source.end + 0.5 / clip.info.fps)
    for number, _, picture in on_grid(shown, source.start, clip.info.fps):
        i = index.pop(number, None)
        if i is not None:
            write_file(folder, f"{i}.jpg", pictures.encode_jpeg(picture))
        if not index:
            break
    if index:
        raise DGTalkerError(f"{path} lacks {len(index)} pictures that the clip was made from.", "Give the whole video.")
    return lambda i: pictures.read_rgb(folder / f"{i}.jpg")
