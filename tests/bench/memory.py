"""Resident memory while the built-in head's frames are rendered to PNG files: at the start, in the middle, at the end.

Run by `python build.py bench memory [--frames N] [--size WxH] [--format F]`; prints JSON, in MB. "start" is after the
first tenth, when every thread and buffer is there. "spread" is how far from the mean any later moment was. Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from sequence import hardware, size, speaking

from dgtalker_engine import avatar
from dgtalker_engine.server.formats import FORMATS
from dgtalker_engine.server.sequences import render_sequence

BAR = 20.0


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=3000)
    parser.add_argument("--size", type=size, default=(512, 512))
    parser.add_argument("--format", choices=tuple(FORMATS), default="png")
    options = parser.parse_args(argv)

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


def resident() -> float:
    """MB of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
