"""The command line: the engine's work without Blender."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from ..errors import DGTalkerError
from ..performance import STYLES, Direction, exchange
from ..rendering.formats import FORMATS
from ..server.loading import loading
from ..systems import AVATAR_SYSTEMS
from ..wire.people import TRAITS
from . import consent, signing


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m dgtalker_engine",
        description="DGTalker's engine: speech to facial motion, and Gaussian heads to pictures.",
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    animate = _command(commands, "animate", "a recording to a performance: weights of the face's controls over time")
    animate.add_argument("audio", type=Path, metavar="AUDIO", help="WAV, FLAC, OGG or MP3")
    text = "performance.json, or performance.csv for Live Link Face; `convert` makes others"
    animate.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help=text)
    _add_speech_options(animate)

    convert = _command(commands, "convert", "a performance of another program to one of ours, or the other way")
    convert.add_argument("file", type=Path, metavar="FILE", help="a performance in any format of docs/performance.md")
    convert.add_argument("output", type=Path, metavar="OUTPUT", help="the file to write")
    text = "of the output (default: by its suffix, .json ours and .csv Live Link Face's)"
    convert.add_argument("--to", choices=tuple(exchange.FORMATS), default="", metavar="FORMAT", help=text)
    convert.add_argument("--fps", type=float, help="frames per second, where the file does not say it")

    render = _command(commands, "render", "a shot, as docs/shot.md describes it, to pictures")
    render.add_argument("shot", type=Path, metavar="SHOT", help="the shot's JSON file")
    render.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the pictures")
    _add_format_option(render)
    signing.add_options(render)

    speak = _command(commands, "speak", "a recording to pictures of an avatar that speaks it, seen from the front")
    speak.add_argument("audio", type=Path, metavar="AUDIO", help="WAV, FLAC, OGG or MP3")
    speak.add_argument("--avatar", required=True, metavar="A", help="a .dgt file or the name of a built-in head")
    speak.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder for the pictures")
    speak.add_argument("--size", type=int, default=512, help="pixels of a side (default: 512)")
    _add_format_option(speak)
    signing.add_options(speak)
    _add_speech_options(speak)

    capture = _command(
        commands, "capture", "a video of a talking face to a clip that a head can be trained on, or to curves"
    )
    capture.add_argument("video", type=Path, metavar="VIDEO", help="a film of one face: any file that FFmpeg reads")
    capture.add_argument("-o", "--output", type=Path, required=True, metavar="CLIP", help="folder for the clip")
    text = "an actor's face as curves, in place of a clip: -o is a .json of ours, or a .csv of Live Link Face"
    capture.add_argument("--performance", action="store_true", help=text)
    text = "seconds of the video before what is taken (default: 0)"
    capture.add_argument("--start", type=float, default=0.0, metavar="S", help=text)
    capture.add_argument("--seconds", type=float, metavar="S", help="how much is taken (default: all)")
    text = "pixels of a side of its square frames (default: 512)"
    capture.add_argument("--size", type=int, default=512, metavar="PX", help=text)
    _add_face_model_option(capture, "FLAME's file, to fit in place of the engine's own face model")

    train = commands.add_parser("train", help="a video of somebody who talks to a head, or a clip of `capture`")
    train.add_argument("input", type=Path, metavar="CLIP_OR_VIDEO", help="a video, or the folder of a clip")
    train.add_argument("--system", choices=AVATAR_SYSTEMS, required=True, help="what makes the head")
    train.add_argument("-o", "--output", type=Path, required=True, metavar="NAME.dgt", help="the file to write")
    text = "FLAME's file, to fit to a video in place of the engine's own face model; of a clip, where it lies now"
    _add_face_model_option(train, text)
    consent.add_options(train, "whose face it is, which is kept in the file; nothing is done without", required=True)
    train.set_defaults(run=_train)

    dub = commands.add_parser("dub", help="new words in the mouth of a clip's person, as a film")
    dub.add_argument("clip", type=Path, metavar="CLIP", help="the folder of the clip that the head was trained from")
    dub.add_argument("audio", type=Path, metavar="AUDIO", help="the words: WAV, FLAC, OGG or MP3")
    dub.add_argument("--head", type=Path, required=True, metavar="NAME.dgt", help="the person's head")
    dub.add_argument("-o", "--output", type=Path, required=True, metavar="FILM.mp4", help="the file to write")
    text = "the video that the clip is from: its whole pictures are shown, not the clip's square"
    dub.add_argument("--into-video", type=Path, metavar="VIDEO", help=text)
    _add_face_model_option(dub, "the clip's face model, where its file is no longer where it was")
    dub.add_argument("--transcript", default="", metavar="WORDS", help=_TRANSCRIPT)
    text = "who is seen in the clip, where its own record does not name the person whose head it is"
    consent.add_options(dub, text, required=False)
    signing.add_options(dub)
    dub.set_defaults(run=_dub)

    sign = _command(commands, "sign", "pictures and films that are there get Content Credentials (C2PA)")
    sign.add_argument("files", type=Path, nargs="+", metavar="FILE", help="PNG, JPEG, TIFF, WebP, MP4, MOV or AVI")
    text = "they show more than trained heads: a recording, say, or what another program rendered"
    sign.add_argument("--composite", action="store_true", help=text)
    text = "who is seen: a .dgt file or the name of a built-in head; may be given again"
    sign.add_argument("--avatar", action="append", default=[], metavar="A", help=text)
    signing.add_options(sign, required=True)

    avatar = commands.add_parser("avatar", help="look at an avatar, or make one of somebody who does not exist")
    actions = avatar.add_subparsers(title="actions", metavar="ACTION", required=True)
    info = _command(actions, "info", "what is in a .dgt file", "avatar_info")
    info.add_argument("file", metavar="FILE", help="a .dgt file or the name of a built-in head")

    sample = _command(actions, "sample", "a head of somebody who does not exist", "avatar_sample")
    sample.add_argument("--seed", type=int, default=0, help="who: the same one gives the same person (default: 0)")
    sample.add_argument("-o", "--output", type=Path, required=True, metavar="FILE", help="the .dgt file to write")
    _add_person_options(sample)

    take = _command(actions, "import", "splats of other programs as an avatar that nothing moves", "avatar_import")
    take.add_argument("file", type=Path, metavar="FILE", help="a .ply, .splat, .spz, .glb or .gltf file of Gaussians")
    take.add_argument("-o", "--output", type=Path, required=True, metavar="NAME.dgt", help="the file to write")
    _add_axes_options(take, "metres of one unit of the file (default: 1)")

    give = _command(actions, "export", "an avatar's pose as splats for other programs", "avatar_export")
    give.add_argument("file", metavar="FILE", help="a .dgt file or the name of a built-in head")
    text = "a .ply, .spz or .glb file"
    give.add_argument("-o", "--output", type=Path, required=True, metavar="OUTPUT", help=text)
    text = "of a control, as jawOpen=0.4; may be given again (default: as at rest)"
    give.add_argument("--weight", type=_weight, action="append", default=[], metavar="NAME=X", help=text)
    _add_axes_options(give, "units of the file a metre (default: 1)")

    doctor = commands.add_parser("doctor", help="what was found on this machine, and what to do about what is missing")
    doctor.add_argument("--json", action="store_true", help="print the report as JSON")
    doctor.set_defaults(run=_doctor)

    warm = commands.add_parser("warm", help="compile the rendering kernels, once after installing")
    warm.set_defaults(run=_warm)

    job = commands.add_parser("job", help="go on with the long work of a folder that Blender made")
    job.add_argument("folder", type=Path, metavar="FOLDER", help="the job's folder")
    job.add_argument("--lock", type=int, help="an inherited descriptor that holds the job's lock")
    job.set_defaults(run=_job)

    serve = commands.add_parser("serve", help="serve the Blender that started this process")
    serve.add_argument("--fd", type=int, help="an inherited socket")
    serve.add_argument("--port", type=int, help="a port of 127.0.0.1 to connect back to")
    serve.add_argument("--speech-on-demand", action="store_true", help="do not load beforehand what speech needs")
    serve.set_defaults(run=_serve)
    return top


def _add_axes_options(command: argparse.ArgumentParser, scale: str) -> None:
    for name, text in (("forward", "away from who looks from the front"), ("up", "up")):
        text = f"the file's axis that points {text} (default: as usual in its format)"
        command.add_argument(f"--{name}", choices=("X", "Y", "Z", "-X", "-Y", "-Z"), default="", help=text)
    command.add_argument("--scale", type=float, default=1.0, metavar="X", help=scale)


def _add_person_options(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("another one", "somebody else whom they are morphed and mixed with")
    group.add_argument("--other", type=int, default=0, metavar="SEED", help="who (default: 0)")
    group.add_argument("--morph", type=float, default=0.0, metavar="SHARE", help="of the face's shape, 0 to 1")
    group.add_argument("--mix", type=float, default=0.0, metavar="SHARE", help="of skin, hair and colours, 0 to 1")
    group = command.add_argument_group("traits", "what is not said is as it comes with the seed")
    for trait in TRAITS:
        words = "".join(f", or {word}" for word in trait.words)
        group.add_argument(
            f"--{trait.name.replace('_', '-')}",
            metavar="N",
            help=f"{trait.least:g} to {trait.most:g}{words}: {trait.description[0].lower()}{trait.description[1:]}",
        )


def main(arguments: Sequence[str]) -> int:
    """Runs one command and returns its exit code."""
    options = parser().parse_args(arguments)
    try:
        return options.run(options)
    except DGTalkerError as error:
        print(f"dgtalker: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"          {error.hint}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("dgtalker: stopped", file=sys.stderr)
        return 130


def _command(commands: Any, name: str, text: str, function: str = "") -> argparse.ArgumentParser:
    """A command whose work is a function of `commands`, which is imported only then: it brings torch along."""

    def run(options: argparse.Namespace) -> int:
        return getattr(_load("commands"), function or name)(options)

    parser = commands.add_parser(name, help=text, description=f"{text[0].upper()}{text[1:]}.")
    parser.set_defaults(run=run)
    return parser


def _add_face_model_option(command: argparse.ArgumentParser, text: str) -> None:
    command.add_argument("--face-model", type=Path, metavar="FILE", help=text)


def _add_format_option(command: argparse.ArgumentParser) -> None:
    text = "8 bit PNG, 16 bit PNG, or half float OpenEXR with depth (default: png)"
    command.add_argument("--format", choices=tuple(FORMATS), default="png", help=text)


def _add_speech_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--fps", type=float, default=25.0, help="frames per second (default: 25)")
    command.add_argument("--transcript", default="", metavar="WORDS", help=_TRANSCRIPT)
    group = command.add_argument_group("direction", "amounts are multiples of what is natural, 0 none")
    for field in fields(Direction):
        if field.name in _DIRECTIONS:
            kind = type(field.default)
            text = f"{_DIRECTIONS[field.name]} (default: {field.default:g})"
            group.add_argument(f"--{field.name}", type=kind, default=field.default, metavar="X", help=text)
    text = f"{', '.join(STYLES)}, and how much of it: happy=0.7; may be given again"
    group.add_argument("--style", type=_style, action="append", default=[], metavar="NAME=X", help=text)


_TRANSCRIPT = "the words spoken, where they are known, or a .txt, .srt, .vtt or .ass file of them"

_DIRECTIONS = {
    "lips": "amount of the lips and the tongue",
    "jaw": "amount of the jaw",
    "expression": "amount of brows, lids and cheeks",
    "head": "amount of the head's motion",
    "blinks": "blinks per natural blink, up to 4",
    "gaze": "looks aside per natural look, up to 4",
    "articulation": "-1 mumbled to 1 over-articulated",
    "smoothing": "seconds over which the mouth's motion is averaged",
    "hold": "seconds for which each shape of the mouth is kept",
    "offset": "seconds by which the mouth moves later, or earlier where negative",
    "seed": "another number for other blinks, looks, brows and head motion",
}
"""Fields of `Direction` that are options, and what they say."""


def _style(text: str) -> tuple[str, float]:
    name, _, weight = text.partition("=")
    if name not in STYLES:
        raise argparse.ArgumentTypeError(f"there is no style {name!r}, but {', '.join(STYLES)}")
    return name, float(weight or 1.0)


def _weight(text: str) -> tuple[str, float]:
    name, _, weight = text.partition("=")
    return name, float(weight)


def _load(module: str) -> Any:
    """A module of the command line that brings torch along."""
    with loading():
        return importlib.import_module(f".{module}", __package__)


def _dub(options: argparse.Namespace) -> int:
    return _load("dub").dub(options)


def _warm(options: argparse.Namespace) -> int:
    from ..rendering.warm import warm_up

    warm_up()
    return 0


def _job(options: argparse.Namespace) -> int:
    return _load("job").job(options)


def _train(options: argparse.Namespace) -> int:
    return _load("train").train(options)


def _serve(options: argparse.Namespace) -> int:
    from ..server import owner

    loaded = owner.watch(options.fd)
    from ..server.serve import serve

    return serve(descriptor=options.fd, port=options.port, loaded=loaded, speech_on_demand=options.speech_on_demand)


def _doctor(options: argparse.Namespace) -> int:
    from ..server.doctor import as_text, examine

    report = examine()
    print(json.dumps(report, indent=1) if options.json else as_text(report))
    return 0 if report["ok"] else 1
