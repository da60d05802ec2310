"""What the commands of the command line do."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

from .. import avatar as avatars
from .. import speech, systems
from ..avatar import splats
from ..errors import DGTalkerError
from ..files import is_file, make_folder, write_target
from ..performance import Direction, directed_lines, exchange, perform, transcripts
from ..rendering.inputs import load_shot, open_avatar
from ..rendering.sequence import render_sequence
from ..rendering.talking_shot import talking_shot
from ..wire.people import TRAITS, PersonRequest
from . import signing

if TYPE_CHECKING:
    from ..avatar import SampledRecord, TrainingRecord
    from ..performance import Performance
    from ..speech.animation import Manner


class Terminal:
    """Progress on stderr: one line that changes in a terminal, a line for every tenth elsewhere."""

    def __init__(self) -> None:
        self._shown = -1

    def __call__(self, fraction: float, text: str) -> None:
        step = int(fraction * (100 if sys.stderr.isatty() else 10))
        if step != self._shown:
            self._shown = step
            start, end = ("\r\x1b[K", "") if sys.stderr.isatty() else ("", "\n")
            print(f"{start}{fraction:4.0%}  {text}", end=end, file=sys.stderr, flush=True)

    def say(self, text: str) -> None:
        print(("\r\x1b[K" if sys.stderr.isatty() else "") + text, file=sys.stderr, flush=True)
        self._shown = -1


def animate(options: argparse.Namespace) -> int:
    written = exchange.format_for(options.output)
    terminal = Terminal()
    performance = _perform(options, terminal)
    path = write_target(options.output, written.text(performance).encode())
    terminal.say(f"{performance.frames} frames at {performance.fps:g} fps in {path}, as {written.label}")
    return 0


def convert(options: argparse.Namespace) -> int:
    written = exchange.format_for(options.output, options.to)
    performance = exchange.read(options.file, options.fps)
    path = write_target(options.output, written.text(performance).encode())
    Terminal().say(f"{performance.frames} frames at {performance.fps:g} fps in {path}, as {written.label}")
    return 0


def render(options: argparse.Namespace) -> int:
    shot = load_shot(options.shot)
    avatars = [open_avatar(name, options.shot.parent) for name in shot.avatars]
    signer, terminal = signing.signer(options), Terminal()
    written = render_sequence(shot, avatars, options.output, terminal, options.format, signer)
    kept = len(written.files) - written.rendered
    terminal.say(
        f"{len(written.files)} pictures in {options.output}" + (f", {kept} of which were there" if kept else "")
    )
    return 0


def speak(options: argparse.Namespace) -> int:
    terminal = Terminal()
    avatar = open_avatar(options.avatar)
    signer = signing.signer(options)
    make_folder(options.output)
    performance = _perform(options, terminal, _manner_of(options.avatar))
    shot = talking_shot(avatar, options.avatar, performance, options.size)
    written = render_sequence(shot, [avatar], options.output, terminal, options.format, signer)
    terminal.say(f"{len(written.files)} pictures at {performance.fps:g} fps in {options.output}")
    return 0


def sign(options: argparse.Namespace) -> int:
    """Signs files; those before one that cannot be signed stay signed."""
    from ..rendering.signing.signer import check_kind, manifest

    for file in options.files:
        check_kind(file)
    metadata = [open_avatar(name).metadata for name in options.avatar]
    claims = manifest({each.hash: each.consent.status for each in metadata}, options.composite)
    signer, terminal = signing.signer(options), Terminal()
    assert signer is not None
    for i, file in enumerate(options.files):
        signer.sign_file(file, claims)
        terminal((i + 1) / len(options.files), f"{i + 1} of {len(options.files)} files")
    terminal.say(f"{len(options.files)} files signed")
    return 0


def _manner_of(name: str) -> Manner | None:
    """How the person of an avatar's file moves their mouth, where the file says so."""
    path = Path(name)
    part = systems.manner_part(avatars.dgt.read(path)) if is_file(path) else b""
    return systems.manner_of(part) if part else None


def capture(options: argparse.Namespace) -> int:
    return _capture_performance(options) if options.performance else _capture_clip(options)


def _capture_performance(options: argparse.Namespace) -> int:
    from ..capture.performance_from_video import performance_from_video

    if options.face_model:
        raise DGTalkerError(
            "A performance is read off the landmarks, and no face model is fitted to it.",
            "Leave --face-model out: the curves are ARKit's, for any head.",
        )
    written = exchange.format_for(options.output)
    terminal = Terminal()
    captured = performance_from_video(options.video, start=options.start, seconds=options.seconds, progress=terminal)
    performance = captured.performance
    path = write_target(options.output, written.text(performance).encode())
    for note in captured.notes:
        terminal.say(note)
    terminal.say(
        f"{performance.frames} frames at {performance.fps:g} fps, {len(captured.blinks)} blinks, in {path}, "
        f"as {written.label}"
    )
    return 0


def _capture_clip(options: argparse.Namespace) -> int:
    from ..capture.face_model import open_model
    from ..capture.pipeline import capture
    from ..capture.report import REPORT

    terminal = Terminal()
    clip = capture(
        options.video,
        options.output,
        start=options.start,
        seconds=options.seconds,
        size=options.size,
        model=open_model(options.face_model),
        say=terminal.say,
        progress=terminal,
    )
    info = clip.info
    for note in (*info.notes, *info.cannot_teach):
        terminal.say(note)
    for reason, count in Counter(rejected.reason for rejected in info.rejected).most_common():
        terminal.say(f"{count} frames left out: {reason}")
    frames = len(info.kept) + len(info.rejected)
    stages = ", ".join(f"{name} {1000 * seconds / frames:.0f}" for name, seconds in info.seconds.items())
    terminal.say(f"Milliseconds a frame: {stages}; {1000 * sum(info.seconds.values()) / frames:.0f} in all")
    terminal.say(f"{len(clip)} frames at {info.fps:g} fps in {options.output}; look at {options.output / REPORT}")
    return 0


def avatar_info(options: argparse.Namespace) -> int:
    avatar = open_avatar(options.file)
    metadata, consent = avatar.metadata, avatar.metadata.consent
    groups = Counter(control.group for control in avatar.rig.controls)
    rows = {
        "name": metadata.name,
        "kind": f"{metadata.kind}, format version {metadata.format_version}",
        "Gaussians": str(len(avatar.pose(avatar.rig.defaults))),
        "controls": ", ".join(f"{count} {group}" for group, count in groups.items()),
        "proxy mesh": f"{len(avatar.proxy.vertices)} vertices, {len(avatar.proxy.faces)} faces",
        **(_training_rows(metadata.training) if metadata.training else {}),
        **(_sampled_rows(metadata.sampled) if metadata.sampled else {}),
        **({"refiner": f"{avatar.refiner.nbytes // 2 >> 10} kB, for final pictures"} if avatar.refiner else {}),
        "licence": metadata.licence,
        "consent": f"{consent.status}: {consent.subject}; {consent.scope}; by {consent.granted_by}, {consent.date}",
        "hash": metadata.hash,
    }
    print("\n".join(f"{key:<12}{value}" for key, value in rows.items()))
    return 0


def avatar_import(options: argparse.Namespace) -> int:
    from ..avatar.splats.still import still_avatar
    from ..training.avatar_job import checked_output

    checked_output(str(options.output))
    found = splats.read(options.file, options.forward, options.up, options.scale)
    path = write_target(options.output, avatars.pack(still_avatar(found.cloud, options.file.stem)))
    terminal = Terminal()
    for note in found.notes:
        terminal.say(note)
    terminal.say(f"{len(found.cloud)} Gaussians in {path}")
    return 0


def avatar_export(options: argparse.Namespace) -> int:
    splats.format_for(options.output)
    avatar = open_avatar(options.file)
    for name, _ in options.weight:
        if name not in avatar.rig.names:
            raise DGTalkerError(f"{avatar.metadata.name} has no control {name!r}.", "`avatar info` counts them.")
    cloud = avatar.pose(avatar.rig.weights(dict(options.weight)))
    path = splats.write(cloud, options.output, "", options.forward, options.up, options.scale)
    Terminal().say(f"{len(cloud)} Gaussians in {path}")
    return 0


def avatar_sample(options: argparse.Namespace) -> int:
    from ..capture import face_model
    from ..systems.dgtalker.prior import file, sampling
    from ..training.avatar_job import checked_output

    terminal = Terminal()
    said = {trait.name: getattr(options, trait.name) for trait in TRAITS}
    request = PersonRequest(
        seed=options.seed,
        other=options.other,
        morph=options.morph,
        mix=options.mix,
        traits={trait.name: trait.value(said[trait.name]) for trait in TRAITS if said[trait.name] is not None},
    )
    checked_output(str(options.output))
    generator = file.read(file.chosen(), face_model.load())
    made = sampling.made(
        generator, request, options.output.stem, lambda share: terminal(share, f"Making {request.title}")
    )
    write_target(options.output, avatars.pack(made.avatar))
    terminal.say(
        f"{len(made.avatar.base['means'])} Gaussians in {options.output}, {made.error.psnr:.1f} dB from the prior "
        f"over speech, lips {made.error.lip_error:.2f} px"
    )
    return 0


def _sampled_rows(record: SampledRecord) -> dict[str, str]:
    # as it stands there: the file may be of a later version, with more to ask for
    person = {name: value for name, value in record.request.items() if name != "traits"}
    traits = record.request.get("traits", {})
    return {
        "person": ", ".join(f"{name} {value}" for name, value in person.items()),
        "asked for": ", ".join(f"{name} {value}" for name, value in traits.items()) or "nothing",
        "bake error": f"{record.psnr:.1f} dB",
    }


def _training_rows(record: TrainingRecord) -> dict[str, str]:
    return {
        "trained by": f"{record.system} {record.version}, {record.clip_seconds:.1f} s of video, {record.frames} frames",
        "bake error": f"{record.bake_psnr:.1f} dB, lips {record.bake_lip_error:.2f} px",
        "never seen": ", ".join(record.unsupported) or "nothing",
    }


def _perform(options: argparse.Namespace, terminal: Terminal, manner: Manner | None = None) -> Performance:
    samples = speech.read_speech(options.audio, terminal)
    duration = len(samples) / speech.RATE
    settings = {field.name: getattr(options, field.name) for field in fields(Direction) if field.name in options}
    # Half a second around, so that nothing fades within the recording.
    direction = Direction(-0.5, duration + 0.5, **settings, styles=dict(options.style))
    transcript = options.transcript
    if transcript.lower().endswith(transcripts.ENDINGS):
        transcript = transcripts.read_transcript(transcript)
    passages = [speech.Passage(0.0, duration, transcript)] if transcript else []
    answer = speech.animate(samples, speech.RATE, fps=options.fps, passages=passages, manner=manner, progress=terminal)
    for note in answer.notes:
        terminal.say(note)
    said = directed_lines.placed(transcripts.plain(transcript), answer.take.words, 0.0, duration)
    for note in directed_lines.notes(said):
        terminal.say(note)
    return perform(answer.take, directed_lines.directed(direction, said))
