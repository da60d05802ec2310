"""Heads from videos, judged by the protocols of published tables, and by their looks from the side.

    python build.py bench avatar --clip FILE… [--seconds 5|10] [--system NAME|all] [--steps N] [--out FOLDER]
    python build.py bench avatar --clip FILE… --ablations [--system NAME] [--prior FILE…]
    python build.py bench avatar --film robin…
    python build.py bench avatar --clip FILE… --turned [--system NAME|all]

Prints a table on stderr and JSON on stdout. In FOLDER (`.build/bench/avatar`) lie the clips, checkpoints, heads and
sheets; what is there already is gone on with. A clip that was captured before may be given in place of its video.

The first 80 % of a clip train, the last 20 % test. Rows: **published**: tracked poses and expressions, refined on all
pictures, drive the test frames, over their own background and shoulders (ER-NeRF's, InsTaG's and D³-Talker's tables);
**strict**: no pixel of a test frame is used, MediaPipe's landmarks and what they foretell drive it; **sound**: poses as
in published, expressions from the clip's sound. A film's truth judges the views from the side: **novel**. Of somebody
who turns, frames within 10° of the usual yaw train and those beyond 20° test, poses as in published: **turned**.
"""

from __future__ import annotations

import argparse
import importlib
import json
import math
import os
import platform
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

import torch

from dgtalker_engine import avatar
from dgtalker_engine.avatar import Consent
from dgtalker_engine.capture.clip import INFO, Clip
from dgtalker_engine.capture.face_model import FaceModel
from dgtalker_engine.capture.fitted_face_model import fitted_face_model
from dgtalker_engine.capture.pipeline import capture
from dgtalker_engine.systems import AVATAR_SYSTEMS
from dgtalker_engine.systems.dgtalker.config import DGTalkerConfig
from dgtalker_engine.training import Run
from dgtalker_engine.training.avatar_job import System
from dgtalker_engine.training.clip_frames import ClipFrames
from dgtalker_engine.training.export import TrainedHead, export
from dgtalker_engine.training.head_evaluation import evaluate, over_background, sheet

sys.path.insert(0, str(Path(__file__).resolve().parent))
from avatars import (
    ablations,
    characters,
    films,
    navigation,
    protocols,
    refined,
    side_views,
    sound_driven,
    speed,
    tables,
    turned,
)

OUT = Path(__file__).resolve().parents[2] / ".build" / "bench" / "avatar"
TRAINING_SHARE = 0.8
ALL = "all"
REFINED = {"d3talker": {"coarse_to_fine": True}}
"""By system what gives its heads a refiner, beside whose figures the coarse ones stand."""
NOBODY = Consent(subject="a bench", scope="measurements", granted_by="", date="", status="synthetic")

Row = tables.Row


class Bench:
    """One clip and one system."""

    def __init__(self, video: Path, out: Path, system: System, seconds: float | None, steps: int | None) -> None:
        """Takes a video, or the folder of a clip that was captured before."""
        self.video, self.system, self.seconds, self.steps = video, system, seconds, steps
        self.name = video.parent.name if video.stem in ("film", "clip") else video.stem
        self.out = out / (self.name if seconds is None else f"{self.name}_{seconds:g}s")
        self.own = self.out / system.name
        self.own.mkdir(parents=True, exist_ok=True)

    def say(self, text: str) -> None:
        print(f"{self.name}: {text}", file=sys.stderr, flush=True)

    @cached_property
    def clip(self) -> Clip:
        if (self.video / INFO).is_file():
            return Clip.load(self.video)
        return capture(self.video, self.out / "clip", seconds=self.seconds, say=self.say, progress=protocols.quiet)

    @cached_property
    def face_model(self) -> FaceModel:
        return fitted_face_model(self.clip.info)

    def rows(self) -> list[Row]:
        """All protocols."""
        clip = self.clip
        spent = sum(clip.info.seconds.values())
        self.say(f"{len(clip)} frames, captured in {spent:.0f} s")
        file = self.own / f"{self.name}.dgt"
        with _timed(self.own / "seconds.json", finished=file.is_file()) as taken:
            head, frames = self._trained(clip, "published")
            if not file.is_file():
                export(head, clip, self.face_model, NOBODY, system=self.system.name, path=file, run=Run())
        minutes = round((spent + taken[0]) / 60, 2)
        common = {
            "minutes": minutes,
            "fps": speed.frames_a_second(file, clip, self.face_model),
            "megabytes": _megabytes(file),
        }
        rows = [self._row("published", frames, protocols.tracked(head, frames), common)]
        if head.refiner is not None:
            figures = evaluate(frames, protocols.refined(head, frames), frames.split.test).to_json()
            rows[0]["refined"] = figures | {"milliseconds": refined.milliseconds(avatar.load(file))}
            self.say(f"refined: {json.dumps(rows[0]['refined'])}")
        heard = sound_driven.expressions(clip, self.face_model, head, until=_time(frames))
        if heard is not None:
            late = {"lips_late": round(heard[1], 3)}
            rows.append(self._row("sound", frames, protocols.heard(head, frames, heard[0]), common | late))
        picture = sheet(
            frames,
            protocols.tracked(head, frames, whole=True),
            frames.split.test[:: max(1, len(frames.split.test) // 2)],
        )
        (self.own / "sheet.png").write_bytes(side_views.png(picture))
        blind = protocols.strict(clip, self.face_model, TRAINING_SHARE, self.out / "strict.safetensors")
        strict, strict_frames = self._trained(blind, "strict")
        rows.append(self._row("strict", strict_frames, protocols.tracked(strict, strict_frames), common))
        return rows

    def novel(self, film: films.Film) -> list[Row]:
        """The views of a film from the side, once its `rows` were made: by how far the camera went around."""
        head, frames = self._trained(self.clip, "published")
        return [
            {"system": self.system.name, "clip": self.name, "protocol": "novel", **row}
            for row in side_views.figures(head, frames, film, self.own / "novel.png")
        ]

    def turned(self) -> list[Row]:
        """Of a head that was trained from one side, from others; none where the clip shows too little of either."""
        cut = turned.of(self.clip, self.out / "turned")
        if cut is None:
            self.say(f"too few frames within {turned.FRONT:g}° or beyond {turned.SIDE:g}°")
            return []
        clip, share = cut
        head, frames = self._trained(clip, "turned", share)
        self.say(f"{len(frames.split.training)} frames train, {len(frames.split.test)} from aside test")
        pose = protocols.tracked(head, frames)
        indices = frames.split.test[:: max(1, len(frames.split.test) // 5)]
        pictures = [torch.cat([frames.frame(i), over_background(frames, i, pose(i))]) for i in indices]
        (self.own / "turned.png").write_bytes(side_views.png(torch.cat(pictures, dim=1).numpy()))
        return [self._row("turned", frames, pose, {})]

    def ablations(self, table: Sequence[ablations.Ablation]) -> list[Row]:
        """A row for each part of the paper that is left out; DGTalker has a table of its own."""
        steps = self.steps or ablations.STEPS
        if self.system.name == "dgtalker":
            config = DGTalkerConfig(share=TRAINING_SHARE)
            folder = self.own / "ablations"
            return navigation.rows(self.clip, self.name, self.face_model, config, folder, steps=steps, say=self.say)
        return ablations.rows(
            table,
            self.clip,
            self.name,
            self.face_model,
            self.system,
            self.own / "ablations",
            share=TRAINING_SHARE,
            steps=steps,
            say=self.say,
        )

    def _trained(self, clip: Clip, protocol: str, share: float = TRAINING_SHARE) -> tuple[TrainedHead, ClipFrames]:
        values = {"share": share} | REFINED.get(self.system.name, {})
        values |= {} if self.steps is None else {"steps": self.steps}
        run = Run(folder=self.own / protocol, preview_seconds=math.inf)
        head = self.system.train(self.system.config.from_json(values), clip, self.face_model, run)
        frames = ClipFrames(clip, self.face_model, share=share)
        if protocol == "strict":  # the light on test frames was measured in their pixels
            frames.gains[list(frames.split.test)] = frames.gains[frames.split.training[-1]]
        return head, frames

    def _row(self, protocol: str, frames: ClipFrames, pose: protocols.Pose, more: Row) -> Row:
        row = {
            "system": self.system.name,
            "clip": self.name,
            "seconds": round(len(frames) / frames.clip.info.fps, 2),
            "protocol": protocol,
            **evaluate(frames, pose, frames.split.test).to_json(),
            **more,
        }
        self.say(json.dumps(row))
        return row


@contextmanager
def _timed(path: Path, *, finished: bool) -> Iterator[list[float]]:
    """Seconds that a work takes in all its parts, those before an interruption included, once it is done."""
    before = json.loads(path.read_text()) if path.is_file() else 0.0
    started = time.monotonic()
    seconds = [before]
    try:
        yield seconds
    finally:
        if not finished:
            seconds[0] = before + time.monotonic() - started
            path.write_text(json.dumps(seconds[0]))


def _time(frames: ClipFrames) -> float:
    return float(frames.tracks.times[frames.split.test[0]])


def _megabytes(file: Path) -> float:
    return round(file.stat().st_size / 1e6, 2)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="build.py bench avatar", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--clip", type=Path, nargs="+", default=[], metavar="FILE", help="videos of people who talk, or captured clips"
    )
    parser.add_argument(
        "--film", nargs="+", default=[], choices=characters.NAMES, metavar="NAME", help="made films, with true views"
    )
    parser.add_argument("--seconds", type=float, help="take no more of each video")
    parser.add_argument("--system", choices=(*AVATAR_SYSTEMS, ALL), default=AVATAR_SYSTEMS[0])
    parser.add_argument("--steps", type=int, help="of each training, in place of the system's own number")
    parser.add_argument(
        "--ablations",
        action="store_true",
        help=f"the paper's table of its parts, not heads: {ablations.STEPS} steps each",
    )
    parser.add_argument("--turned", action="store_true", help="of somebody who turns: most views train, others test")
    parser.add_argument(
        "--prior", type=Path, nargs="+", default=[], metavar="FILE", help="ablations of d3talker: heads begun with each"
    )
    parser.add_argument("--out", type=Path, default=OUT, help="the folder for clips, heads and sheets")
    options = parser.parse_args(argv)
    if options.ablations and options.system == ALL:
        parser.error("each system has ablations of its own: name one with --system")
    if options.prior and not (options.ablations and options.system == "d3talker"):
        parser.error("--prior goes with --ablations --system d3talker")
    names = AVATAR_SYSTEMS if options.system == ALL else (options.system,)
    systems = [importlib.import_module(f"dgtalker_engine.systems.{name}.job").SYSTEM for name in names]
    made = {name: films.make(name, options.out / "films" / name) for name in options.film}
    videos = [*(video.resolve() for video in options.clip), *(film.video for film in made.values())]
    benches = [
        Bench(video, options.out, system, options.seconds, options.steps) for video in videos for system in systems
    ]
    result: Row = {"hardware": _hardware()}
    if options.ablations and benches:
        table = navigation.ABLATIONS if options.system == "dgtalker" else ablations.TABLES[options.system]
        if options.prior:
            table = ablations.with_priors(options.prior)
        rows = [row for bench in benches for row in bench.ablations(table)]
        averages = ablations.means(rows, table)
        result |= {"rows": rows, "means": averages, "order": ablations.order(averages)}
        print(ablations.shown(averages, result["order"]), file=sys.stderr)
    else:
        rows = []
        for bench in benches:
            rows += bench.turned() if options.turned else bench.rows()
            if bench.name in made and not options.turned:
                rows += bench.novel(made[bench.name])
        result |= {"rows": rows, "published": tables.PUBLISHED, **tables.UNAVAILABLE}
        print(tables.heads(rows), file=sys.stderr)
    print(json.dumps(result, indent=1))
    return 0 if rows else 2


def _hardware() -> Row:
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
