"""The suites of tests: which environment runs each, and one closing line over all of them."""

from __future__ import annotations

import os
import subprocess
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from . import repository
from .environments import BLENDERS, WORKSHOP, Environment, ensure
from .packaging import ensure_engine, package
from .repository import ROOT, BuildError, say

UNFINISHED = (2, 3, 4)
"""pytest's exit codes that say that not all tests ran, though a report was written."""

AT_ONCE = (os.cpu_count() or 1) + 1
"""Suites that run side by side: tests wait for processes and clocks, so each keeps some two thirds of a core busy."""


def suites(arguments: list[str]) -> dict[str, tuple[Environment, list[str]]]:
    """For each suite its environment and pytest's arguments; paths among the arguments choose the suites."""
    paths = [word for word in arguments if word.replace("\\", "/").startswith("tests/")]
    others = [word for word in arguments if word not in paths]
    if not paths:
        return {suite: (environment, [*words, *others]) for suite, (environment, words) in _every_suite().items()}
    rooms = {"engine": ("tests/engine", WORKSHOP)}
    rooms |= {f"blender-{version}": ("tests/addon", blender) for version, blender in BLENDERS.items()}
    rooms |= {"gui": ("tests/gui", WORKSHOP)}
    chosen: dict[str, tuple[Environment, list[str]]] = {}
    for suite, (room, environment) in rooms.items():
        if mine := [path for path in paths if path.replace("\\", "/").startswith(room)]:
            chosen[suite] = (environment, [*mine, *others])
    return chosen


def _every_suite() -> dict[str, tuple[Environment, list[str]]]:
    """All tests, each in one suite, in the order in which they end soonest: the longest suites come first.

    Many suites share cores more evenly than few, but each starts a Python or a Blender of its own.
    """
    engine, addon = "tests/engine", "tests/addon"
    serving, training = ("bridge", "cli", "install", "server"), ("capture", "training")
    every: dict[str, tuple[Environment, list[str]]] = {
        "serving": (WORKSHOP, _rooms(engine, *serving)),
        "engine": (WORKSHOP, _other_rooms(engine, *serving, *training, "speech", "systems")),
        "systems": (WORKSHOP, _rooms(engine, "systems")),
    }
    every |= {f"blender-{version}-speech": (blender, _rooms(addon, "speech")) for version, blender in BLENDERS.items()}
    every["training"] = (WORKSHOP, _rooms(engine, *training))
    every |= {
        f"blender-{version}": (blender, _other_rooms(addon, "render", "speech"))
        for version, blender in BLENDERS.items()
    }
    every["speech"] = (WORKSHOP, _rooms(engine, "speech"))
    every |= {f"blender-{version}-render": (blender, _rooms(addon, "render")) for version, blender in BLENDERS.items()}
    return every | {"gui": (WORKSHOP, ["tests/gui"])}


def _rooms(folder: str, *rooms: str) -> list[str]:
    return [f"{folder}/{room}" for room in rooms]


def _other_rooms(folder: str, *rooms: str) -> list[str]:
    return [folder, *(f"--ignore={room}" for room in _rooms(folder, *rooms))]


def test(arguments: list[str]) -> int:
    """Every suite on the installed wheel and the installed zip; judged by JUnit files, since bpy may crash at exit."""
    chosen = suites(arguments)
    if not chosen:
        raise BuildError("None of these paths is below tests/engine, tests/addon or tests/gui.")
    wheel, archive = package()
    variables = {**os.environ, "DGTALKER_ENGINE_PYTHON": str(ensure_engine(wheel)), "DGTALKER_ZIP": str(archive)}
    for environment, _ in chosen.values():
        ensure(environment)
    share = max(1, (os.cpu_count() or 1) // min(AT_ONCE, len(chosen)))
    variables.setdefault("OMP_NUM_THREADS", str(share))  # threads of suites side by side would wait for each other
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running = [pool.submit(_run_suite, suite, *chosen[suite], variables) for suite in chosen]
        try:
            results = [suite.result() for suite in running]
        except BaseException:  # Ctrl-C ends those that run; no other begins
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    for result in results:
        for failed in result.failed:
            say(f"failed: {result.suite}: {failed}")
    passed, skipped = sum(result.passed for result in results), sum(result.skipped for result in results)
    failures = sum(len(result.failed) for result in results)
    print(f"{passed} passed, {failures} failed, {skipped} skipped", flush=True)
    return 1 if failures or not passed else 0


@dataclass
class Result:
    """What became of one suite; ``failed`` names its tests, so that the last lines of a long log say which."""

    suite: str
    passed: int = 0
    skipped: int = 0
    failed: list[str] = field(default_factory=list)


def _run_suite(suite: str, environment: Environment, words: list[str], variables: dict[str, str]) -> Result:
    """Run one suite; its output goes on behind its name."""
    say(f"testing {suite}")
    report = repository.BUILD / "junit" / f"{suite}.xml"
    report.unlink(missing_ok=True)
    command = [environment.executable, "-I", "-m", "pytest"]
    command += ["-rs", "-p", "no:cacheprovider", f"--junitxml={report}", *words]
    with subprocess.Popen(
        [str(word) for word in command],
        cwd=ROOT,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        for line in process.stdout or ():
            print(f"{suite}: {line}", end="", flush=True)
    if not report.is_file():
        return Result(suite, failed=[f"it ended without a report, with {process.returncode}"])
    result = Result(suite)
    if process.returncode in UNFINISHED:
        result.failed.append(f"it ended before its last test: pytest's exit code is {process.returncode}")
    for test_case in ElementTree.parse(report).iter("testcase"):
        if test_case.find("failure") is not None or test_case.find("error") is not None:
            result.failed.append(f"{test_case.get('classname')}.{test_case.get('name')}")
        elif test_case.find("skipped") is not None:
            result.skipped += 1
        else:
            result.passed += 1
    return result
