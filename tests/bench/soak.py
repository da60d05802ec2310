"""What one engine keeps of thousands of mixed requests: memory, descriptors, threads, helpers.

Run by `python build.py bench soak [--requests N] [--seed N]`; prints JSON. Requests come in random order, most of them
pictures of the built-in heads (as they are, and carried by a bent mesh), then avatars that are opened, speech, the
doctor, requests that are cancelled at once, and broken ones. "start" is after the first tenth, when every thread and
buffer is there; each figure is the median of a tenth, "most" the most after the start. The engine is asked by the
wire's own client, without Blender; Ctrl-C ends it early with what there is. Linux.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import statistics
import sys
import tempfile
import time
import wave
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
from bridge import PYTHON, Client, EngineProcess
from memory import descendants
from wire import IDENTITY, resident

from dgtalker_engine import avatar as avatars_room
from dgtalker_engine.errors import DGTalkerError
from dgtalker_engine.rendering.talking_shot import front_camera
from dgtalker_engine.wire import Shot, ShotFrame, ShotHead

SAMPLE = Path(__file__).resolve().parents[1] / "demo" / "sample.wav"
SHARES = {"picture": 50, "carried": 20, "open": 5, "doctor": 5, "speech": 5, "cancelled": 5, "broken": 10}
"""Of the requests, in hundredths."""
BARS = {"engine_mb": 60.0, "descriptors": 4.0, "threads": 4.0, "processes": 1.0}
"""What the last tenth may have more than the second."""


class Soak:
    """One engine, and a request of each kind."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.process = EngineProcess(PYTHON, Path(tempfile.mkdtemp()) / "engine.log")
        self.client = Client(self.process.sock, self.process.end)
        self.files = {name: avatars_room.builtin(name) for name in avatars_room.BUILTIN_NAMES}
        self.avatars = {name: avatars_room.load(file) for name, file in self.files.items()}
        with wave.open(str(SAMPLE)) as sound:
            self.rate = sound.getframerate()
            self.sound = np.frombuffer(sound.readframes(2 * self.rate), "<i2").astype(np.float32) / 32768
        for name in self.files:
            self._open(name)

    def ask(self, kind: str) -> str:
        """One request; what came of it: "done", or the code of the error."""
        name = self.chance.choice(avatars_room.BUILTIN_NAMES)
        try:
            getattr(self, f"_{kind}")(name)
        except DGTalkerError as error:
            return error.code
        return "done"

    def _picture(self, name: str, vertices: bytes = b"") -> None:
        avatar, side = self.avatars[name], self.chance.choice((64, 128, 256))
        weights = {control: self.chance.random() for control in self.chance.sample(avatar.rig.names, 12)}
        frame = ShotFrame(1, front_camera(avatar, side), (ShotHead(0, IDENTITY, weights, vertices),))
        shot = Shot(width=side, height=side, avatars=(avatar.metadata.hash,), frames=(frame,))
        self.client.request("render", {}, [shot.to_json().encode()])

    def _carried(self, name: str) -> None:
        vertices = self.avatars[name].proxy.vertices.astype(np.float64)
        vertices[:, 0] += self.chance.uniform(-3, 3) * vertices[:, 2] ** 2
        self._picture(name, vertices.astype("<f4").tobytes())

    def _open(self, name: str) -> None:
        self.client.request("open_avatar", {}, [self.files[name]])

    def _doctor(self, name: str) -> None:
        self.client.request("doctor")

    def _speech(self, name: str, cancel: bool = False) -> None:
        spoken = self.sound * self.chance.uniform(0.1, 1.0)
        header = {"sample_rate": self.rate, "fps": 25.0, "passages": 2, "manner_of": ""}
        self.client.request("animate", header, [spoken.astype("<f2"), b"[]"], should_cancel=lambda: cancel)

    def _cancelled(self, name: str) -> None:
        self._speech(name, cancel=True)

    def _broken(self, name: str) -> None:
        avatar = self.avatars[name]
        frame = ShotFrame(1, front_camera(avatar, 64), (ShotHead(0, IDENTITY, {}, bytes(1200)),))
        shot = Shot(width=64, height=64, avatars=(avatar.metadata.hash,), frames=(frame,))
        self.client.request(
            *self.chance.choice(
                (
                    ("render", {}, [b"{" * 5000]),
                    ("render", {}, [shot.to_json().encode()]),  # a mesh of another avatar
                    ("render", {}, [replace(shot, avatars=("0" * 64,)).to_json().encode()]),
                    ("open_avatar", {}, [self.files[name][: self.chance.randrange(1000)]]),
                    ("animate", {"sample_rate": -1, "fps": 25.0}, [bytes(100)]),
                    ("capture_performance", {"path": "/nowhere", "start": 0, "seconds": 1}, []),
                    ("nothing", {}, []),
                )
            )
        )

    def figures(self) -> dict[str, float]:
        """What the engine and its helpers hold now."""
        pid = self.process.pid
        helpers = descendants(pid)
        return {
            "engine_mb": resident(pid) / 1e6,
            "helpers_mb": sum(memory(each) for each in helpers),
            "descriptors": len(list(Path(f"/proc/{pid}/fd").iterdir())),
            "threads": len(list(Path(f"/proc/{pid}/task").iterdir())),
            "processes": 1 + len(helpers),
        }


def memory(pid: int) -> float:
    try:
        return resident(pid) / 1e6
    except OSError:  # it has ended meanwhile
        return 0.0


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    soak = Soak(options.seed)
    outcomes: Counter[str] = Counter()
    seen: list[dict[str, float]] = []
    started = time.monotonic()
    with contextlib.suppress(KeyboardInterrupt):  # says what there is until then
        while len(seen) < options.requests:
            (kind,) = soak.chance.choices(list(SHARES), list(SHARES.values()))
            outcomes[f"{kind}: {soak.ask(kind)}"] += 1
            seen.append(soak.figures())
            if len(seen) % 100 == 0:
                print(len(seen), seen[-1], file=sys.stderr, flush=True)
    soak.client.close()
    report = summary(seen)
    within = all(report["end"][name] - report["start"][name] <= most for name, most in BARS.items())
    asked = {"requests": len(seen), "seconds": round(time.monotonic() - started), "outcomes": outcomes}
    print(json.dumps({**asked, **report, "within_bars": within}, indent=1))
    return int(not within)


def summary(seen: list[dict[str, float]]) -> dict[str, Any]:
    tenth = max(1, len(seen) // 10)
    parts = {"start": seen[tenth : 2 * tenth], "middle": seen[5 * tenth : 6 * tenth], "end": seen[-tenth:]}
    medians = {
        part: {name: round(statistics.median(each[name] for each in rows), 1) for name in seen[0]}
        for part, rows in parts.items()
    }
    most = {name: round(max(each[name] for each in seen[tenth:]), 1) for name in seen[0]}
    return {**medians, "most": most}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
