"""Resident memory while the built-in head's frames are rendered to PNG files: at the start, in the middle, at the end;
and the most that the engine and its helpers take together while they listen to a long recording.

Run by `python build.py bench memory [--frames N] [--size WxH] [--format F]` or, for listening alone, with
`--minutes M [--spoken S] [--recordings DIR…]`; prints JSON, in MB. "start" is after the first tenth, when every
thread and buffer is there. "least" and "most" are of any later moment. The recording is the demo's sentences with
pauses, louder and softer, for S of the M minutes, and silence; or the WAV files below the folders, one speaker after
another in a shuffled order that begins anew until M minutes are full. Linux.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
from sequence import hardware, size, speaking

from dgtalker_engine import avatar, speech
from dgtalker_engine.performance import Take
from dgtalker_engine.rendering.formats import FORMATS
from dgtalker_engine.rendering.sequence import render_sequence
from dgtalker_engine.server.listener import Listener

BAR = 20.0
LISTENING_BAR = 1500.0
SAMPLE = Path(__file__).resolve().parents[1] / "demo" / "sample.wav"


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=3000)
    parser.add_argument("--size", type=size, default=(512, 512))
    parser.add_argument("--format", choices=tuple(FORMATS), default="png")
    parser.add_argument("--minutes", type=float, help="of a recording to listen to")
    parser.add_argument("--spoken", type=float, default=float("inf"), help="minutes of it in which somebody speaks")
    parser.add_argument("--recordings", type=Path, nargs="+", default=[], help="folders of speech to listen to instead")
    options = parser.parse_args(argv)
    if options.minutes:
        spoken = min(options.spoken, options.minutes)
        files = sorted(path for folder in options.recordings for path in folder.rglob("*.wav"))
        samples = joined(files, options.minutes) if files else long_recording(options.minutes, spoken)
        recording = bytearray(samples.data)
        del samples  # the engine has them once
        about = {
            "minutes": options.minutes,
            "spoken_minutes": options.minutes if files else spoken,
            "files": len(files),
        }
        print(json.dumps(about | listening(recording), indent=1))
        return 0

    head = avatar.load(avatar.builtin(avatar.BUILTIN_NAMES[0]))
    shot = speaking(head, options.size[0], options.size[1], options.frames)
    seen: list[tuple[float, float]] = []

    def watch(fraction: float, text: str) -> None:
        seen.append((fraction, resident()))

    with tempfile.TemporaryDirectory() as folder:
        render_sequence(shot, [head], Path(folder), watch, options.format)
    seen.append((1.0, resident()))
    moments = {name: mean(seen, first, last) for name, first, last in PARTS}
    later = [memory for fraction, memory in seen if fraction >= 0.1]
    figures = {**moments, "least": min(later), "most": max(later)}
    drift = max(moments.values()) - min(moments.values())
    report = {"frames": options.frames, "size": options.size, "format": options.format}
    report |= {"mb": {name: round(value, 1) for name, value in figures.items()}, "drift_mb": round(drift, 1)}
    print(json.dumps({**report, "within_bar": drift <= BAR, "hardware": hardware()}, indent=1))
    return 0


PARTS = (("start", 0.1, 0.15), ("middle", 0.475, 0.525), ("end", 0.95, 1.0))


def mean(seen: list[tuple[float, float]], first: float, last: float) -> float:
    """Of the moments in a part of the work: frames in flight come and go."""
    values = [memory for fraction, memory in seen if first <= fraction <= last]
    return sum(values) / len(values)


def listening(recording: bytearray) -> dict:
    """Figures of one request to the engine, this process being the engine; float16 (n,) at `speech.RATE`."""
    peaks: dict[str, float] = {"together": 0.0}
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            own, others = resident(), [resident(number) for number in descendants(os.getpid())]
            for name, value in {"engine": own, "helpers": sum(others), "together": own + sum(others)}.items():
                peaks[name] = max(peaks.get(name, 0.0), value)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    started, before = time.perf_counter(), os.times()
    request = {"sample_rate": speech.RATE, "fps": 25.0}
    with contextlib.closing(Listener()) as listener:
        header, body = listener.animate(request, recording, b"", lambda fraction, text: None)
    seconds, after = time.perf_counter() - started, os.times()
    done.set()
    watcher.join()
    take = Take.from_bytes(body[0])
    work = after.children_user + after.children_system - before.children_user - before.children_system
    report = {"notes": header["notes"], "words": len(take.words), "frames": take.frames}
    report |= {"take_mb": round(len(body[0]) / 1e6, 2)}
    report |= {"seconds": round(seconds, 1), "cpu_seconds": round(work, 1)}
    report |= {"peak_mb": {name: round(value) for name, value in peaks.items()}}
    return report | {"within_bar": peaks["together"] <= LISTENING_BAR, "hardware": hardware()}


def long_recording(minutes: float, spoken: float) -> np.ndarray:
    """Float16 (n,) at `speech.RATE`."""
    sentence = np.concatenate([speech.read_speech(SAMPLE), np.zeros(speech.RATE // 2, np.float16)])
    result = np.zeros(int(60 * minutes * speech.RATE), np.float16)
    count = int(60 * spoken * speech.RATE) // len(sentence)
    levels = np.random.default_rng(0).uniform(0.2, 1.0, count)
    for start, level in zip(np.linspace(0, len(result) - len(sentence), count).astype(int), levels, strict=True):
        result[start : start + len(sentence)] = sentence * np.float16(level)
    return result


def joined(files: list[Path], minutes: float) -> np.ndarray:
    """Float16 (n,) at `speech.RATE`: what is said in files, with half a second between, as long as is asked for."""
    order, pause = random.Random(0), np.zeros(speech.RATE // 2, np.float16)
    heard = [np.concatenate([speech.read_speech(path).astype(np.float16), pause]) for path in files]
    parts, length = [], int(60 * minutes * speech.RATE)
    while sum(map(len, parts)) < length:
        parts += order.sample(heard, len(heard))
    return np.concatenate(parts)[:length]


def descendants(number: int) -> list[int]:
    """Processes that a process has started, and those that they have."""
    found = []
    for task in Path(f"/proc/{number}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # it has ended
            found += [int(word) for word in task.read_text().split()]
    return [each for child in found for each in (child, *descendants(child))]


def resident(number: int | str = "self") -> float:
    """MB of a process; 0 when it has ended."""
    try:
        pages = int(Path(f"/proc/{number}/statm").read_text().split()[1])
    except OSError:
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
