"""What is left when the command line is killed at any moment: torn files, and processes that go on.

Run by `python build.py bench kills [--kills N] [--seed N]`; prints JSON. A sequence is rendered and a recording
animated in turn, each into a folder that keeps what earlier kills left; every time the process is killed (SIGKILL) at a
random moment of its usual life. "torn" are files of their final names that are not whole, "orphans" processes that were
started by a killed one and still run two seconds after it, "longest" seconds that one outlived its owner; in the end
both are run without a kill and must finish. Linux.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLE = REPOSITORY / "tests" / "demo" / "sample.wav"
PATIENCE = 2.0
MARK = "DGTALKER_BENCH_KILLS"
"""An environment variable by which the processes of a run are known, whoever their parents are by then."""


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        works = {"render": (render(folder), whole_pictures), "animate": (animate(folder), whole_performance)}
        usual = {work: run(command) for work, (command, _) in works.items()}
        result = {"kills": 0, "too late": 0, "torn": 0, "orphans": 0, "longest": 0.0}
        for i in range(options.kills):
            work = list(works)[i % len(works)]
            command, whole = works[work]
            mark, process = start(command)
            time.sleep(chance.random() * usual[work])
            ended = process.poll() is not None
            process.send_signal(signal.SIGKILL)
            process.wait()
            result["too late" if ended else "kills"] += 1
            lived = outlived(mark)
            result["longest"] = max(result["longest"], round(lived, 3))
            result["orphans"] += lived >= PATIENCE
            result["torn"] += whole(folder / work)
        for command, _ in works.values():
            run(command)
        result["unfinished"] = sum(whole(folder / work) for work, (_, whole) in works.items())
        result["seconds"] = {work: round(seconds, 1) for work, seconds in usual.items()}
    print(json.dumps(result, indent=1))
    return int(bool(result["torn"] or result["orphans"] or result["unfinished"]))


def render(folder: Path) -> list[str]:
    camera = {
        "K": [150, 0, 32, 0, 150, 32, 0, 0, 1],
        "world_to_camera": [1, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, 0.9, 0, 0, 0, 1],
    }
    matrix = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    frames = [
        {"number": i, "camera": camera, "heads": [{"avatar": 0, "matrix": matrix, "weights": {"jawOpen": i / 200}}]}
        for i in range(1, 201)
    ]
    shot = {"version": 1, "width": 64, "height": 64, "avatars": ["builtin:robin"], "frames": frames}
    (folder / "shot.json").write_text(json.dumps(shot))
    return ["render", str(folder / "shot.json"), "-o", str(folder / "render")]


def animate(folder: Path) -> list[str]:
    return ["animate", str(SAMPLE), "-o", str(folder / "animate" / "performance.json")]


def start(command: list[str]) -> tuple[str, subprocess.Popen[bytes]]:
    mark = uuid.uuid4().hex
    whole = [os.environ.get("DGTALKER_ENGINE_PYTHON", sys.executable), "-I", "-m", "dgtalker_engine", *command]
    nowhere = subprocess.DEVNULL
    return mark, subprocess.Popen(whole, env={**os.environ, MARK: mark}, stdout=nowhere, stderr=nowhere)


def run(command: list[str]) -> float:
    """Runs it to its end; seconds."""
    started = time.monotonic()
    _, process = start(command)
    if process.wait():
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return time.monotonic() - started


def outlived(mark: str) -> float:
    """Seconds for which processes of a run go on, at most `PATIENCE`; those that still do are ended then."""
    started = time.monotonic()
    while left := marked(mark):
        if time.monotonic() - started > PATIENCE:
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            return PATIENCE
        time.sleep(0.01)
    return time.monotonic() - started


def marked(mark: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (path / "environ").read_bytes():
                found.append(int(path.name))
        except OSError:  # it has ended, or is another user's
            continue
    return found


def whole_pictures(folder: Path) -> int:
    """How many pictures are torn."""
    return sum(not path.read_bytes().endswith(b"IEND\xaeB`\x82") for path in folder.glob("frame_*.png"))


def whole_performance(folder: Path) -> int:
    for path in folder.glob("performance.json"):
        try:
            json.loads(path.read_bytes())
        except ValueError:
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
