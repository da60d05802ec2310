"""Heads from videos, judged by the protocols of published tables, and by their looks from the side.

    python build.py bench avatar --clip FILE… [--seconds 5|10] [--system gaussiantalker] [--out FOLDER]
    python build.py bench avatar --film robin…

Prints a table on stderr and JSON on stdout. In FOLDER (`.build/bench/avatar`) lie the clips,
checkpoints, heads and sheets; what is there already is gone on with.

The first 80 % of a clip train, the last 20 % test. Rows: **published**: tracked poses and expressions, refined on all
pictures, drive the test frames, over their own background and shoulders (ER-NeRF's, InsTaG's and D³-Talker's tables);
**strict**: no pixel of a test frame is used, MediaPipe's landmarks and what they foretell drive it; **sound**: poses as
in published, expressions from the clip's sound. A film's truth judges the views from the side: **novel**.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from dgtalker_engine import avatar
from dgtalker_engine.avatar import Consent
from dgtalker_engine.capture import face_model as face_models
from dgtalker_engine.capture.clip import Clip
from dgtalker_engine.capture.fit import fit_landmarks
from dgtalker_engine.capture.photometric import refine
from dgtalker_engine.capture.pipeline import capture
from dgtalker_engine.gaussians import Camera, Gaussians, render
from dgtalker_engine.rendering.formats import png
from dgtalker_engine.systems import AVATAR_SYSTEMS
from dgtalker_engine.training import Run, metrics
from dgtalker_engine.training.avatar_job import System
from dgtalker_engine.training.clip_frames import ClipFrames
from dgtalker_engine.training.export import TrainedHead, export
from dgtalker_engine.training.head_evaluation import evaluate, sheet

sys.path.insert(0, str(Path(__file__).resolve().parent))
from avatars import characters, films, sound_driven

OUT = Path(__file__).resolve().parents[2] / ".build" / "bench" / "avatar"
TRAINING_SHARE = 0.8
NOBODY = Consent(subject="a bench", scope="measurements", granted_by="", date="", status="synthetic")
PUBLISHED = [
    {"system": "GaussianTalker", "video": "minutes", "psnr": 37.08, "lpips": 0.024, "lmd": 3.28},
    {"system": "D3-Talker", "video": "10 s", "psnr": 31.52, "lpips": 0.043, "lmd": 3.19},
    {"system": "D3-Talker", "video": "5 s", "psnr": 30.60, "lpips": 0.050, "lmd": 3.28},
    {"system": "InsTaG", "video": "10 s", "psnr": 31.13, "lpips": 0.042, "lmd": 3.20},
    {"system": "TalkingGaussian", "video": "10 s", "psnr": 30.83, "lpips": 0.039, "lmd": 3.47},
]
"""Rows of the papers' own tables, on other videos: for the order of size, not for the last digit."""
UNAVAILABLE = {"lpips": "unavailable", "fid": "unavailable", "sync_c": "unavailable"}
"""They need weights that are not public here."""

Row = dict[str, Any]


class Bench:
    """One clip and one system."""

    def __init__(self, video: Path, out: Path, system: System, seconds: float | None) -> None:
        self.video, self.system, self.seconds = video, system, seconds
        self.name = video.parent.name if video.stem == "film" else video.stem
        self.out = out / (self.name if seconds is None else f"{self.name}_{seconds:g}s")
        self.out.mkdir(parents=True, exist_ok=True)
        self.face_model = face_models.load()

    def say(self, text: str) -> None:
        print(f"{self.name}: {text}", file=sys.stderr, flush=True)

    def rows(self) -> list[Row]:
        """All protocols."""
        started = time.monotonic()
        clip = capture(self.video, self.out / "clip", seconds=self.seconds, say=self.say, progress=_quiet)
        self.say(f"{len(clip)} frames captured after {time.monotonic() - started:.0f} s")
        head, frames = self._trained(clip, "published")
        file = self.out / f"{self.name}.dgt"
        export(head, clip, self.face_model, NOBODY, system=self.system.name, path=file, run=Run())
        minutes = (time.monotonic() - started) / 60
        common = {"minutes": round(minutes, 2), "fps": _speed(file, clip), "megabytes": _megabytes(file)}
        tracked = _tracked(head, frames)
        rows = [self._row("published", frames, tracked, common)]
        heard = sound_driven.expressions(clip, head, until=_time(frames))
        if heard is not None:
            auc = sound_driven.closures(clip, self.face_model, heard, frames.split.test)
            rows.append(self._row("sound", frames, _heard(head, frames, heard), {**common, "auc": round(auc, 3)}))
        picture = sheet(
            frames,
            lambda i: _posed(head, frames, i, whole=True),
            frames.split.test[:: max(1, len(frames.split.test) // 2)],
        )
        (self.out / "sheet.png").write_bytes(_png(picture))
        strict, strict_frames = self._trained(self._strict(clip), "strict")
        rows.append(self._row("strict", strict_frames, _tracked(strict, strict_frames), common))
        return rows

    def novel(self, film: films.Film) -> list[Row]:
        """The views of a film from the side, once its `rows` were made: by how far the camera went around."""
        clip = Clip.load(self.out / "clip")
        head, frames = self._trained(clip, "published")
        return [
            {"system": self.system.name, "clip": self.name, "protocol": "novel", **row}
            for row in _side_views(head, frames, film, self.out / "novel.png")
        ]

    def _trained(self, clip: Clip, protocol: str) -> tuple[TrainedHead, ClipFrames]:
        config = self.system.config.from_json({"share": TRAINING_SHARE})
        run = Run(folder=self.out / self.system.name / protocol)
        head = self.system.train(config, clip, self.face_model, run)
        frames = ClipFrames(clip, self.face_model, share=TRAINING_SHARE)
        if protocol == "strict":  # the light on test frames was measured in their pixels
            frames.gains[list(frames.split.test)] = frames.gains[frames.split.training[-1]]
        return head, frames

    def _strict(self, clip: Clip) -> Clip:
        """The clip with poses that no picture of a test frame has told."""
        tracks, training = clip.tracks, round(len(clip) * TRAINING_SHARE)
        fit = fit_landmarks(
            self.face_model, tracks.landmarks, tracks.arkit, tracks.blink, tracks.times, clip.info.size, _quiet
        )
        fitted = dataclasses.replace(
            tracks,
            focal=fit.focal,
            head_to_camera=fit.head_to_camera,
            pose=fit.pose,
            identity=fit.identity,
            expression=fit.expression,
            landmark_offsets=fit.landmark_offsets,
        )
        by_landmarks = dataclasses.replace(clip, tracks=fitted)
        refined = refine(by_landmarks, self.face_model, _quiet, frames=range(training))
        return dataclasses.replace(clip, tracks=refined)

    def _row(self, protocol: str, frames: ClipFrames, pose: Callable[[int], Gaussians], more: Row) -> Row:
        figures = evaluate(frames, pose, frames.split.test).to_json()
        row = {
            "system": self.system.name,
            "clip": self.name,
            "seconds": round(len(frames) / frames.clip.info.fps, 2),
            "protocol": protocol,
            **figures,
            **more,
        }
        self.say(json.dumps(row))
        return row


def _quiet(fraction: float, text: str) -> None:
    pass


def _posed(head: TrainedHead, frames: ClipFrames, index: int, *, whole: bool = False) -> Gaussians:
    return _at(head, frames.expression(index), frames.joint_pose(index), whole=whole)


def _at(head: TrainedHead, expression: torch.Tensor, joints: torch.Tensor, *, whole: bool = False) -> Gaussians:
    with torch.no_grad():
        cloud = head.pose(expression, joints)
    rows = torch.from_numpy(np.flatnonzero(~head.neck))
    return cloud if whole else cloud.map(lambda tensor: tensor[rows])


def _tracked(head: TrainedHead, frames: ClipFrames) -> Callable[[int], Gaussians]:
    return lambda index: _posed(head, frames, index)


def _heard(head: TrainedHead, frames: ClipFrames, expressions: np.ndarray) -> Callable[[int], Gaussians]:
    return lambda index: _at(head, torch.from_numpy(expressions[index]), frames.joint_pose(index))


def _time(frames: ClipFrames) -> float:
    return float(frames.tracks.times[frames.split.test[0]])


def _speed(file: Path, clip: Clip) -> float:
    """Frames a second at the clip's size, posed and drawn, from the file: of the median of 30."""
    head = avatar.load(file)
    index = {name: i for i, name in enumerate(head.rig.names)}
    taken = []
    for frame in range(min(33, len(clip))):
        weights = head.rig.defaults.copy()
        for name, value in zip(("jawOpen", "eyeBlinkLeft"), clip.tracks.arkit[frame, :2], strict=True):
            weights[index[name]] = value
        started = time.perf_counter()
        render(head.pose(weights), clip.camera(frame), antialiased=True)
        taken.append(time.perf_counter() - started)
    return round(1 / float(np.median(taken[3:])), 1)


def _megabytes(file: Path) -> float:
    return round(file.stat().st_size / 1e6, 2)


def _side_views(head: TrainedHead, frames: ClipFrames, film: films.Film, picture: Path) -> list[Row]:
    """PSNR and SSIM inside the true head, means over a film's instants by how far the camera went around."""
    by_yaw: dict[float, list[tuple[float, float]]] = {}
    shown: list[np.ndarray] = []
    kept = {number: index for index, number in enumerate(frames.clip.info.kept)}
    wall = torch.tensor(films.WALL)
    for view in film.views:
        if view.frame not in kept:
            continue
        index = kept[view.frame]
        tracked = frames.camera(index)
        turned = films.around_head(np.asarray(tracked.world_to_camera), view.yaw)
        camera = Camera(K=tracked.K, world_to_camera=turned, width=tracked.width, height=tracked.height)
        image = render(_posed(head, frames, index, whole=True), camera, antialiased=True)
        rgb, alpha = torch.as_tensor(image.rgb), torch.as_tensor(image.alpha)
        ours = (rgb + (1 - alpha)[..., None] * wall).clamp(0, 1)
        truth = torch.from_numpy(_cropped(frames.clip, film.picture(view))).float() / 255
        inside = ((truth - wall).abs().amax(dim=2) > 0.03) | (alpha > 0.5)
        by_yaw.setdefault(view.yaw, []).append((metrics.psnr(ours, truth, inside), metrics.ssim(ours, truth, inside)))
        shown.append(np.concatenate([truth.numpy(), ours.numpy()], axis=0))
    if shown:
        picture.write_bytes(_png(np.concatenate(shown[:6], axis=1)))
    means = {yaw: np.mean(values, axis=0) for yaw, values in sorted(by_yaw.items())}
    return [{"yaw": yaw, "psnr": round(float(p), 2), "ssim": round(float(s), 4)} for yaw, (p, s) in means.items()]


def _cropped(clip: Clip, picture: np.ndarray) -> np.ndarray:
    """A picture of the whole film as the clip's frames show it."""
    cut = np.ascontiguousarray(clip.info.crop.cut(picture))
    return cv2.resize(cut, (clip.info.size, clip.info.size), interpolation=cv2.INTER_AREA)


def _png(picture: np.ndarray) -> bytes:
    pixels = np.full((*picture.shape[:2], 4), 255, np.uint8)
    pixels[..., :3] = np.rint(np.clip(picture, 0, 1) * 255)
    return png.encode(pixels, "")


def _table(rows: Sequence[Row]) -> str:
    columns = (
        "clip",
        "seconds",
        "protocol",
        "psnr",
        "psnr_head",
        "ssim",
        "lmd",
        "r_open",
        "auc",
        "minutes",
        "fps",
        "megabytes",
    )
    lines = ["  ".join(f"{name:>10}" for name in columns)]
    lines += ["  ".join(f"{row.get(name, '')!s:>10}" for name in columns) for row in rows]
    return "\n".join(lines)


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="build.py bench avatar", description=__doc__)
    parser.add_argument("--clip", type=Path, nargs="+", default=[], metavar="FILE", help="videos of people who talk")
    parser.add_argument(
        "--film", nargs="+", default=[], choices=characters.NAMES, metavar="NAME", help="made films, with true views"
    )
    parser.add_argument("--seconds", type=float, help="take no more of each")
    parser.add_argument("--system", choices=AVATAR_SYSTEMS, default=AVATAR_SYSTEMS[0])
    parser.add_argument("--out", type=Path, default=OUT, help="the folder for clips, heads and sheets")
    options = parser.parse_args(argv)
    system = importlib.import_module(f"dgtalker_engine.systems.{options.system}.job").SYSTEM
    rows: list[Row] = []
    for video in options.clip:
        rows += Bench(video.resolve(), options.out, system, options.seconds).rows()
    for name in options.film:
        film = films.make(name, options.out / "films" / name)
        bench = Bench(film.video, options.out, system, options.seconds)
        rows += [*bench.rows(), *bench.novel(film)]
    print(_table(rows), file=sys.stderr)
    hardware = {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "gpu": torch.cuda.is_available(),
    }
    print(json.dumps({"rows": rows, "hardware": hardware, "published": PUBLISHED, **UNAVAILABLE}, indent=1))
    return 0 if rows else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
