"""Frames per second from a Shot to PNG files of the built-in head while it speaks, and the time of every stage.

Run by `python build.py bench sequence [--frames N] [--sizes WxH …] [--repeats N] [--format F]`; prints JSON. The engine
works on several frames at the same time ("sequence"); frames one by one, each with all processors ("loop"), are
measured in turn with it. "others" is how many processors other programs had meanwhile: on a machine that was not free
the frames per second are too low. Stages are measured in one thread, in milliseconds of a processor.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import llvmlite.binding

from dgtalker_engine import avatar, speech
from dgtalker_engine.avatar import Avatar
from dgtalker_engine.files import make_folder, write_file
from dgtalker_engine.gaussians import backend
from dgtalker_engine.kernels import thread_pool
from dgtalker_engine.performance import perform
from dgtalker_engine.rendering import formats
from dgtalker_engine.rendering.formats import pixels, png
from dgtalker_engine.rendering.frame import draw, pose, render_frame
from dgtalker_engine.rendering.sequence import render_sequence
from dgtalker_engine.rendering.talking_shot import talking_shot
from dgtalker_engine.rendering.warm import warm_up
from dgtalker_engine.wire import Shot
from dgtalker_engine.wire.provenance import xmp

SAMPLE = Path(__file__).resolve().parents[1] / "demo" / "sample.wav"
STAGED = 40


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=250)
    parser.add_argument("--sizes", type=size, nargs="+", default=[(512, 512), (1920, 1080)])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--format", choices=tuple(formats.FORMATS), default="png")
    options = parser.parse_args(argv)

    warm_up()
    head = avatar.load(avatar.builtin(avatar.BUILTIN_NAMES[0]))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for width, height in options.sizes:
            shot = speaking(head, width, height, options.frames)
            about = {"width": width, "height": height, "frames": options.frames, "format": options.format}
            for repeat in range(options.repeats):
                for name, work in (("sequence", sequence), ("loop", loop)):
                    # Pictures that are there would be kept.
                    place = Path(folder) / f"{width}x{height}-{name}-{repeat}"
                    figures = measured(work, shot, head, place, options.format)
                    shutil.rmtree(place)
                    rows.append({"what": name, **about, **figures})
            rows.append({"what": "stages", **about, "format": "png", "ms": stages(shot, head, Path(folder))})
    summary = {
        f"{width}x{height}": {name: best_and_median(rows, name, width, height) for name in ("sequence", "loop")}
        for width, height in options.sizes
    }
    print(json.dumps({"hardware": hardware(), "frames_per_second": summary, "rows": rows}, indent=1))
    return 0


def speaking(head: Avatar, width: int, height: int, frames: int) -> Shot:
    """The head says the bundled sentence, again and again, as tall as the picture."""
    samples, rate = speech.read_audio(SAMPLE)
    performance = perform(speech.animate(samples, rate, fps=25.0).take)
    shot = talking_shot(head, "", performance, height)
    made = []
    for index in range(frames):
        frame = shot.frames[index % len(shot.frames)]
        camera = replace(frame.camera, K=(*frame.camera.K[:2], width / 2, *frame.camera.K[3:]))
        made.append(replace(frame, number=index + 1, camera=camera))
    return replace(shot, width=width, frames=tuple(made))


def sequence(shot: Shot, head: Avatar, folder: Path, kind: str) -> None:
    render_sequence(shot, [head], folder, lambda fraction, text: None, kind)


def loop(shot: Shot, head: Avatar, folder: Path, kind: str) -> None:
    folder, encoder, mark = make_folder(folder), formats.FORMATS[kind], xmp([head.metadata.hash])
    for frame in shot.frames:
        data = encoder.encode(*render_frame(shot, frame, [head]), mark)
        write_file(folder, f"frame_{frame.number:04d}{encoder.suffix}", data)


def stages(shot: Shot, head: Avatar, folder: Path) -> dict[str, float]:
    """The median of each stage of a frame, to an 8-bit PNG."""
    before = thread_pool.thread_count()
    thread_pool.set_thread_count(1)
    folder, mark = make_folder(folder), xmp([head.metadata.hash])
    times: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[..., Any], *arguments: object) -> Any:
        started = time.thread_time()
        result = work(*arguments)
        times.setdefault(name, []).append(1000 * (time.thread_time() - started))
        return result

    for frame in shot.frames[:STAGED]:
        posed = timed("pose", pose, shot, frame, [head])
        ((rgba, _depth, _hidden),) = timed("render", draw, shot, [frame], [posed])
        values = timed("convert", pixels.to_8_bit, rgba)
        data = timed("encode", png.encode, values, mark)
        timed("write", write_file, folder, f"frame_{frame.number:04d}.png", data)
    thread_pool.set_thread_count(before)
    return {name: round(statistics.median(values), 2) for name, values in times.items()}


def measured(work: Callable[..., None], shot: Shot, *arguments: object) -> dict[str, float | None]:
    """Frames per second, and how many processors this process and all others had meanwhile."""
    busy, own, started = busy_seconds(), time.process_time(), time.perf_counter()
    work(shot, *arguments)
    wall, own = time.perf_counter() - started, time.process_time() - own
    others = None if busy is None else round(max(0.0, (busy_seconds() or 0.0) - busy - own) / wall, 2)
    speed = round(len(shot.frames) / wall, 1)
    return {"frames_per_second": speed, "processors": round(own / wall, 2), "others": others}


def busy_seconds() -> float | None:
    """Processor time of all programs of this machine; None where the system does not say."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    except OSError:
        return None
    user, nice, system, _idle, _waiting, interrupts, soft, *_ = map(int, fields)
    return (user + nice + system + interrupts + soft) / os.sysconf("SC_CLK_TCK")


def best_and_median(rows: list[dict], what: str, width: int, height: int) -> dict[str, float]:
    values = [
        row["frames_per_second"] for row in rows if (row["what"], row["width"], row["height"]) == (what, width, height)
    ]
    return {"median": statistics.median(values), "best": max(values)}


def size(text: str) -> tuple[int, int]:
    width, height = text.split("x")
    return int(width), int(height)


def hardware() -> dict:
    return {
        "processor": llvmlite.binding.get_host_cpu_name(),
        "processors": thread_pool.thread_count(),
        "renderer": backend.chosen().reason,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
