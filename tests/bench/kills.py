"""What is left when a process is killed at any moment: torn files, processes that go on, silence.

Run by `python build.py bench kills [--kills N] [--seed N]`; prints JSON. Six kinds of work are done in turn, each in a
folder that keeps what earlier kills left, and every time a process is killed (SIGKILL) at a random moment of its usual
life: "sequence" (the command line renders one), "job" (a training, which is resumed after each kill), and in an owner
like Blender that asks an engine: "start", "open" (an avatar), "animate" (a recording) and "render" (a picture, written
as a sequence's frames are). Of these the owner is killed or its engine, by chance, from the moment on in which it
starts the engine. "torn" are files of their final
names that are not whole, "orphans" the commands of processes that were started by a killed one and did not end,
"longest" seconds that one outlived its owner (on a busy machine they wait for a processor, too), "unsaid" owners that
went on where their engine was killed; in the end all are run without a kill and must finish, and the job's result must
have the bits of one that nobody killed. Ctrl-C ends it early with what there is. Linux.
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
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
SAMPLE = REPOSITORY / "tests" / "demo" / "sample.wav"
TINY = REPOSITORY / "tests" / "engine" / "training"
ENGINE = os.environ.get("DGTALKER_ENGINE_PYTHON", sys.executable)
PATIENCE = 30.0
"""Seconds for which a process may go on before it counts as one that does not end."""
PICTURE = 128
"""Pixels of the side of an owner's pictures."""
MARK = "DGTALKER_BENCH_KILLS"
"""An environment variable by which the processes of a run are known, whoever their parents are by then."""

TRAINING = """
import sys
sys.path[:0] = {path!r}
import tiny
from dgtalker_engine import systems
from dgtalker_engine.cli.main import main
systems.TRAINERS["tiny"] = tiny.train_job
sys.exit(main(["job", {folder!r}]))
"""


@dataclass(frozen=True)
class Work:
    """What is done and killed: its command, how many files of its folder are torn, and whether it asks an engine."""

    command: list[str]
    torn: Callable[[], int]
    has_engine: bool = False


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(argv)
    chance = random.Random(options.seed)
    result = Counter({"torn": 0, "unsaid": 0, "too late": 0, "other bits": 0})
    kills: Counter[str] = Counter()
    orphans: list[str] = []
    longest = 0.0
    over: list[bool] = []
    signal.signal(signal.SIGINT, lambda *_: over.append(True))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        works = all_works(folder)
        usual = {kind: run(work) for kind, work in works.items()}
        never_killed = trained(folder)
        fresh_job(folder)
        while kills.total() < options.kills and not over:
            kind = list(works)[(kills.total() + result["too late"]) % len(works)]
            work = works[kind]
            mark, process = start(work)
            time.sleep(chance.random() * usual[kind])
            engines = [pid for pid in marked(mark) if " serve " in command_of(pid)] if work.has_engine else []
            if process.poll() is not None:
                result["too late"] += 1
            elif engines and chance.random() < 0.5:
                kills[f"{kind}: engine"] += 1
                os.kill(engines[0], signal.SIGKILL)
                result["unsaid"] += not ends(process, usual[kind] + PATIENCE)
            else:
                kills[kind] += 1
            process.kill()
            process.wait()
            lived, left = outlived(mark)
            longest, orphans = max(longest, lived), orphans + left
            result["torn"] += work.torn()
            if kind == "job" and (folder / "job" / "result.json").is_file():
                result["other bits"] += trained(folder) != never_killed
                fresh_job(folder)
            print(kills.total(), kind, round(lived, 2), left, file=sys.stderr, flush=True)
        for work in works.values():
            run(work)
        result["torn"] += sum(work.torn() for work in works.values())
        result["other bits"] += trained(folder) != never_killed
    bad = orphans or any(result[name] for name in ("torn", "unsaid", "other bits"))
    report = {"kills": kills.total(), **result, "orphans": orphans, "longest": round(longest, 3)}
    report |= {"of each": dict(sorted(kills.items())), "load": os.getloadavg()[1]}
    print(json.dumps({**report, "seconds": {kind: round(each, 1) for kind, each in usual.items()}}, indent=1))
    return int(bool(bad))


def all_works(folder: Path) -> dict[str, Work]:
    for name in ("sequence", "render", "animate"):
        (folder / name).mkdir()
    fresh_job(folder)
    (folder / "shot.json").write_text(shot(64, 200))
    prepare_owner(folder)
    program = TRAINING.format(path=[str(TINY), str(REPOSITORY)], folder=str(folder / "job"))
    owner = [sys.executable, str(Path(__file__).resolve().parent / "owner.py")]
    nothing = lambda: 0  # noqa: E731 (work that writes no file)
    sequence = [ENGINE, "-I", "-m", "dgtalker_engine", "render", str(folder / "shot.json")]
    return {
        "start": Work([*owner, "start", str(folder)], nothing, True),
        "open": Work([*owner, "open", str(folder)], nothing, True),
        "animate": Work([*owner, "animate", str(folder)], lambda: torn_takes(folder / "animate"), True),
        "render": Work([*owner, "render", str(folder)], lambda: torn_answers(folder / "render"), True),
        "sequence": Work([*sequence, "-o", str(folder / "sequence")], lambda: torn_pictures(folder / "sequence")),
        "job": Work([sys.executable, "-c", program], lambda: torn_records(folder / "job")),
    }


def shot(size: int, count: int) -> str:
    """Frames of Robin, whose jaw opens, as the command line reads them."""
    camera = {
        "K": [2.3 * size, 0, size / 2, 0, 2.3 * size, size / 2, 0, 0, 1],
        "world_to_camera": [1, 0, 0, 0, 0, 0, -1, 0, 0, 1, 0, 0.9, 0, 0, 0, 1],
    }
    matrix = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1]
    frames = [
        {"number": i, "camera": camera, "heads": [{"avatar": 0, "matrix": matrix, "weights": {"jawOpen": i / count}}]}
        for i in range(1, count + 1)
    ]
    return json.dumps({"version": 1, "width": size, "height": size, "avatars": ["builtin:robin"], "frames": frames})


def prepare_owner(folder: Path) -> None:
    """What `owner.py` sends, so that it need not load what makes it."""
    from dgtalker_engine import avatar as avatars_room
    from dgtalker_engine import speech

    (folder / "avatars").mkdir()
    for name in avatars_room.BUILTIN_NAMES:
        (folder / "avatars" / name).write_bytes(avatars_room.builtin(name))
    document = json.loads(shot(PICTURE, 1))
    document["avatars"] = [avatars_room.load(avatars_room.builtin("robin")).metadata.hash]
    (folder / "picture.json").write_text(json.dumps(document))
    (folder / "voice").write_bytes(speech.read_speech(SAMPLE).astype("<f2").tobytes())


def fresh_job(folder: Path) -> None:
    """A training that nobody began yet, of about two seconds."""
    job = folder / "job"
    for path in job.glob("*"):
        path.unlink()
    job.mkdir(exist_ok=True)
    config = {"steps": 120, "pace": 0.01}
    request = {"version": 1, "trainer": "tiny", "config": config, "input": "", "output": str(folder / "trained")}
    (job / "request.json").write_text(json.dumps({**request, "face_model": "", "consent": {}}))


def trained(folder: Path) -> bytes:
    return (folder / "trained").read_bytes()


def start(work: Work) -> tuple[str, subprocess.Popen[bytes]]:
    """Begins it; an owner is about to start its engine when this returns."""
    mark = uuid.uuid4().hex
    nowhere = subprocess.DEVNULL
    out = subprocess.PIPE if work.has_engine else nowhere
    process = subprocess.Popen(work.command, env={**os.environ, MARK: mark}, stdout=out, stderr=nowhere)
    if process.stdout:
        process.stdout.readline()
    return mark, process


def run(work: Work) -> float:
    """Runs it to its end; seconds from the moment on in which `start` returned."""
    _, process = start(work)
    started = time.monotonic()
    if process.wait():
        raise SystemExit(f"{' '.join(work.command)} ended with {process.returncode}")
    return time.monotonic() - started


def ends(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether it ends by itself."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def outlived(mark: str) -> tuple[float, list[str]]:
    """Seconds for which processes of a run go on, and the commands of those that did not end and were ended."""
    started = time.monotonic()
    while left := marked(mark):
        if time.monotonic() - started > PATIENCE:
            names = [command_of(pid) for pid in left]
            for pid in left:
                os.kill(pid, signal.SIGKILL)
            return PATIENCE, names
        time.sleep(0.01)
    return time.monotonic() - started, []


def marked(mark: str) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (path / "environ").read_bytes():
                found.append(int(path.name))
        except OSError:  # it has ended, or is another user's
            continue
    return found


def command_of(pid: int) -> str:
    """The command of a process; empty where it has ended."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def torn_pictures(folder: Path) -> int:
    return sum(not path.read_bytes().endswith(b"IEND\xaeB`\x82") for path in folder.glob("frame_*.png"))


def torn_answers(folder: Path) -> int:
    """Of pictures as the wire brings them: colour, depth and what is hidden, float32."""
    return sum(path.stat().st_size != PICTURE * PICTURE * 6 * 4 for path in folder.glob("frame_*"))


def torn_takes(folder: Path) -> int:
    from dgtalker_engine.errors import DGTalkerError
    from dgtalker_engine.performance import Take

    for path in folder.glob("take"):
        try:
            Take.from_bytes(path.read_bytes())
        except DGTalkerError:
            return 1
    return 0


def torn_records(folder: Path) -> int:
    """Of a job: its records, its pictures; what a checkpoint holds is shown by the bits of the result."""
    torn = 0
    for path in folder.glob("*.json"):
        try:
            json.loads(path.read_bytes())
        except ValueError:
            torn += 1
    pictures = [path.read_bytes() for path in folder.glob("preview.png")]
    return torn + sum(not data.endswith(b"IEND\xaeB`\x82") for data in pictures)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
