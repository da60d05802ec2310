"""Live lips: how late they are, and how near to those of the whole sound. Prints JSON. `python build.py bench live`

Runs in the engine's environment. *Latency* is from the moment of a sound to its weights in another process: a real
engine listens to a sound file at the pace of a microphone, in blocks of 10 ms, and whoever asks it counts. What a sound
card and its driver add, some 10 to 20 ms, is not in it. *r* is the correlation, where somebody speaks, of the weights
with those that the same encoder gives offline, with all of the sound before and after each moment, by the lookahead.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from dgtalker_engine.speech import sound, visemes
from dgtalker_engine.speech.lipsync import weights
from dgtalker_engine.speech.lipsync.encoders import CHANNELS
from dgtalker_engine.speech.lipsync.features import SoundFeatures
from dgtalker_engine.speech.live import moment
from dgtalker_engine.speech.live.decimation import CAPTURE_RATE
from dgtalker_engine.speech.live.mouth import NAMES, LiveMouth
from dgtalker_engine.speech.progress import NO_PROGRESS
from dgtalker_engine.wire import Channel, Kind, new_token, shake_hands

BENCH = Path(__file__).resolve().parent
DATA = Path(os.environ.get("DGTALKER_DATA", BENCH.parents[2] / "shared" / "data"))
PYTHON = os.environ.get("DGTALKER_ENGINE_PYTHON", sys.executable)
BAR_MS = 150.0
LOOKAHEADS = (0, 2, 4, 6, 8, 10, 14, 20, 38)
SHOWN = ("jawOpen", "mouthLowerDownLeft", "mouthPucker", "mouthStretchLeft")


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sounds", type=Path, nargs="+", help="sound files")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each that are heard")
    options = parser.parse_args(argv)
    files = options.sounds or sorted((DATA / "speech").glob("*.wav"))
    if not files:
        parser.error(f"there are no sounds in {DATA / 'speech'}")
    voices = [heard(path, options.seconds) for path in files]
    result = {"latency": latency(files[0], options.seconds), "r": {10 * n: r(voices, n) for n in LOOKAHEADS}}
    result["lookahead_ms"] = 10 * moment.LOOKAHEAD
    print(json.dumps(result, indent=2))
    return 0 if result["latency"]["p95_ms"] <= BAR_MS else 1


def heard(path: Path, seconds: float) -> np.ndarray:
    samples, rate = sound.read_audio(path)
    return soxr.resample(samples[: int(seconds * rate)], rate, CAPTURE_RATE).astype(np.float32)


def r(voices: list[np.ndarray], lookahead: int) -> dict[str, float]:
    """Means over sounds of some controls' correlations."""
    encoders = weights.shipped()
    features = SoundFeatures(encoders.sound, encoders.scale)
    found = []
    for voice in voices:
        rows = features.extract(sound.to_speech_rate(voice, CAPTURE_RATE, NO_PROGRESS))[:: moment.STEP]
        moved = np.maximum(rows[:, : len(visemes.ARTICULATORS)], 0.0)
        moved *= 1.0 - np.clip(rows[:, [CHANNELS.index("closure")]], 0.0, 1.0)
        offline = moved @ visemes.arkit_matrix(NAMES)
        live = LiveMouth(encoders, lookahead).push(voice)
        speaking = live.max(axis=1) > 0
        columns = [NAMES.index(name) for name in SHOWN]
        found.append([np.corrcoef(live[speaking, c], offline[: len(live)][speaking, c])[0, 1] for c in columns])
    return {name: round(float(each), 3) for name, each in zip(SHOWN, np.mean(found, axis=0), strict=True)}


def latency(path: Path, seconds: float) -> dict[str, float]:
    """Milliseconds from a moment of the sound to its weights."""
    token = new_token()
    mine, theirs = socket.socketpair()
    with theirs, tempfile.TemporaryDirectory() as folder:
        engine = subprocess.Popen(
            [PYTHON, "-I", "-m", "dgtalker_engine", "serve", "--fd", str(theirs.fileno())],
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )
        assert engine.stdin is not None
        engine.stdin.write(token + b"\n")
        engine.stdin.flush()
        shake_hands(mine, token, "owner", timeout=60)
        channel = Channel(mine)
        about, _ = ask(channel, "live_start", file=str(path), path=str(Path(folder) / "line.wav"))
        width, rows, delays = 4 * len(about["names"]), 0, []
        while rows * about["interval"] < seconds:
            told, body = ask(channel, "live_read", after=rows)
            now, new = time.monotonic(), len(body) // width
            delays += [now - about["begun"] - row * about["interval"] for row in range(rows, rows + new)]
            rows += new
            if told["ended"] is not None:
                break
        ask(channel, "live_stop", after=rows)
        channel.close()
        engine.wait(10)
    after_start = sorted(1000 * delay for delay in delays[10:])
    return {
        "median_ms": round(statistics.median(after_start), 1),
        "p95_ms": round(after_start[int(0.95 * len(after_start))], 1),
        "max_ms": round(after_start[-1], 1),
        "bar_ms": BAR_MS,
    }


def ask(channel: Channel, op: str, **header: Any) -> tuple[dict[str, Any], bytearray]:
    channel.send(Kind.REQUEST, {**header, "id": 1, "op": op})
    while True:
        head = channel.reader.head()
        body = channel.reader.body(head)
        if head.kind is Kind.RESPONSE:
            return head.header, body
        if head.kind is Kind.ERROR:
            raise SystemExit(f"{op}: {head.header}")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
